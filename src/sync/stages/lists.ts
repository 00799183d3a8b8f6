/** One change of one list, for a batch of users. */
import type { ListMembers, UserListChange } from '../../delivery/list-members.ts';
import type { Batch } from '../lanes/batch-lane.ts';
import { end, type Go, type ListsStep } from '../steps.ts';
import type { Task } from '../task.ts';

/** A task that waits for a list call, with what is left to do. */
export interface ListsTask {
  readonly task: Task;
  readonly step: ListsStep;
}

/** Throws what a call throws. */
export async function changeLists(
  change: UserListChange,
  batch: Batch<ListsTask>,
  { listMembers }: { readonly listMembers: ListMembers },
  go: Go,
): Promise<void> {
  const rejections = await listMembers.change(change, [...batch.values()]);
  for (const [{ task, step }, request] of batch) {
    const rejection = rejections.get(request);
    go(task, rejection ? end(rejection) : { ...step, made: step.made + 1 });
  }
}

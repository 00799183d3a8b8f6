/** One change of one list, for some users. */
import type { UserRequest } from '../../batching/user-request.ts';
import type { ListMembers, UserListChange } from '../../delivery/list-members.ts';
import type { Rejection, UserKey } from '../../model.ts';
import { end, type EndStep, type Go, type ListsStep } from '../steps.ts';
import type { Task } from '../task.ts';

/** A task that waits for list calls. */
export interface ListsTask {
  readonly task: Task;
  /** Who changes lists. */
  readonly key: UserKey;
  /** What follows when all changes are made. */
  readonly then: ListsStep | EndStep;
}

/** Makes the change for the users; gives the items whose users were refused. Throws what a call throws. */
export async function refusedBy<Item>(
  change: UserListChange,
  users: ReadonlyMap<Item, UserRequest>,
  listMembers: Pick<ListMembers, 'change'>,
): Promise<ReadonlyMap<Item, Rejection>> {
  const rejections = await listMembers.change(change, [...users.values()]);
  const refused = new Map<Item, Rejection>();
  if (rejections.size === 0) return refused;
  for (const [item, request] of users) {
    const rejection = rejections.get(request);
    if (rejection) refused.set(item, rejection);
  }
  return refused;
}

/** Gives the tasks whose users were refused: they have ended. Throws what a call throws. */
export async function changeLists(
  change: UserListChange,
  users: ReadonlyMap<ListsTask, UserRequest>,
  { listMembers }: { readonly listMembers: ListMembers },
  go: Go,
): Promise<ReadonlySet<ListsTask>> {
  const refused = await refusedBy(change, users, listMembers);
  for (const [{ task }, rejection] of refused) go(task, end(rejection));
  return new Set(refused.keys());
}

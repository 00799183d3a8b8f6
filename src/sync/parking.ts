/** A task that only waits for list calls keeps its user's identity and little else: many may wait. */
import type { Upsert } from '../model.ts';
import type { Backlog } from './backlog.ts';
import type { TaskLedger } from './task-ledger.ts';
import type { Task } from './task.ts';

const NO_VALUES = Object.freeze({});

/** Tasks of several records keep all of them: when a list call refuses the user, each is tried alone. */
export function park(
  task: Task,
  { backlog, ledger }: { readonly backlog: Pick<Backlog, 'park'>; readonly ledger: TaskLedger | undefined },
): void {
  const [record, second] = task.records;
  const { change } = task;
  if (!record || second || record.isParked) return;
  // A removal keeps little as it is.
  if (change.kind === 'upsert') {
    ledger?.keepEntry(task);
    const light: Upsert = { kind: 'upsert', key: change.key, values: NO_VALUES };
    task.change = light;
    record.change = light;
    record.request = undefined;
  }
  backlog.park(record, record.text?.length ?? 0);
}

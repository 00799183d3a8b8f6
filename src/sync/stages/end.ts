/** The end of a task: the ledger commits what follows from its result, then its records are settled. */
import type { Run } from '../../run.ts';
import type { Backlog } from '../backlog.ts';
import { isRejection, outcomeOf, type TaskResult } from '../outcomes.ts';
import type { PendingRecord } from '../pending-record.ts';
import type { Settlement } from '../settlement.ts';
import type { TaskLedger } from '../task-ledger.ts';
import type { Task } from '../task.ts';
import type { UserQueue } from '../user-queue.ts';

export interface EndContext {
  readonly queue: UserQueue<PendingRecord>;
  readonly run: Run;
  readonly ledger: TaskLedger | undefined;
  /** Keys of streams that update only users whom Iterable knows. */
  readonly enriched: ReadonlySet<string>;
  readonly backlog: Pick<Backlog, 'park' | 'remove'>;
  readonly settlement: Pick<Settlement, 'settle'>;
  /** Takes each task with its result, before its records are settled. */
  readonly onEnded?: ((task: Task, result: TaskResult) => void) | undefined;
}

/** Ends the task. The records of a rejected task of several records are tried one by one instead. */
export function endTask(task: Task, result: TaskResult, context: EndContext): void {
  const { ledger, run } = context;
  // The user was gone by the time of the call, or nothing had to look it up.
  const isUnknown = isRejection(result) && result.code === 'not_found' && isEnriched(task, context);
  const actual = isUnknown ? 'not_in_iterable' : result;
  if (isRejection(actual) && task.records.length > 1) {
    retryOneByOne(task, context);
  } else if (ledger) {
    ledger.commit(task, actual, () => {
      settleAll(task, actual, context);
      run.moved();
    });
  } else {
    settleAll(task, actual, context);
  }
}

/** True for a task of a stream that updates only users whom Iterable knows. */
export function isEnriched(
  { records: [first] }: Task,
  { enriched }: { readonly enriched: ReadonlySet<string> },
): boolean {
  return first !== undefined && enriched.has(first.streamKey);
}

function retryOneByOne(task: Task, { queue, ledger, run }: EndContext): void {
  const retry = () => {
    for (const { row } of task.records) row?.becomeStale();
    queue.retryOneByOne(task);
    run.moved();
  };
  if (ledger) ledger.commitRejected(task, retry);
  else retry();
}

function settleAll(task: Task, result: TaskResult, context: EndContext): void {
  const { queue, backlog, settlement, onEnded } = context;
  const last = task.records.at(-1);
  onEnded?.(task, result);
  for (const record of task.records) {
    backlog.remove(record);
    settlement.settle(record, outcomeOf(task.change, result, record === last));
  }
  queue.settle(task);
}

/** What follows for one user from the answer to a bulk call. */
import { keyAfterwards, type UserRequest } from '../../batching/user-request.ts';
import type { Rejection } from '../../model.ts';
import { end, type Step } from '../steps.ts';
import type { SyncLog } from '../sync-log.ts';
import type { TaskLedger } from '../task-ledger.ts';
import { upsertOf, type Task } from '../task.ts';
import { written, type WrittenContext } from './written.ts';

export interface AnswerContext extends WrittenContext {
  readonly ledger: TaskLedger | undefined;
  readonly log: SyncLog;
}

/** @param rejection undefined when Iterable has accepted the user */
export function afterAnswer(
  task: Task,
  request: UserRequest,
  rejection: Rejection | undefined,
  context: AnswerContext,
): Step {
  const { routes, ledger, log } = context;
  const change = upsertOf(task);
  if (!rejection) routes?.noteInBulk(change);
  if (task.movesInBulk) {
    task.movesInBulk = false;
    // The new address is taken.
    if (rejection?.code === 'conflict') return { kind: 'single', calls: 'write in bulk' };
    if (!rejection) {
      routes?.noteMoved(change, 'bulk call');
      ledger?.noteMoved(task);
      task.change = task.move?.changeAfterMove ?? change;
    }
  }
  if (rejection) return end(rejection);
  if (task.leavesOutUserId) for (const record of task.records) log.withoutUserId(record);
  return written(task, keyAfterwards(request), context);
}

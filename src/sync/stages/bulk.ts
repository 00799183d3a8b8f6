/** Bulk calls, and what follows for each user from the answer. */
import type { UserRequest } from '../../batching/user-request.ts';
import type { Clock } from '../../clock.ts';
import type { UserUpserter } from '../../delivery/upsert-users.ts';
import type { NewFieldTypes } from '../../mapping/new-field-types.ts';
import type { Rejection } from '../../model.ts';
import type { Conflicts } from '../conflicts.ts';
import type { Batch } from '../lanes/batch-lane.ts';
import { settleTypes } from '../settle-types.ts';
import type { Go } from '../steps.ts';
import type { SyncSummary } from '../stream-summary.ts';
import type { BatchReport, SyncLog } from '../sync-log.ts';
import type { TaskLedger } from '../task-ledger.ts';
import type { Task } from '../task.ts';
import { afterAnswer, type AnswerContext } from './answer.ts';

export interface BulkContext extends AnswerContext {
  readonly upserter: UserUpserter;
  /** Set where Iterable creates fields. */
  readonly newFields?: NewFieldTypes | undefined;
  readonly conflicts: Conflicts;
  readonly ledger: TaskLedger | undefined;
  readonly clock: Clock;
  readonly log: SyncLog;
  readonly summary: SyncSummary;
}

/** Throws what a call or the ledger throws. */
export async function deliverBulk(batch: Batch<Task>, context: BulkContext, go: Go): Promise<void> {
  const { clock, upserter, newFields, ledger, log, summary } = context;
  const startedAt = clock.now();
  await ledger?.markUnconfirmed([...batch.keys()]);
  const { sent, rebuilt, refused } = settleTypes(batch, newFields);
  const { rejections, dropped } = await upserter.deliver(sent);
  const report: BatchReport = {
    users: batch.size,
    records: 0,
    rejected: 0,
    retried: 0,
    doubtful: 0,
    tookMs: 0,
  };
  for (const [task, planned] of batch) {
    const request = rebuilt.get(task) ?? planned;
    task.droppedFields = dropped.get(request) ?? task.droppedFields;
    goOn(task, request, refused.get(task) ?? rejections.get(request), { context, report, go });
  }
  report.tookMs = clock.now() - startedAt;
  log.batch(report, summary);
}

function goOn(
  task: Task,
  request: UserRequest,
  rejection: Rejection | undefined,
  { context, report, go }: { context: BulkContext; report: BatchReport; go: Go },
): void {
  report.records += task.records.length;
  if (rejection && context.conflicts.concern(task, request, rejection)) {
    report.doubtful++;
    go(task, { kind: 'conflict', request, rejection });
    return;
  }
  if (rejection && task.records.length > 1) report.retried++;
  else if (rejection) report.rejected++;
  go(task, afterAnswer(task, request, rejection, context));
}

/** Bulk calls and what follows from their answers: users who are written, refused, or sent once more. */
import { keyAfterwards, type UserRequest } from '../batching/user-request.ts';
import type { Clock } from '../clock.ts';
import type { UserUpserter } from '../delivery/upsert-users.ts';
import type { NewFieldTypes } from '../mapping/new-field-types.ts';
import type { Rejection, TargetValues, UserKey } from '../model.ts';
import type { Batch } from './batch-lane.ts';
import { withoutUserId, type Conflicts } from './conflicts.ts';
import type { PendingWork } from './pending-record.ts';
import type { PlannedUpserts } from './planned-upserts.ts';
import { settleTypes } from './settle-types.ts';
import type { SyncSummary } from './stream-summary.ts';
import type { BatchReport, SyncLog } from './sync-log.ts';
import type { WorkEnds } from './work-ends.ts';
import type { WorkMemory } from './work-memory.ts';

export interface BulkDeliveryOptions {
  readonly upserter: UserUpserter;
  /** Where Iterable creates fields. */
  readonly newFields?: NewFieldTypes | undefined;
  readonly conflicts: Conflicts;
  /** Where some upserts need to know something first. */
  readonly planned: PlannedUpserts | undefined;
  readonly memory: WorkMemory | undefined;
  readonly ends: WorkEnds;
  readonly clock: Clock;
  readonly log: SyncLog;
  readonly summary: SyncSummary;
  /** The request for the work's records by these values. */
  readonly requestFor: (work: PendingWork, key: UserKey, values: TargetValues) => UserRequest;
  /** The work goes in another bulk call, as this. */
  readonly onAgain: (work: PendingWork, request: UserRequest) => void;
  readonly onFailure: (error: Error) => void;
  /** A conflict was looked into. */
  readonly onProgress: () => void;
}

export class BulkDelivery {
  readonly #options: BulkDeliveryOptions;
  /** Works that go without the user id that their records name. */
  readonly #withoutId = new WeakSet<PendingWork>();
  #judging = 0;

  constructor(options: BulkDeliveryOptions) {
    this.#options = options;
  }

  /** Refused works of which it is not known yet whether they are sent once more. */
  get judging(): number {
    return this.#judging;
  }

  /** Does not reject. */
  async deliver(batch: Batch<PendingWork>): Promise<void> {
    const { clock, upserter, newFields, memory, conflicts, log, summary, onFailure } = this.#options;
    const startedAt = clock.now();
    const report: BatchReport = {
      users: batch.size,
      records: 0,
      rejected: 0,
      retried: 0,
      doubtful: 0,
      tookMs: 0,
    };
    try {
      await memory?.holdInDoubt([...batch.keys()]);
      const { sent, rebuilt, refused } = settleTypes(batch, newFields);
      const rejections = await upserter.deliver(sent);
      for (const [work, planned] of batch) {
        const request = rebuilt.get(work) ?? planned;
        const rejection = refused.get(work) ?? rejections.get(request);
        report.records += work.records.length;
        if (rejection && conflicts.concern(work, request, rejection)) {
          report.doubtful++;
          void this.#onConflict(work, request, rejection);
          continue;
        }
        if (rejection && work.records.length > 1) report.retried++;
        else if (rejection) report.rejected++;
        this.#onAnswer(work, request, rejection);
      }
      report.tookMs = clock.now() - startedAt;
      log.batch(report, summary);
    } catch (error) {
      onFailure(error as Error);
    }
  }

  #onAnswer(work: PendingWork, request: UserRequest, rejection: Rejection | undefined): void {
    const { planned, ends, log } = this.#options;
    if (planned?.onBulkAnswer(work, rejection)) return;
    if (rejection) {
      ends.settle(work, rejection);
      return;
    }
    if (this.#withoutId.has(work)) for (const record of work.records) log.withoutUserId(record);
    ends.written(work, keyAfterwards(request));
  }

  async #onConflict(work: PendingWork, request: UserRequest, rejection: Rejection): Promise<void> {
    const { conflicts, requestFor, onAgain, onFailure, onProgress } = this.#options;
    this.#judging++;
    try {
      const verdict = await conflicts.judge(work, request, rejection);
      if (verdict === 'without user id' && work.change.kind === 'upsert') {
        this.#withoutId.add(work);
        const { key, values } = work.change;
        onAgain(work, requestFor(work, key, withoutUserId(values)));
      } else if (verdict === 'again') onAgain(work, request);
      else this.#onAnswer(work, request, rejection);
    } catch (error) {
      onFailure(error as Error);
    } finally {
      this.#judging--;
      onProgress();
    }
  }
}

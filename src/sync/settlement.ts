/** The last stage of a record: its outcome is counted, its rejection stored, its state comes a step nearer. Every record passes here once. */
import type { CheckpointTracker, Ticket } from '../checkpoint/tracker.ts';
import type { ChangeDetector } from '../diff/change-detector.ts';
import type { Identities, Outcome, Rejection } from '../model.ts';
import { recordDataText } from '../protocol/record-text.ts';
import type { RejectedRecords } from '../rejected-records/rejected-records.ts';
import type { Run } from '../run.ts';
import type { TrackedRecord } from './pending-record.ts';
import type { RejectionCauses } from './rejection-causes.ts';
import type { RejectionGuard } from './rejection-guard.ts';
import type { SyncSummary } from './stream-summary.ts';
import type { SyncLog } from './sync-log.ts';

export interface SettlementOptions {
  readonly summary: SyncSummary;
  readonly tracker: CheckpointTracker;
  readonly guard: RejectionGuard;
  readonly causes: RejectionCauses;
  readonly log: SyncLog;
  readonly rejectedRecords?: RejectedRecords;
  /** With a ledger. */
  readonly detector?: ChangeDetector | undefined;
  /** Fails when too much of a stream was rejected. */
  readonly run: Run;
}

export class Settlement {
  readonly #options: SettlementOptions;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  settle(record: TrackedRecord, outcome: Outcome): void {
    if (outcome.kind === 'rejected') this.#noteRejected(record, outcome);
    if (outcome.kind === 'not_there') this.#options.log.notThere(record);
    this.#count(record.streamKey, record.ticket, outcome);
  }

  /**
   * Settles a record that leads to no call: at once, or once the ledger has it where it matters there that the record came.
   * @param named the user that a rejected record names, as far as it can be told
   */
  settleUnsent(record: TrackedRecord, outcome: Outcome, named?: Identities): void {
    const { detector } = this.#options;
    const { row } = record;
    if (!detector) {
      this.settle(record, outcome);
      return;
    }
    const settle =
      outcome.kind === 'rejected'
        ? this.#rejecterOf(record, outcome)
        : this.#settlerOf(record.streamKey, record.ticket, outcome);
    const keyless = () => {
      detector.results.keyless(record.streamKey, settle);
    };
    const isKnown = row && (!row.isKeyedByIdentity || outcome.kind === 'unchanged');
    if (row && outcome.kind === 'rejected' && named)
      detector.results.rejected(row, named, isKnown ? settle : keyless);
    else if (isKnown) detector.results.seen(row, settle);
    else keyless();
  }

  #rejecterOf(record: TrackedRecord, rejection: Outcome): () => void {
    return () => {
      this.settle(record, rejection);
      this.#options.run.moved();
    };
  }

  /** perf ("Less garbage" in docs/performance.md): the closure keeps nothing else of the record, since thousands wait for the ledger. */
  #settlerOf(streamKey: string, ticket: Ticket, outcome: Outcome): () => void {
    return () => {
      this.#count(streamKey, ticket, outcome);
      this.#options.run.moved();
    };
  }

  #count(streamKey: string, ticket: Ticket, outcome: Outcome): void {
    const { summary, tracker, guard, run } = this.#options;
    summary.settled(streamKey, outcome);
    tracker.settle(ticket, outcome.kind === 'rejected' ? 'rejected' : 'confirmed');
    const excess = guard.afterRecord(streamKey);
    if (excess) run.fail(excess);
  }

  /** Before the record counts as settled: its state must not overtake it. */
  #noteRejected(record: TrackedRecord, rejection: Rejection): void {
    const { streamKey, line, stream, emittedAt, text } = record;
    const { log, causes, rejectedRecords } = this.#options;
    causes.noteRejected(streamKey, rejection);
    log.rejected({ line, stream }, rejection);
    if (text === undefined) return;
    rejectedRecords?.add({ line, stream, emittedAt, rejection, dataText: recordDataText(text) });
  }
}

/** The end of a record: noted if it was rejected, counted, and its state a step nearer. Every record passes here once. */
import type { CheckpointTracker, Ticket } from '../checkpoint/tracker.ts';
import type { Memory } from '../diff/memory.ts';
import type { Outcome, Rejection } from '../model.ts';
import { recordDataText } from '../protocol/record-text.ts';
import type { RejectedRecords } from '../rejected-records/rejected-records.ts';
import type { UnsettledRecord } from './pending-record.ts';
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
  readonly memory?: Memory | undefined;
  /** A record was settled later than it was told, once the ledger had it. */
  readonly onProgress: () => void;
  /** Too much of a stream was rejected. */
  readonly onExcess: (error: Error) => void;
}

export class Settlement {
  readonly #options: SettlementOptions;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  settle(record: UnsettledRecord, outcome: Outcome): void {
    if (outcome.kind === 'rejected') this.#noteRejected(record, outcome);
    if (outcome.kind === 'not_there') this.#options.log.notThere(record);
    this.#count(record.streamKey, record.ticket, outcome);
  }

  /** Settles a record that leads to no call. That it was there may matter to the ledger, which then has to know first. */
  settleUnsent(record: UnsettledRecord, outcome: Outcome): void {
    const { memory } = this.#options;
    const { row } = record;
    if (!memory) {
      this.settle(record, outcome);
      return;
    }
    const settle =
      outcome.kind === 'rejected'
        ? this.#rejecterOf(record, outcome)
        : this.#settlerOf(record.streamKey, record.ticket, outcome);
    if (row && (!row.isKeyedByIdentity || outcome.kind === 'unchanged')) memory.keep.seen(row, settle);
    else memory.keep.keyless(record.streamKey, settle);
  }

  #rejecterOf(record: UnsettledRecord, rejection: Outcome): () => void {
    return () => {
      this.settle(record, rejection);
      this.#options.onProgress();
    };
  }

  /** Keeps nothing else of the record: thousands wait for the ledger at a time. */
  #settlerOf(streamKey: string, ticket: Ticket, outcome: Outcome): () => void {
    return () => {
      this.#count(streamKey, ticket, outcome);
      this.#options.onProgress();
    };
  }

  #count(streamKey: string, ticket: Ticket, outcome: Outcome): void {
    const { summary, tracker, guard, onExcess } = this.#options;
    summary.settled(streamKey, outcome);
    tracker.settle(ticket, outcome.kind === 'rejected' ? 'rejected' : 'confirmed');
    const excess = guard.afterRecord(streamKey);
    if (excess) onExcess(excess);
  }

  /** Before the record counts as settled: its state must not overtake it. */
  #noteRejected(record: UnsettledRecord, rejection: Rejection): void {
    const { streamKey, line, stream, emittedAt, text } = record;
    const { log, causes, rejectedRecords } = this.#options;
    causes.noteRejected(streamKey, rejection);
    log.rejected({ line, stream }, rejection);
    if (text === undefined) return;
    rejectedRecords?.add({ line, stream, emittedAt, rejection, dataText: recordDataText(text) });
  }
}

/** The first stage of a record: it finds its stream, is counted, tracked and mapped, and gets its row. */
import type { CheckpointTracker } from '../checkpoint/tracker.ts';
import type { MappedRecord } from '../mapping/compile.ts';
import type { ChangeDetector } from '../diff/change-detector.ts';
import type { UserKey } from '../model.ts';
import type { RecordMessage } from '../protocol/messages.ts';
import type { RejectedRecords } from '../rejected-records/rejected-records.ts';
import type { SyncMode } from '../streams/modes.ts';
import type { Router } from '../streams/router.ts';
import type { TrackedRecord } from './pending-record.ts';
import type { RejectionCauses } from './rejection-causes.ts';
import type { SyncSummary } from './stream-summary.ts';

export interface RecordIntakeOptions {
  readonly router: Router;
  readonly tracker: CheckpointTracker;
  readonly summary: SyncSummary;
  readonly causes: RejectionCauses;
  readonly rejectedRecords?: RejectedRecords;
  /** With a ledger. */
  readonly detector?: ChangeDetector | undefined;
}

/** A record that was mapped, and has not been sent on yet. */
export interface IncomingRecord extends TrackedRecord {
  readonly mapped: MappedRecord;
  readonly mode: SyncMode;
}

export class RecordIntake {
  readonly #options: RecordIntakeOptions;

  constructor(options: RecordIntakeOptions) {
    this.#options = options;
  }

  /** From here on the record must be settled. Throws for a record of a stream that is not in the catalog. */
  take(message: RecordMessage): IncomingRecord {
    const { router, tracker, summary, causes, rejectedRecords, detector } = this.#options;
    const stream = router.route(message);
    summary.received(stream.key);
    const ticket = tracker.trackRecord(stream.key);
    const mapped = stream.map(message);
    if (mapped.kind === 'rejected' && mapped.code === 'missing_identifier')
      causes.noteUnidentified(stream, message.data);
    detector?.noteRecord(stream.key);
    const primaryKey = stream.primaryKeyOf(message.data);
    const row = detector?.rowOf({
      streamKey: stream.key,
      primaryKey,
      key: keyOf(mapped),
      upsert: mapped.kind === 'upsert' ? mapped : undefined,
    });
    return {
      streamKey: stream.key,
      line: message.line,
      stream: message.stream,
      emittedAt: message.emittedAt,
      text: rejectedRecords ? message.text : undefined,
      ticket,
      primaryKey,
      row,
      mapped,
      mode: stream.mode,
    };
  }
}

/** The record's identity: where it has no primary key, that tells its row. */
function keyOf(mapped: MappedRecord): UserKey | undefined {
  if (mapped.kind !== 'removal') return mapped.key;
  const value = mapped.identifiedBy === 'email' ? mapped.email : mapped.userId;
  return value === undefined ? undefined : { kind: mapped.identifiedBy, value };
}

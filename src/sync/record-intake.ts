/** Where a record comes in: routed to its stream, counted, mapped, and told apart from others by its row. */
import type { CheckpointTracker } from '../checkpoint/tracker.ts';
import type { MappedRecord } from '../mapping/compile.ts';
import type { Memory } from '../diff/memory.ts';
import type { UserKey } from '../model.ts';
import type { RecordMessage } from '../protocol/messages.ts';
import type { RejectedRecords } from '../rejected-records/rejected-records.ts';
import type { RoutedStream, Router } from '../streams/router.ts';
import type { UnsettledRecord } from './pending-record.ts';
import type { RejectionCauses } from './rejection-causes.ts';
import type { SyncSummary } from './stream-summary.ts';

export interface RecordIntakeOptions {
  readonly router: Router;
  readonly tracker: CheckpointTracker;
  readonly summary: SyncSummary;
  readonly causes: RejectionCauses;
  readonly rejectedRecords?: RejectedRecords;
  /** With a ledger. */
  readonly memory?: Memory | undefined;
}

/** A record on its way from its mapping to where it goes. */
export interface MappedItem {
  readonly stream: RoutedStream;
  readonly record: UnsettledRecord;
  readonly mapped: MappedRecord;
}

export class RecordIntake {
  readonly #options: RecordIntakeOptions;

  constructor(options: RecordIntakeOptions) {
    this.#options = options;
  }

  /** From here on the record must be settled. Throws for a record of a stream that is not in the catalog. */
  take(message: RecordMessage): MappedItem {
    const { router, tracker, summary, causes, rejectedRecords, memory } = this.#options;
    const stream = router.route(message);
    summary.received(stream.key);
    const ticket = tracker.trackRecord(stream.key);
    const mapped = stream.map(message);
    if (mapped.kind === 'rejected' && mapped.code === 'missing_identifier')
      causes.noteUnidentified(stream, message.data);
    memory?.noteRecord(stream.key);
    const primaryKey = stream.primaryKeyOf(message.data);
    const row = memory?.rowOf({
      streamKey: stream.key,
      primaryKey,
      key: keyOf(mapped),
      upsert: mapped.kind === 'upsert' ? mapped : undefined,
    });
    const record: UnsettledRecord = {
      streamKey: stream.key,
      line: message.line,
      stream: message.stream,
      emittedAt: message.emittedAt,
      text: rejectedRecords ? message.text : undefined,
      ticket,
      primaryKey,
      row,
    };
    return { stream, record, mapped };
  }
}

/** Who the record is about, as the ledger may know the row by where there is no primary key. */
function keyOf(mapped: MappedRecord): UserKey | undefined {
  if (mapped.kind !== 'removal') return mapped.key;
  const value = mapped.identifiedBy === 'email' ? mapped.email : mapped.userId;
  return value === undefined ? undefined : { kind: mapped.identifiedBy, value };
}

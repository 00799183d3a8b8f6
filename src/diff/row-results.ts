/**
 * What the ledger holds of a row after its records have ended, one method for each result. `onCommitted` is called once the
 * ledger has it, or at once where nothing changes.
 */
import type { LedgerWriter } from './ledger-writer.ts';
import { membershipChanges } from './lists.ts';
import {
  asUnconfirmed,
  entryAfter,
  formerUser,
  holdOf,
  isUnconfirmed,
  namedBesides,
  withoutNamed,
  type NewEntry,
  type Row,
} from './row.ts';
import { stateText, type DiffStream } from './streams.ts';
import type { RowPlace } from '../ledger/ledger.ts';
import type { DeletedIdentity, Identities, UserKey } from '../model.ts';
import { SYNC_MODES } from '../streams/modes.ts';
import type { RemovalDecision } from './removals.ts';
import type { RowTask } from './upserts.ts';

/** Records of one row that have been delivered, and the hashes of what they wrote together. */
export interface WrittenRow extends Pick<RowTask, 'records' | 'valuesHash'> {
  readonly key: UserKey;
  /** The profile that the row stood for has got the row's new address. */
  readonly hasMoved: boolean;
  /** Other entries that hold the user for which the row stood until now. */
  readonly stale: readonly RowPlace[];
  readonly fieldHashes?: Uint8Array | undefined;
  /** The user was not written, at most its lists changed: the connector is no more its creator than before. */
  readonly keepsOrigin?: boolean;
}

const NOTHING = (): void => undefined;

export class RowResults {
  readonly #writer: LedgerWriter;
  readonly #streams: ReadonlyMap<string, DiffStream>;

  /** @param streams by stream key */
  constructor(writer: LedgerWriter, streams: ReadonlyMap<string, DiffStream>) {
    this.#writer = writer;
    this.#streams = streams;
  }

  /** A record was rejected or skipped that has no key: which rows the snapshot lacks can't be told. */
  keyless(streamKey: string, onCommitted: () => void): void {
    const stream = this.#streams.get(streamKey);
    if (!stream?.state.open) {
      onCommitted();
      return;
    }
    stream.state.open.hasKeyless = true;
    this.#writer.setState(stream.rowStream.id, stateText(stream), onCommitted);
  }

  /** The calls for these records of one row have changed nothing: the row is as it was, and was in the input. */
  asBefore(records: RowTask['records'], onCommitted: () => void): void {
    const row = records[0]?.row;
    if (!row) onCommitted();
    else if (row.entry) {
      const entry = isUnconfirmed(row.entry) ? asUnconfirmed(row.entry) : row.entry;
      this.#writer.write({ ...entry, seen: row.stream.snapshot }, onCommitted);
    } else this.#writer.drop([{ stream: row.stream.id, key: row.key }], onCommitted);
  }

  /** A record of the row was rejected: the users whom it names stay, whatever their own rows come to. */
  rejected(row: Row, named: Identities, onCommitted: () => void): void {
    const besides = namedBesides(row.entry, named).named ?? {};
    const before = row.entry?.named ?? {};
    const isKnown = row.isCurrent && before.email === besides.email && before.userId === besides.userId;
    if (isKnown) this.seen(row, onCommitted);
    else this.#writer.name(row, besides, onCommitted);
  }

  /** A record of the row was rejected before the one whose result was just given here: it is the row's last. */
  named(row: Row, named: Identities): void {
    this.#writer.name(row, named, NOTHING);
  }

  /** These records of one row have been delivered, in order. */
  written(written: WrittenRow, onCommitted: () => void): void {
    const entry = entryAfter(written);
    if (entry) this.writtenAs(entry, written, onCommitted);
    else onCommitted();
  }

  /**
   * The same where the entry is known already. In a full replacement, a row that has become another user leaves its hold behind until
   * the snapshot is verified.
   */
  writtenAs(
    entry: NewEntry,
    { records, key, hasMoved, stale }: Pick<WrittenRow, 'records' | 'key' | 'hasMoved' | 'stale'>,
    onCommitted: () => void,
  ): void {
    const row = records[0]?.row;
    const held = row?.entry;
    const former = hasMoved ? undefined : formerUser(held, { key });
    const mayBeRemoved =
      row?.stream.isReplaced === true &&
      SYNC_MODES[row.stream.mode].remove &&
      held?.origin === 'upsert' &&
      !row.stream.hasOtherBasis(held.conditions);
    if (former && row && mayBeRemoved) this.#writer.write(holdOf(former, row.stream), NOTHING);
    else if (former && stale.length > 0) this.#writer.noteRemoval({ stale, deleted: [] });
    this.#writer.write(entry, onCommitted);
  }

  /**
   * Nothing was to be sent for these records of one row. They may say less than the row did before all the same: they name fewer
   * lists, where another row names those, or lack a value that Iterable keeps.
   */
  unchanged(task: Omit<WrittenRow, 'key' | 'hasMoved' | 'stale'>, onCommitted: () => void): void {
    const row = task.records.at(-1)?.row;
    const held = task.records[0]?.row.entry;
    const after = entryAfter(task);
    const saysLess =
      held &&
      after &&
      (held.named !== undefined ||
        held.valuesHash !== after.valuesHash ||
        membershipChanges(held.lists, after.lists).size > 0);
    if (saysLess === true) this.#writer.write(after, onCommitted);
    else if (row) this.seen(row, onCommitted);
    else onCommitted();
  }

  /** Iterable does not know the user: once it does, the record is written again. An entry of an earlier user stays. */
  missing({ stream, key, entry }: Row, onCommitted: () => void): void {
    if (entry)
      this.#writer.write({ ...withoutNamed(asUnconfirmed(entry)), seen: stream.snapshot }, onCommitted);
    else this.#writer.drop([{ stream: stream.id, key }], onCommitted);
  }

  /** The entries end. */
  gone(rows: readonly RowPlace[], onCommitted: () => void): void {
    if (rows.length === 0) onCommitted();
    else this.#writer.drop(rows, onCommitted);
  }

  /**
   * A removal has ended, and its entries with it.
   * @param deleted the users who were deleted
   */
  removed(
    { gone, stale }: Pick<RemovalDecision, 'gone' | 'stale'>,
    deleted: readonly DeletedIdentity[],
    onCommitted: () => void,
  ): void {
    if (gone.length + stale.length + deleted.length === 0) {
      onCommitted();
      return;
    }
    this.#writer.noteRemoval({ stale, deleted });
    this.#writer.drop(gone, onCommitted);
  }

  /** The row was in the input, though nothing was written. */
  seen(row: Row, onCommitted: () => void): void {
    const { stream, entry, isCurrent } = row;
    // Only a full snapshot removes the users it lacks, and a pending deletion is cancelled.
    const matters = stream.isReplaced || !isCurrent || entry?.isPendingDeletion === true;
    if (matters) this.#writer.mark(row, onCommitted);
    else onCommitted();
  }
}

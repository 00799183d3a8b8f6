/**
 * What the ledger holds of a row after its records have ended, one method for each result. `onCommitted` is called once the
 * ledger has it, or at once where nothing changes.
 */
import type { LedgerWriter } from './ledger-writer.ts';
import { membershipChanges } from './lists.ts';
import { entryAfter, asUnconfirmed, isUnconfirmed, type NewEntry, type Row } from './row.ts';
import { stateText, type DiffStream } from './streams.ts';
import type { RowTask } from './upserts.ts';

/** Records of one row that have been delivered, and the hashes of what they wrote together. */
export interface WrittenRow extends Pick<RowTask, 'records' | 'valuesHash'> {
  readonly fieldHashes?: Uint8Array | undefined;
}

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

  /** These records of one row have been delivered, in order. */
  written(task: WrittenRow, onCommitted: () => void): void {
    const entry = entryAfter(task);
    if (entry) this.#writer.write(entry, onCommitted);
    else onCommitted();
  }

  /** The row's records have been delivered: this is its entry. */
  writtenAs(entry: NewEntry, onCommitted: () => void): void {
    this.#writer.write(entry, onCommitted);
  }

  /**
   * Nothing was to be sent for these records of one row. They may say less than the row did before all the same: they name fewer
   * lists, where another row names those, or lack a value that Iterable keeps.
   */
  unchanged(task: WrittenRow, onCommitted: () => void): void {
    const row = task.records.at(-1)?.row;
    const held = task.records[0]?.row.entry;
    const after = entryAfter(task);
    const saysLess =
      held &&
      after &&
      (held.valuesHash !== after.valuesHash || membershipChanges(held.lists, after.lists).size > 0);
    if (saysLess === true) this.#writer.write(after, onCommitted);
    else if (row) this.seen(row, onCommitted);
    else onCommitted();
  }

  /** Iterable does not know the user: once it does, the record is written again. An entry of an earlier user stays. */
  missing({ stream, key, entry }: Row, onCommitted: () => void): void {
    if (entry) this.#writer.write({ ...asUnconfirmed(entry), seen: stream.snapshot }, onCommitted);
    else this.#writer.drop([{ stream: stream.id, key }], onCommitted);
  }

  /** The entries end. */
  gone(rows: readonly { readonly stream: number; readonly key: string }[], onCommitted: () => void): void {
    if (rows.length === 0) onCommitted();
    else this.#writer.drop(rows, onCommitted);
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

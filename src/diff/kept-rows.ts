/**
 * What the ledger is to hold of a row once its records have ended in this way or that. Each says so to the keeper;
 * `onKept` is called when the ledger has it, or at once where there is nothing to hold.
 */
import type { Keeper } from './keeper.ts';
import { membershipChanges } from './lists.ts';
import { entryAfter, entryInDoubt, isInDoubt, type Row } from './row.ts';
import { stateText, type StreamMemory } from './streams.ts';
import type { RowWork } from './upserts.ts';

type Written = Pick<RowWork, 'records' | 'valuesHash'>;

export class KeptRows {
  readonly #keeper: Keeper;
  readonly #streams: ReadonlyMap<string, StreamMemory>;

  /** @param streams by stream key */
  constructor(keeper: Keeper, streams: ReadonlyMap<string, StreamMemory>) {
    this.#keeper = keeper;
    this.#streams = streams;
  }

  /** A record was rejected or skipped that does not say whose it is: who is absent can't be told. */
  keyless(streamKey: string, onKept: () => void): void {
    const stream = this.#streams.get(streamKey);
    if (!stream?.state.open) {
      onKept();
      return;
    }
    stream.state.open.hasKeyless = true;
    this.#keeper.setState(stream.remembered.id, stateText(stream), onKept);
  }

  /** The calls for these records of one row have changed nothing: the row is as it was, and was in the input. */
  asBefore(records: RowWork['records'], onKept: () => void): void {
    const row = records[0]?.row;
    if (!row) onKept();
    else if (row.held) {
      const held = isInDoubt(row.held) ? entryInDoubt(row.held) : row.held;
      this.#keeper.write({ ...held, seen: row.stream.snapshot }, onKept);
    } else this.#keeper.drop([{ stream: row.stream.id, key: row.key }], onKept);
  }

  /** These records of one row have been delivered, in order. */
  written(work: Written, onKept: () => void): void {
    const entry = entryAfter(work);
    if (entry) this.#keeper.write(entry, onKept);
    else onKept();
  }

  /** Nothing was to be sent for these records of one row. They may name fewer lists all the same, where another row names those. */
  unchanged(work: Written, onKept: () => void): void {
    const row = work.records.at(-1)?.row;
    const held = work.records[0]?.row.held;
    const after = entryAfter(work);
    if (held && after && membershipChanges(held.lists, after.lists).size > 0)
      this.#keeper.write(after, onKept);
    else if (row) this.seen(row, onKept);
    else onKept();
  }

  /** Iterable does not know whom the record names: who comes back is written again, and whom the row held until now it still holds. */
  missing({ stream, key, held }: Row, onKept: () => void): void {
    if (held) this.#keeper.write({ ...entryInDoubt(held), seen: stream.snapshot }, onKept);
    else this.#keeper.drop([{ stream: stream.id, key }], onKept);
  }

  /** The entries are true no more. */
  gone(rows: readonly { readonly stream: number; readonly key: string }[], onKept: () => void): void {
    if (rows.length === 0) onKept();
    else this.#keeper.drop(rows, onKept);
  }

  /** The row was in the input, though nothing was written. */
  seen(row: Row, onKept: () => void): void {
    const { stream, held, isCurrent } = row;
    // Where nobody is removed by absence it makes no difference, unless somebody is about to be.
    const matters = stream.isReplaced || !isCurrent || held?.isDoomed === true;
    if (matters) this.#keeper.mark(row, onKept);
    else onKept();
  }
}

/** Presence marks in the SQLite ledger: the bits of a stream's latest snapshot, available in SQL as the function `is_marked`. */
import type { PresentRow } from '../ledger.ts';
import { knownIds, Presence, type Block } from '../presence.ts';
import { jsonTexts, type Statements } from './statements.ts';

export class PresenceTable {
  readonly #statements: Statements;
  /** Marks by stream; undefined for a stream without marks. */
  readonly #read = new Map<number, Presence | undefined>();

  constructor(statements: Statements) {
    this.#statements = statements;
    statements.onRollback(() => {
      this.#read.clear();
    });
    statements.database.function('is_marked', (stream, snapshot, id) =>
      this.#of(Number(stream))?.isMarked(Number(id), Number(snapshot)) === true ? 1 : 0,
    );
  }

  /** The last snapshot in which an entry was present, given the one in which it was written. */
  seenOf(stream: number, id: number, written: number): number {
    return this.#of(stream)?.seenOf(id, written) ?? written;
  }

  /** To be called within a transaction. Marks the rows as present and cancels their pending deletions; ignores rows without an entry. */
  mark(stream: number, snapshot: number, rows: readonly PresentRow[]): void {
    const presence = this.#begin(stream, snapshot);
    const ids = this.#idsOf(stream, rows);
    for (const id of ids) presence.add(id);
    for (const { block, bits } of presence.takeChanged())
      this.#statements.exec(
        'INSERT OR REPLACE INTO presence (stream, snapshot, block, bits) VALUES (?, ?, ?, ?)',
        stream,
        presence.snapshot,
        block,
        bits,
      );
    const hasPendingDeletion =
      'SELECT count(*) AS number FROM (SELECT 1 FROM entry WHERE stream = ? AND doomed = 1 LIMIT 1)';
    if (this.#statements.number(hasPendingDeletion, stream) === 0) return;
    for (const id of ids)
      this.#statements.exec("UPDATE entry SET doomed = 0, values_hash = '' WHERE id = ? AND doomed = 1", id);
  }

  /** Deletes the marks of earlier snapshots, which are no longer needed. */
  #begin(stream: number, snapshot: number): Presence {
    const known = this.#of(stream);
    if (known && known.snapshot >= snapshot) return known;
    this.#statements.exec('DELETE FROM presence WHERE stream = ?', stream);
    const presence = new Presence(snapshot);
    this.#read.set(stream, presence);
    return presence;
  }

  #of(stream: number): Presence | undefined {
    const known = this.#read.get(stream);
    if (known || this.#read.has(stream)) return known;
    const rows = this.#statements.all<Block & { snapshot: number }>(
      'SELECT snapshot, block, bits FROM presence WHERE stream = ?',
      stream,
    );
    const presence = rows[0] && new Presence(rows[0].snapshot, rows);
    this.#read.set(stream, presence);
    return presence;
  }

  #idsOf(stream: number, rows: readonly PresentRow[]): number[] {
    const { ids, unknown } = knownIds(rows);
    if (unknown.length === 0) return ids;
    const found = this.#statements.all<{ id: number }>(
      'SELECT entry.id AS id FROM json_each(?) AS wanted CROSS JOIN entry ON entry.stream = ? AND entry.key = wanted.value',
      jsonTexts(unknown),
      stream,
    );
    return [...ids, ...found.map(({ id }) => id)];
  }
}

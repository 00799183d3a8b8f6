/** Presence marks in the SQLite ledger: the bits of a stream's last snapshot, which SQL asks for as `is_marked`. */
import { Presence, type Block } from './presence.ts';
import { jsonTexts, type Statements } from './sqlite-statements.ts';

/** Ids of entries that were found and may be marked soon; others are looked for once more. */
const MAX_IDS_KEPT = 50_000;

export class PresenceTable {
  readonly #statements: Statements;
  /** By stream; undefined for one without marks. */
  readonly #read = new Map<number, Presence | undefined>();
  /** Stream → key → id. */
  readonly #ids = new Map<number, Map<string, number>>();
  #idsKept = 0;

  constructor(statements: Statements) {
    this.#statements = statements;
    statements.onRollback(() => {
      this.#read.clear();
      this.#forgetIds();
    });
    statements.database.function('is_marked', (stream, snapshot, id) =>
      this.#isMarked(Number(stream), Number(snapshot), Number(id)) ? 1 : 0,
    );
  }

  /** The snapshot in which an entry was last present, given the one in which it was written. */
  seenOf(stream: number, id: number, written: number): number {
    const presence = this.#of(stream);
    return presence?.has(id) === true ? Math.max(presence.snapshot, written) : written;
  }

  /** An entry was found, and has this id for good. */
  noteId(stream: number, key: string, id: number): void {
    if (this.#idsKept >= MAX_IDS_KEPT) this.#forgetIds();
    let ids = this.#ids.get(stream);
    if (!ids) {
      ids = new Map();
      this.#ids.set(stream, ids);
    }
    ids.set(key, id);
    this.#idsKept++;
  }

  /** The key's entry is deleted: another one may get the key. */
  forget(stream: number, key: string): void {
    this.#ids.get(stream)?.delete(key);
  }

  /** Within a transaction: these keys' entries were present, and are not doomed. Keys without one are passed over. */
  mark(stream: number, snapshot: number, keys: readonly string[]): void {
    const presence = this.#begin(stream, snapshot);
    const ids = this.#idsOf(stream, keys);
    for (const id of ids) presence.add(id);
    for (const { block, bits } of presence.takeChanged())
      this.#statements.exec(
        'INSERT OR REPLACE INTO presence (stream, snapshot, block, bits) VALUES (?, ?, ?, ?)',
        stream,
        presence.snapshot,
        block,
        bits,
      );
    const isAnyDoomed =
      'SELECT count(*) AS number FROM (SELECT 1 FROM entry WHERE stream = ? AND doomed = 1 LIMIT 1)';
    if (this.#statements.number(isAnyDoomed, stream) === 0) return;
    for (const id of ids)
      this.#statements.exec('UPDATE entry SET doomed = 0 WHERE id = ? AND doomed = 1', id);
  }

  /** Marks of an earlier snapshot tell nothing that is asked any more. */
  #begin(stream: number, snapshot: number): Presence {
    const known = this.#of(stream);
    if (known && known.snapshot >= snapshot) return known;
    this.#statements.exec('DELETE FROM presence WHERE stream = ?', stream);
    const presence = new Presence(snapshot);
    this.#read.set(stream, presence);
    return presence;
  }

  #of(stream: number): Presence | undefined {
    if (this.#read.has(stream)) return this.#read.get(stream);
    const rows = this.#statements.all<Block & { snapshot: number }>(
      'SELECT snapshot, block, bits FROM presence WHERE stream = ?',
      stream,
    );
    const presence = rows[0] && new Presence(rows[0].snapshot, rows);
    this.#read.set(stream, presence);
    return presence;
  }

  #isMarked(stream: number, snapshot: number, id: number): boolean {
    const presence = this.#of(stream);
    return presence !== undefined && presence.snapshot >= snapshot && presence.has(id);
  }

  #idsOf(stream: number, keys: readonly string[]): number[] {
    const known = this.#ids.get(stream);
    const ids: number[] = [];
    const unknown: string[] = [];
    for (const key of keys) {
      const id = known?.get(key);
      if (id === undefined) unknown.push(key);
      else ids.push(id);
    }
    if (unknown.length === 0) return ids;
    const found = this.#statements.all<{ id: number }>(
      'SELECT entry.id AS id FROM json_each(?) AS wanted CROSS JOIN entry ON entry.stream = ? AND entry.key = wanted.value',
      jsonTexts(unknown),
      stream,
    );
    return [...ids, ...found.map(({ id }) => id)];
  }

  #forgetIds(): void {
    this.#ids.clear();
    this.#idsKept = 0;
  }
}

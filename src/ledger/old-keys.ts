/**
 * A ledger that is only read, and that has streams whose keys an older version wrote: shown under the keys that they will have once
 * a sync has moved them.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { moveToKeysByValue, type KeyedEntry, type KeyMove, type KeyTable } from './keys.ts';
import type { HeldEntry, Ledger } from './ledger.ts';
import { parseWritten } from './written.ts';

/** The keys of a stream of the ledger as it is. */
export type ReadKeys = (stream: number) => Pick<KeyTable, 'next' | 'having'>;

interface MovedRow {
  readonly old: string;
  /** Null for one that is dropped. */
  readonly key: string | null;
  readonly in_doubt: number;
  /** Null where it says what it said. */
  readonly written: string | null;
}

/** Which keys have become which, in the memory of SQLite: about 150 bytes for each that does, outside of the heap. */
export class MovedKeys {
  readonly #database: DatabaseSync;
  readonly #byKey: StatementSync;
  readonly #byOld: StatementSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec(`CREATE TABLE moved (
        stream INTEGER, old TEXT, key TEXT, in_doubt INTEGER, written TEXT, PRIMARY KEY (stream, old)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX moved_by_key ON moved (stream, key)`);
    // Else it would look through the stream: it knows no better than that the primary key begins alike.
    this.#byKey = database.prepare(
      'SELECT * FROM moved INDEXED BY moved_by_key WHERE stream = ? AND key = ?',
    );
    this.#byOld = database.prepare('SELECT * FROM moved WHERE stream = ? AND old = ?');
  }

  /** Looks through the keys of these streams; touches no disk. Undefined where all are in their present form. */
  static async of(
    streams: readonly number[],
    keysOf: ReadKeys,
    pageSize?: number,
  ): Promise<MovedKeys | undefined> {
    if (streams.length === 0) return undefined;
    const { DatabaseSync } = await import('node:sqlite');
    const moved = new MovedKeys(new DatabaseSync(':memory:'));
    for (const stream of streams) await moveToKeysByValue(moved.#tableOf(stream, keysOf(stream)), pageSize);
    const { number } = moved.#database.prepare('SELECT count(*) AS number FROM moved').get() as {
      number: number;
    };
    if (number > 0) return moved;
    moved.close();
    return undefined;
  }

  /** The key under which the ledger has the entry that is shown under this one, if it may have one. */
  oldOf(stream: number, key: string): string | undefined {
    const row = this.#byKey.get(stream, key) as MovedRow | undefined;
    if (row) return row.old;
    // Another entry has left it.
    return this.#byOld.get(stream, key) ? undefined : key;
  }

  /** The entry as it is shown; undefined for one that is dropped. */
  view<Entry extends HeldEntry>(entry: Entry): Entry | undefined {
    const row = this.#byOld.get(entry.stream, entry.key) as MovedRow | undefined;
    if (!row) return entry;
    const { key, in_doubt: inDoubt, written } = row;
    if (key === null) return undefined;
    return {
      ...entry,
      key,
      ...(written === null ? {} : parseWritten(written)),
      ...(inDoubt === 1 ? { valuesHash: '' } : {}),
    };
  }

  /** Entries of the stream that are dropped. */
  droppedOf(stream: number): number {
    const count = this.#database.prepare(
      'SELECT count(*) AS number FROM moved WHERE stream = ? AND key IS NULL',
    );
    return (count.get(stream) as { number: number }).number;
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #tableOf(stream: number, keys: ReturnType<ReadKeys>): KeyTable {
    return {
      next: (after, limit) => keys.next(after, limit),
      having: async (wanted) => {
        const keyOf = new Map<string, string>();
        for (const key of wanted) {
          const old = this.oldOf(stream, key);
          if (old !== undefined) keyOf.set(old, key);
        }
        const found = await keys.having([...keyOf.keys()]);
        return found.map((entry): KeyedEntry => {
          const { written } = (this.#byOld.get(stream, entry.key) as MovedRow | undefined) ?? {};
          return {
            ...entry,
            key: keyOf.get(entry.key) ?? entry.key,
            written: written ?? entry.written,
          };
        });
      },
      move: (moves) => {
        this.#put(stream, moves);
        return Promise.resolve();
      },
      drop: (dropped) => {
        this.#put(
          stream,
          dropped.map((from) => ({ from, to: null, isUnconfirmed: false })),
        );
        return Promise.resolve();
      },
    };
  }

  #put(
    stream: number,
    moves: readonly (Omit<KeyMove, 'to'> & { readonly to: KeyMove['to'] | null })[],
  ): void {
    const put = this.#database.prepare(
      `INSERT INTO moved VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (stream, old) DO UPDATE SET key = excluded.key, in_doubt = max(in_doubt, excluded.in_doubt),
         written = coalesce(excluded.written, written)`,
    );
    this.#database.exec('BEGIN');
    for (const { from, to, isUnconfirmed, written = null } of moves)
      put.run(stream, this.oldOf(stream, from) ?? from, to, isUnconfirmed ? 1 : 0, written);
    this.#database.exec('COMMIT');
  }
}

/** @param base opened to be read; closed with this */
export function withMovedKeys(base: Ledger, moved: MovedKeys | undefined): Ledger {
  if (!moved) return base;
  const view = <Entry extends HeldEntry>(entries: Iterable<Entry>) =>
    [...entries].map((entry) => moved.view(entry)).filter((entry) => entry !== undefined);
  return {
    own: base.own,
    streams: () => base.streams(),
    find: async (stream, keys) => {
      const old = keys.map((key) => moved.oldOf(stream, key)).filter((key) => key !== undefined);
      const found = await base.find(stream, old);
      return new Map(view(found.values()).map((entry) => [entry.key, entry]));
    },
    holders: async (people) => view(await base.holders(people)),
    count: async (stream) => (await base.count(stream)) - moved.droppedOf(stream),
    commit: (changes) => base.commit(changes),
    countAbsent: (stream, snapshot) => base.countAbsent(stream, snapshot),
    // In the order of the keys that the ledger has.
    unseen: async (stream, snapshot, after, limit) => {
      const entries: HeldEntry[] = [];
      let from = moved.oldOf(stream, after) ?? after;
      for (;;) {
        const page = await base.unseen(stream, snapshot, from, limit - entries.length);
        const last = page.at(-1);
        entries.push(...view(page));
        if (!last || entries.length >= limit) return entries;
        from = last.key;
      }
    },
    doomAbsent: (snapshots) => base.doomAbsent(snapshots),
    nextDoomed: async (streams, limit) => view(await base.nextDoomed(streams, limit)),
    pardon: (streams) => base.pardon(streams),
    close: async () => {
      moved.close();
      await base.close();
    },
  };
}

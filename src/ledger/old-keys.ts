/**
 * A read-only view of a ledger with keys of an older version: it shows the entries under the keys that the next sync will
 * convert them to.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { moveToKeysByValue, type KeyedEntry, type KeyMove, type KeyTable } from './keys.ts';
import type { HeldEntry, Ledger } from './ledger.ts';
import { parseWritten } from './written.ts';

/** Reads the stored keys of a stream. */
export type ReadKeys = (stream: number) => Pick<KeyTable, 'next' | 'having'>;

interface MovedRow {
  readonly old: string;
  /** Null for an entry that is dropped. */
  readonly key: string | null;
  readonly in_doubt: number;
  /** Null if unchanged. */
  readonly written: string | null;
}

/** A map from old to new keys in an in-memory SQLite database: about 150 bytes per changed key, outside the heap. */
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
    // Without INDEXED BY, SQLite would scan the whole stream by the primary key, which also begins with `stream`.
    this.#byKey = database.prepare(
      'SELECT * FROM moved INDEXED BY moved_by_key WHERE stream = ? AND key = ?',
    );
    this.#byOld = database.prepare('SELECT * FROM moved WHERE stream = ? AND old = ?');
  }

  /** Scans the keys of these streams; writes nothing to disk. Undefined if no key has to change. */
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

  /** The stored key of the entry that is shown under this key; undefined if there can't be one. */
  oldOf(stream: number, key: string): string | undefined {
    const row = this.#byKey.get(stream, key) as MovedRow | undefined;
    if (row) return row.old;
    // The entry stored under this key is shown under another one.
    return this.#byOld.get(stream, key) ? undefined : key;
  }

  /** The entry as it will be after the conversion; undefined if it is dropped. */
  view<Entry extends HeldEntry>(entry: Entry): Entry | undefined {
    const row = this.#byOld.get(entry.stream, entry.key) as MovedRow | undefined;
    if (!row) return entry;
    const { key, in_doubt: clearsHash, written } = row;
    if (key === null) return undefined;
    return {
      ...entry,
      key,
      ...(written === null ? {} : parseWritten(written)),
      ...(clearsHash === 1 ? { valuesHash: '' } : {}),
    };
  }

  /** The number of entries of the stream that are dropped. */
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
          dropped.map((from) => ({ from, to: null, clearsHash: false })),
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
    for (const { from, to, clearsHash, written = null } of moves)
      put.run(stream, this.oldOf(stream, from) ?? from, to, clearsHash ? 1 : 0, written);
    this.#database.exec('COMMIT');
  }
}

/** @param base opened with access `read`; closed together with the view */
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
    fieldHashes: async (stream, keys) => {
      const keyOf = new Map<string, string>();
      for (const key of keys) {
        const old = moved.oldOf(stream, key);
        if (old !== undefined) keyOf.set(old, key);
      }
      const found = await base.fieldHashes(stream, [...keyOf.keys()]);
      return new Map([...found].map(([old, hashes]) => [keyOf.get(old) ?? old, hashes]));
    },
    holders: async (people) => view(await base.holders(people)),
    count: async (stream) => (await base.count(stream)) - moved.droppedOf(stream),
    commit: (changes) => base.commit(changes),
    countMissing: (stream, snapshot) => base.countMissing(stream, snapshot),
    // In the order of the stored keys, not of the shown ones.
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
    decideDeletions: (snapshots, accept) => base.decideDeletions(snapshots, accept),
    nextPendingDeletions: async (streams, limit) => view(await base.nextPendingDeletions(streams, limit)),
    cancelDeletions: (streams) => base.cancelDeletions(streams),
    recentlyDeleted: (ms) => base.recentlyDeleted(ms),
    close: async () => {
      moved.close();
      await base.close();
    },
  };
}

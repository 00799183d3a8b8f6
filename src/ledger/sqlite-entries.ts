/** Entries in the SQLite ledger: found by key or by person, written, marked and dropped. */
import type { HeldEntry, Ledger, LedgerChanges } from './ledger.ts';
import { PresenceTable } from './sqlite-presence.ts';
import { jsonTexts, type Statements } from './sqlite-statements.ts';
import { WrittenTable } from './sqlite-written.ts';

export interface EntryRow {
  readonly id: number;
  readonly stream: number;
  readonly key: string;
  readonly email: string | null;
  readonly user_id: string | null;
  readonly values_hash: string;
  readonly written: number;
  readonly seen: number;
  readonly doomed: number;
}

export const ENTRY_COLUMNS = 'id, stream, key, email, user_id, values_hash, written, seen, doomed';

export class EntryTable {
  readonly #statements: Statements;
  readonly #written: WrittenTable;
  readonly #presence: PresenceTable;

  constructor(statements: Statements) {
    this.#statements = statements;
    this.#written = new WrittenTable(statements);
    this.#presence = new PresenceTable(statements);
  }

  find(stream: number, keys: readonly string[]): Map<string, HeldEntry> {
    const rows = this.#statements.all<Omit<EntryRow, 'key'> & { readonly wanted: number }>(
      `SELECT wanted.key AS wanted, entry.id AS id, stream, email, user_id, values_hash, written, seen, doomed
       FROM json_each(?) AS wanted CROSS JOIN entry ON entry.stream = ? AND entry.key = wanted.value`,
      jsonTexts(keys),
      stream,
    );
    const found = new Map<string, HeldEntry>();
    for (const row of rows) {
      const key = keys[row.wanted] ?? '';
      this.#presence.ids.note(stream, key, row.id);
      found.set(key, this.toEntry(row, key));
    }
    return found;
  }

  holders(project: number, { emails, userIds }: Parameters<Ledger['holders']>[0]): HeldEntry[] {
    const found = new Map<number, HeldEntry>();
    const collect = (column: 'email' | 'user_id', values: readonly string[]) => {
      const sql = `SELECT ${ENTRY_COLUMNS} FROM entry WHERE ${column} = ? AND stream IN (SELECT id FROM stream WHERE project = ?)`;
      for (const value of new Set(values))
        for (const row of this.#statements.all<EntryRow>(sql, value, project))
          found.set(row.id, this.toEntry(row, row.key));
    };
    collect('email', emails);
    collect('user_id', userIds);
    return [...found.values()];
  }

  /** Within a transaction. */
  change({ entries = [], dropped = [], present = [] }: LedgerChanges): void {
    const insert = this.#statements.prepare(
      `INSERT INTO entry (stream, key, email, user_id, values_hash, written, seen, doomed)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0)
       ON CONFLICT (stream, key) DO UPDATE SET email = excluded.email, user_id = excluded.user_id,
         values_hash = excluded.values_hash, written = excluded.written, seen = excluded.seen, doomed = 0`,
    );
    for (const entry of entries) {
      const { stream, key, email = null, userId = null, valuesHash, seen } = entry;
      insert.run(stream, key, email, userId, valuesHash, this.#written.idOf(entry), seen);
    }
    for (const { stream, key } of dropped) {
      this.#statements.exec('DELETE FROM entry WHERE stream = ? AND key = ?', stream, key);
      this.#presence.ids.forget(stream, key);
    }
    for (const { stream, snapshot, keys } of present)
      if (keys.length > 0) this.#presence.mark(stream, snapshot, keys);
  }

  toEntry(row: Omit<EntryRow, 'key'>, key: string): HeldEntry {
    const { origin, targets, lists } = this.#written.of(row.written);
    const entry: { -readonly [Name in keyof HeldEntry]: HeldEntry[Name] } = {
      stream: row.stream,
      key,
      valuesHash: row.values_hash,
      origin,
      targets,
      lists,
      seen: this.#presence.seenOf(row.stream, row.id, row.seen),
      isDoomed: row.doomed === 1,
    };
    if (row.email !== null) entry.email = row.email;
    if (row.user_id !== null) entry.userId = row.user_id;
    return entry;
  }
}

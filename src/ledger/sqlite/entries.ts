/** Entries in the SQLite ledger: finding them by key or by user, writing, marking as present, and dropping. */
import type { SQLOutputValue } from 'node:sqlite';
import type { HeldEntry, Ledger, LedgerChanges } from '../ledger.ts';
import { PresenceTable } from './presence.ts';
import { schemaVersion } from './schema.ts';
import { jsonTexts, type Statements } from './statements.ts';
import { WrittenTable } from './written.ts';

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

type FoundRow = Omit<EntryRow, 'key'>;
/** The first version of the tables with the column `field_hashes`. */
const VERSION_OF_FIELD_HASHES = 3;

/** Called with the index of the wanted key and the columns of the entry. */
type FoundFunction = (
  wanted: number,
  id: FoundRow['id'],
  stream: FoundRow['stream'],
  email: FoundRow['email'],
  userId: FoundRow['user_id'],
  valuesHash: FoundRow['values_hash'],
  written: FoundRow['written'],
  seen: FoundRow['seen'],
  doomed: FoundRow['doomed'],
) => null;

export class EntryTable {
  readonly #statements: Statements;
  #onFound: (wanted: number, row: FoundRow) => void = () => undefined;
  readonly written: WrittenTable;
  readonly presence: PresenceTable;

  constructor(statements: Statements) {
    this.#statements = statements;
    this.written = new WrittenTable(statements);
    this.presence = new PresenceTable(statements);
    // perf ("Ledger" in docs/performance.md): passing rows to a function costs half as much as returning them as objects, which are slow to create and to read.
    const tell: FoundFunction = (wanted, id, stream, email, user_id, values_hash, written, seen, doomed) => {
      this.#onFound(wanted, { id, stream, email, user_id, values_hash, written, seen, doomed });
      return null;
    };
    statements.database.function('tell_found', tell as (...columns: SQLOutputValue[]) => null);
  }

  find(stream: number, keys: readonly string[]): Map<string, HeldEntry> {
    const found = new Map<string, HeldEntry>();
    this.#onFound = (wanted, row) => {
      const key = keys[wanted] ?? '';
      found.set(key, this.toEntry(row, key));
    };
    this.#statements.number(
      `SELECT count(tell_found(wanted.key, entry.id, stream, email, user_id, values_hash, written, seen, doomed)) AS number
       FROM json_each(?) AS wanted CROSS JOIN entry ON entry.stream = ? AND entry.key = wanted.value`,
      jsonTexts(keys),
      stream,
    );
    return found;
  }

  fieldHashes(stream: number, keys: readonly string[]): Map<string, Uint8Array> {
    const found = new Map<string, Uint8Array>();
    // A ledger that is only read keeps its older tables.
    if (schemaVersion(this.#statements.database) < VERSION_OF_FIELD_HASHES) return found;
    const rows = this.#statements.all<{ wanted: number; hashes: Uint8Array }>(
      `SELECT wanted.key AS wanted, field_hashes AS hashes
       FROM json_each(?) AS wanted CROSS JOIN entry ON entry.stream = ? AND entry.key = wanted.value
       WHERE field_hashes IS NOT NULL`,
      jsonTexts(keys),
      stream,
    );
    for (const { wanted, hashes } of rows) found.set(keys[wanted] ?? '', hashes);
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

  /** To be called within a transaction. */
  change({ entries = [], dropped = [], present = [] }: LedgerChanges): void {
    const insert = this.#statements.prepare(
      `INSERT INTO entry (stream, key, email, user_id, values_hash, written, seen, doomed, field_hashes)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)
       ON CONFLICT (stream, key) DO UPDATE SET email = excluded.email, user_id = excluded.user_id,
         values_hash = excluded.values_hash, written = excluded.written, seen = excluded.seen, doomed = 0,
         field_hashes = COALESCE(excluded.field_hashes, field_hashes)`,
    );
    for (const entry of entries) {
      const { stream, key, email = null, userId = null, valuesHash, seen, fieldHashes = null } = entry;
      insert.run(stream, key, email, userId, valuesHash, this.written.idOf(entry), seen, fieldHashes);
    }
    for (const { stream, key } of dropped)
      this.#statements.exec('DELETE FROM entry WHERE stream = ? AND key = ?', stream, key);
    for (const { stream, snapshot, rows } of present)
      if (rows.length > 0) this.presence.mark(stream, snapshot, rows);
  }

  toEntry(row: FoundRow, key: string): HeldEntry {
    const { origin, targets, lists, conditions } = this.written.of(row.written);
    const entry: { -readonly [Name in keyof HeldEntry]: HeldEntry[Name] } = {
      id: row.id,
      stream: row.stream,
      key,
      valuesHash: row.values_hash,
      origin,
      targets,
      lists,
      seen: this.presence.seenOf(row.stream, row.id, row.seen),
      isPendingDeletion: row.doomed === 1,
      conditions,
    };
    if (row.email !== null) entry.email = row.email;
    if (row.user_id !== null) entry.userId = row.user_id;
    return entry;
  }
}

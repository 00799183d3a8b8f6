/** Entries in the SQLite ledger: finding them by key or by user, writing, marking as present, and dropping. */
import type { SQLOutputValue } from 'node:sqlite';
import type { HeldEntry, Ledger, LedgerChanges } from '../ledger.ts';
import { NOTHING_WRITTEN, toIdentities } from '../written.ts';
import { PresenceTable } from './presence.ts';
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
  readonly named_email: string | null;
  readonly named_user_id: string | null;
}

export const ENTRY_COLUMNS =
  'id, stream, key, email, user_id, values_hash, written, seen, doomed, named_email, named_user_id';

type FoundRow = Omit<EntryRow, 'key'>;
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
  namedEmail: FoundRow['named_email'],
  namedUserId: FoundRow['named_user_id'],
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
    const tell: FoundFunction = (
      wanted,
      id,
      stream,
      email,
      user_id,
      values_hash,
      written,
      seen,
      doomed,
      named_email,
      named_user_id,
    ) => {
      this.#onFound(wanted, {
        id,
        stream,
        email,
        user_id,
        values_hash,
        written,
        seen,
        doomed,
        named_email,
        named_user_id,
      });
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
      `SELECT count(tell_found(
         wanted.key, entry.id, stream, email, user_id, values_hash, written, seen, doomed, named_email, named_user_id
       )) AS number
       FROM json_each(?) AS wanted CROSS JOIN entry ON entry.stream = ? AND entry.key = wanted.value`,
      jsonTexts(keys),
      stream,
    );
    return found;
  }

  fieldHashes(stream: number, keys: readonly string[]): Map<string, Uint8Array> {
    const found = new Map<string, Uint8Array>();
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
    const collect = (column: string, values: readonly string[]) => {
      const sql = `SELECT ${ENTRY_COLUMNS} FROM entry WHERE ${column} = ? AND stream IN (SELECT id FROM stream WHERE project = ?)`;
      for (const value of new Set(values))
        for (const row of this.#statements.all<EntryRow>(sql, value, project))
          found.set(row.id, this.toEntry(row, row.key));
    };
    collect('email', emails);
    collect('named_email', emails);
    collect('user_id', userIds);
    collect('named_user_id', userIds);
    return [...found.values()];
  }

  /** To be called within a transaction. */
  change({ entries = [], dropped = [], named = [], present = [], stale = [] }: LedgerChanges): void {
    const insert = this.#statements.prepare(
      `INSERT INTO entry (stream, key, email, user_id, values_hash, written, seen, doomed, named_email, named_user_id, field_hashes)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)
       ON CONFLICT (stream, key) DO UPDATE SET email = excluded.email, user_id = excluded.user_id,
         values_hash = excluded.values_hash, written = excluded.written, seen = excluded.seen, doomed = 0,
         named_email = excluded.named_email, named_user_id = excluded.named_user_id,
         field_hashes = COALESCE(excluded.field_hashes, field_hashes)`,
    );
    for (const entry of entries) {
      const {
        stream,
        key,
        email = null,
        userId = null,
        named = {},
        valuesHash,
        seen,
        fieldHashes = null,
      } = entry;
      const { email: namedEmail = null, userId: namedId = null } = named;
      const written = this.written.idOf(entry);
      insert.run(stream, key, email, userId, valuesHash, written, seen, namedEmail, namedId, fieldHashes);
    }
    for (const { stream, key } of dropped)
      this.#statements.exec('DELETE FROM entry WHERE stream = ? AND key = ?', stream, key);
    for (const row of named) this.#name(row);
    for (const { stream, snapshot, rows } of present)
      if (rows.length > 0) this.presence.mark(stream, snapshot, rows);
    for (const { stream, key } of stale)
      this.#statements.exec("UPDATE entry SET values_hash = '' WHERE stream = ? AND key = ?", stream, key);
  }

  #name({ stream, key, named, seen }: NonNullable<LedgerChanges['named']>[number]): void {
    const { email = null, userId = null } = named;
    this.#statements.exec(
      `INSERT INTO entry (stream, key, values_hash, written, seen, doomed, named_email, named_user_id)
       VALUES (?, ?, '', ?, ?, 0, ?, ?)
       ON CONFLICT (stream, key) DO UPDATE SET named_email = excluded.named_email, named_user_id = excluded.named_user_id,
         values_hash = iif(doomed = 1, '', values_hash), doomed = 0, seen = max(seen, excluded.seen)`,
      stream,
      key,
      this.written.idOf(NOTHING_WRITTEN),
      seen,
      email,
      userId,
    );
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
    if (row.named_email !== null || row.named_user_id !== null)
      entry.named = toIdentities(row.named_email, row.named_user_id);
    return entry;
  }
}

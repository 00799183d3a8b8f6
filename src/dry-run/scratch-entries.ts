/** The ledger entries that a dry run would write, in an in-memory SQLite database: about 350 bytes each, outside the heap. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { HeldEntry, LedgerChanges, NewEntry } from '../ledger/ledger.ts';
import { toIdentities, writtenText, type Written } from '../ledger/written.ts';

interface EntryRow {
  readonly stream: number;
  readonly key: string;
  readonly email: string | null;
  readonly user_id: string | null;
  readonly values_hash: string;
  readonly written: number;
  readonly seen: number;
  readonly named_email: string | null;
  readonly named_user_id: string | null;
}

const TABLES = `
  CREATE TABLE entry (
    stream INTEGER NOT NULL,
    key TEXT NOT NULL,
    email TEXT,
    user_id TEXT,
    values_hash TEXT NOT NULL,
    written INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    named_email TEXT,
    named_user_id TEXT,
    field_hashes BLOB
  ) STRICT;
  CREATE UNIQUE INDEX entry_by_key ON entry (stream, key);
  CREATE INDEX entry_by_email ON entry (email) WHERE email IS NOT NULL;
  CREATE INDEX entry_by_user_id ON entry (user_id) WHERE user_id IS NOT NULL;
  CREATE INDEX entry_by_named_email ON entry (named_email) WHERE named_email IS NOT NULL;
  CREATE INDEX entry_by_named_user_id ON entry (named_user_id) WHERE named_user_id IS NOT NULL;`;

export class ScratchEntries {
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  readonly #find: StatementSync;
  readonly #byEmail: StatementSync;
  readonly #byUserId: StatementSync;
  readonly #unseen: StatementSync;
  readonly #count: StatementSync;
  /** Interned data that entries share, by its number: there are few distinct combinations. */
  readonly #written: Written[] = [];
  readonly #numberOf = new Map<string, number>();

  private constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec(TABLES);
    this.#put = database.prepare(`INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (stream, key) DO UPDATE SET email = excluded.email, user_id = excluded.user_id,
         values_hash = excluded.values_hash, written = excluded.written, seen = excluded.seen,
         named_email = excluded.named_email, named_user_id = excluded.named_user_id,
         field_hashes = COALESCE(excluded.field_hashes, field_hashes)`);
    this.#drop = database.prepare('DELETE FROM entry WHERE stream = ? AND key = ?');
    this.#find = database.prepare('SELECT * FROM entry WHERE stream = ? AND key = ?');
    this.#count = database.prepare(
      'SELECT count(*) AS number FROM entry WHERE stream = ? AND (email IS NOT NULL OR user_id IS NOT NULL)',
    );
    this.#unseen = database.prepare(
      'SELECT * FROM entry WHERE stream = ? AND seen < ? AND key > ? ORDER BY key',
    );
    this.#byEmail = database.prepare(
      'SELECT * FROM entry WHERE email = ? UNION SELECT * FROM entry WHERE named_email = ?',
    );
    this.#byUserId = database.prepare(
      'SELECT * FROM entry WHERE user_id = ? UNION SELECT * FROM entry WHERE named_user_id = ?',
    );
  }

  /** Writes nothing to disk. */
  static async create(): Promise<ScratchEntries> {
    const { DatabaseSync } = await import('node:sqlite');
    return new ScratchEntries(new DatabaseSync(':memory:'));
  }

  change(entries: readonly NewEntry[], dropped: NonNullable<LedgerChanges['dropped']>): void {
    this.#database.exec('BEGIN');
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
      const written = this.#intern(entry);
      this.#put.run(stream, key, email, userId, valuesHash, written, seen, namedEmail, namedId, fieldHashes);
    }
    for (const { stream, key } of dropped) this.#drop.run(stream, key);
    this.#database.exec('COMMIT');
  }

  find(stream: number, key: string): HeldEntry | undefined {
    const row = this.#find.get(stream, key) as EntryRow | undefined;
    return row && this.#toEntry(row);
  }

  fieldHashes(stream: number, key: string): Uint8Array | undefined {
    const row = this.#find.get(stream, key) as { field_hashes: Uint8Array | null } | undefined;
    return row?.field_hashes ?? undefined;
  }

  holders(emails: readonly string[], userIds: readonly string[]): HeldEntry[] {
    const rows = [
      ...emails.flatMap((email) => this.#byEmail.all(email, email)),
      ...userIds.flatMap((userId) => this.#byUserId.all(userId, userId)),
    ] as unknown as EntryRow[];
    return rows.map((row) => this.#toEntry(row));
  }

  /** The entries of the stream that were last seen before this snapshot, in the order of their keys. */
  unseen(stream: number, snapshot: number, after: string): HeldEntry[] {
    const rows = this.#unseen.all(stream, snapshot, after) as unknown as EntryRow[];
    return rows.map((row) => this.#toEntry(row));
  }

  /** The number of entries of the stream that hold a user. */
  count(stream: number): number {
    return (this.#count.get(stream) as { number: number }).number;
  }

  close(): void {
    this.#database.close();
  }

  #intern(entry: NewEntry): number {
    const text = writtenText(entry);
    let number = this.#numberOf.get(text);
    if (number === undefined) {
      const { targets, lists, origin, conditions } = entry;
      number = this.#written.push({ targets, lists, origin, conditions }) - 1;
      this.#numberOf.set(text, number);
    }
    return number;
  }

  #toEntry({
    stream,
    key,
    email,
    user_id: userId,
    values_hash: valuesHash,
    written,
    seen,
    named_email: namedEmail,
    named_user_id: namedId,
  }: EntryRow): HeldEntry {
    const {
      targets = [],
      lists = new Map<string, boolean>(),
      origin = 'upsert',
      conditions,
    } = this.#written[written] ?? {};
    return {
      stream,
      key,
      ...(email === null ? {} : { email }),
      ...(userId === null ? {} : { userId }),
      ...(namedEmail === null && namedId === null ? {} : { named: toIdentities(namedEmail, namedId) }),
      valuesHash,
      targets,
      lists,
      origin,
      seen,
      isPendingDeletion: false,
      conditions,
    };
  }
}

/** Entries in the Postgres ledger: finding them by key or by user, writing, marking as present, and dropping. */
import type { PoolClient } from 'pg';
import type { HeldEntry, Ledger, LedgerChanges } from '../ledger.ts';
import type { PostgresConnection } from './connection.ts';
import { PresenceTable, type PresenceChange } from './presence.ts';
import { WrittenTable } from './written.ts';
import type { Written } from '../written.ts';

export interface EntryRow {
  readonly id: number;
  readonly stream: number;
  readonly key: string;
  readonly email: string | null;
  readonly user_id: string | null;
  readonly values_hash: string;
  readonly written: number;
  readonly seen: number;
  readonly doomed: boolean;
}

export const ENTRY_COLUMNS =
  'entry.id::float8 AS id, stream, key, email, user_id, values_hash, written, seen, doomed';

/** The changes of one transaction. Writing them is idempotent, since the transaction may be repeated. */
export interface EntryChanges extends Pick<LedgerChanges, 'entries' | 'dropped'> {
  readonly presence: readonly PresenceChange[];
}

export class EntryTable {
  readonly #connection: PostgresConnection;
  readonly written: WrittenTable;
  readonly #presence: PresenceTable;

  constructor(connection: PostgresConnection) {
    this.#connection = connection;
    this.written = new WrittenTable(connection);
    this.#presence = new PresenceTable(connection);
  }

  async find(stream: number, keys: readonly string[]): Promise<Map<string, HeldEntry>> {
    const rows = await this.#connection.read<EntryRow>(
      `SELECT ${ENTRY_COLUMNS} FROM ${this.#connection.quotedSchema}.iterable_ledger_entry AS entry
       WHERE stream = $1 AND key = ANY($2::text[])`,
      [stream, keys],
    );
    return new Map((await this.toEntries(rows)).map((entry) => [entry.key, entry]));
  }

  async fieldHashes(stream: number, keys: readonly string[]): Promise<Map<string, Uint8Array>> {
    const rows = await this.#connection.read<{ key: string; hashes: Uint8Array }>(
      `SELECT key, field_hashes AS hashes FROM ${this.#connection.quotedSchema}.iterable_ledger_entry
       WHERE stream = $1 AND key = ANY($2::text[]) AND field_hashes IS NOT NULL`,
      [stream, keys],
    );
    return new Map(rows.map(({ key, hashes }) => [key, hashes]));
  }

  async holders(
    project: number,
    { emails, userIds }: Parameters<Ledger['holders']>[0],
  ): Promise<HeldEntry[]> {
    const schema = this.#connection.quotedSchema;
    const rows = await this.#connection.read<EntryRow>(
      `SELECT ${ENTRY_COLUMNS} FROM ${schema}.iterable_ledger_entry AS entry
       WHERE (email = ANY($2::text[]) OR user_id = ANY($3::text[]))
         AND stream IN (SELECT id FROM ${schema}.iterable_ledger_stream WHERE project = $1)`,
      [project, emails.map(storable), userIds.map(storable)],
    );
    return this.toEntries(rows);
  }

  /** Prepares the changes for {@link write}. To be called before the transaction, which may be repeated. */
  async prepare({ entries, dropped, present = [] }: LedgerChanges): Promise<EntryChanges> {
    const presence = await this.#presence.mark(present);
    return { ...(entries ? { entries } : {}), ...(dropped ? { dropped } : {}), presence };
  }

  /** To be called when the transaction of prepared changes has failed for good. */
  forgetPrepared(): void {
    this.#presence.forget();
  }

  async write(client: PoolClient, { entries = [], dropped = [], presence }: EntryChanges): Promise<void> {
    if (entries.length > 0) await this.#writeEntries(client, entries);
    if (dropped.length > 0) {
      await client.query(
        `DELETE FROM iterable_ledger_entry AS entry USING unnest($1::int[], $2::text[]) AS gone (stream, key)
         WHERE entry.stream = gone.stream AND entry.key = gone.key`,
        [dropped.map(({ stream }) => stream), dropped.map(({ key }) => key)],
      );
    }
    for (const change of presence) await this.#presence.write(client, change);
  }

  async toEntries(rows: readonly EntryRow[]): Promise<HeldEntry[]> {
    const writtenOf = await this.written.read(rows.map(({ written }) => written));
    for (const stream of new Set(rows.map((row) => row.stream))) await this.#presence.read(stream);
    return rows.map((row) => this.#toEntry(row, writtenOf(row.written)));
  }

  #toEntry(row: EntryRow, { origin, targets, lists, conditions }: Written): HeldEntry {
    const entry: { -readonly [Name in keyof HeldEntry]: HeldEntry[Name] } = {
      id: row.id,
      stream: row.stream,
      key: row.key,
      valuesHash: row.values_hash,
      origin,
      targets,
      lists,
      seen: this.#presence.seenOf(row.stream, row.id, row.seen),
      isPendingDeletion: row.doomed,
      conditions,
    };
    if (row.email !== null) entry.email = row.email;
    if (row.user_id !== null) entry.userId = row.user_id;
    return entry;
  }

  async #writeEntries(client: PoolClient, entries: NonNullable<LedgerChanges['entries']>): Promise<void> {
    const written = await this.written.idsOf(client, entries);
    await client.query(
      `INSERT INTO iterable_ledger_entry AS entry (stream, key, email, user_id, values_hash, written, seen, doomed, field_hashes)
       SELECT stream, key, email, user_id, values_hash, written, seen, FALSE, field_hashes
       FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::bytea[])
         AS fresh (stream, key, email, user_id, values_hash, written, seen, field_hashes)
       ON CONFLICT (stream, key) DO UPDATE SET email = excluded.email, user_id = excluded.user_id,
         values_hash = excluded.values_hash, written = excluded.written, seen = excluded.seen, doomed = FALSE,
         field_hashes = COALESCE(excluded.field_hashes, entry.field_hashes)`,
      [
        entries.map(({ stream }) => stream),
        entries.map(({ key }) => key),
        entries.map(({ email }) => (email === undefined ? null : storable(email))),
        entries.map(({ userId }) => (userId === undefined ? null : storable(userId))),
        entries.map(({ valuesHash }) => valuesHash),
        written,
        entries.map(({ seen }) => seen),
        entries.map(({ fieldHashes }) => (fieldHashes ? Buffer.from(fieldHashes) : null)),
      ],
    );
  }
}

/** Replaces NUL, which Postgres does not accept in a text. */
function storable(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\u2400') : text;
}

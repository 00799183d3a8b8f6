/** Entries in the Postgres ledger: finding them by key or by user, writing, marking as present, and dropping. */
import type { PoolClient } from 'pg';
import type { HeldEntry, Ledger, LedgerChanges } from '../ledger.ts';
import type { PostgresConnection } from './connection.ts';
import { entriesOf } from './schema.ts';
import { PresenceTable, type PresenceChange } from './presence.ts';
import { WrittenTable } from './written.ts';
import { NOTHING_WRITTEN, toIdentities, type Written } from '../written.ts';

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
  readonly named_email: string | null;
  readonly named_user_id: string | null;
}

export const ENTRY_COLUMNS =
  'entry.id::float8 AS id, stream, key, email, user_id, values_hash, written, seen, doomed, named_email, named_user_id';

/** SQL for all entries but those of rows that no record was delivered of. */
const HOLDS_A_USER =
  'NOT (email IS NULL AND user_id IS NULL AND (named_email IS NOT NULL OR named_user_id IS NOT NULL))';

/** SQL for the number of entries of the stream $1 that hold a user. @param entries SQL for all entries */
export function countOf(entries: string): string {
  return `SELECT count(*)::int AS number FROM ${entries} AS entry WHERE stream = $1 AND ${HOLDS_A_USER}`;
}

/** The changes of one transaction. Writing them is idempotent, since the transaction may be repeated. */
export interface EntryChanges extends Pick<LedgerChanges, 'entries' | 'dropped' | 'named' | 'stale'> {
  readonly presence: readonly PresenceChange[];
}

export class EntryTable {
  readonly #connection: PostgresConnection;
  /** SQL for all entries. */
  readonly #entries: string;
  readonly written: WrittenTable;
  readonly #presence: PresenceTable;

  /** @param version of the tables: an older one can only be read */
  constructor(connection: PostgresConnection, version: number) {
    this.#connection = connection;
    this.#entries = entriesOf(version, `${connection.quotedSchema}.`);
    this.written = new WrittenTable(connection);
    this.#presence = new PresenceTable(connection);
  }

  async find(stream: number, keys: readonly string[]): Promise<Map<string, HeldEntry>> {
    const rows = await this.#connection.read<EntryRow>(
      `SELECT ${ENTRY_COLUMNS} FROM ${this.#entries} AS entry
       WHERE stream = $1 AND key = ANY($2::text[])`,
      [stream, keys],
    );
    return new Map((await this.toEntries(rows)).map((entry) => [entry.key, entry]));
  }

  async fieldHashes(stream: number, keys: readonly string[]): Promise<Map<string, Uint8Array>> {
    const rows = await this.#connection.read<{ key: string; hashes: Uint8Array }>(
      `SELECT key, field_hashes AS hashes FROM ${this.#entries} AS entry
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
      `SELECT ${ENTRY_COLUMNS} FROM ${this.#entries} AS entry
       WHERE (email = ANY($2::text[]) OR user_id = ANY($3::text[]) OR named_email = ANY($2::text[]) OR named_user_id = ANY($3::text[]))
         AND stream IN (SELECT id FROM ${schema}.iterable_ledger_stream WHERE project = $1)`,
      [project, emails.map(storable), userIds.map(storable)],
    );
    return this.toEntries(rows);
  }

  /** The number of entries of the stream that hold a user. */
  async count(stream: number): Promise<number> {
    const [row] = await this.#connection.read<{ number: number }>(countOf(this.#entries), [stream]);
    return row?.number ?? 0;
  }

  /** Prepares the changes for {@link write}. To be called before the transaction, which may be repeated. */
  async prepare({ present = [], ...changes }: LedgerChanges): Promise<EntryChanges> {
    return { ...changes, presence: await this.#presence.mark(present) };
  }

  /** To be called when the transaction of prepared changes has failed for good. */
  forgetPrepared(): void {
    this.#presence.forget();
  }

  async write(
    client: PoolClient,
    { entries = [], dropped = [], named = [], stale = [], presence }: EntryChanges,
  ): Promise<void> {
    if (entries.length > 0) await this.#writeEntries(client, entries);
    if (dropped.length > 0) {
      await client.query(
        `DELETE FROM iterable_ledger_entry AS entry USING unnest($1::int[], $2::text[]) AS gone (stream, key)
         WHERE entry.stream = gone.stream AND entry.key = gone.key`,
        [dropped.map(({ stream }) => stream), dropped.map(({ key }) => key)],
      );
    }
    if (named.length > 0) await this.#name(client, named);
    await this.#presence.write(client, presence);
    if (stale.length > 0) {
      await client.query(
        `UPDATE iterable_ledger_entry AS entry SET values_hash = '' FROM unnest($1::int[], $2::text[]) AS stale (stream, key)
         WHERE entry.stream = stale.stream AND entry.key = stale.key`,
        [stale.map(({ stream }) => stream), stale.map(({ key }) => key)],
      );
    }
  }

  async #name(client: PoolClient, rows: NonNullable<LedgerChanges['named']>): Promise<void> {
    const [written] = await this.written.idsOf(client, [NOTHING_WRITTEN]);
    await client.query(
      `INSERT INTO iterable_ledger_entry AS entry (stream, key, values_hash, written, seen, named_email, named_user_id)
       SELECT stream, key, '', $1, seen, named_email, named_user_id
       FROM unnest($2::int[], $3::text[], $4::int[], $5::text[], $6::text[]) AS fresh (stream, key, seen, named_email, named_user_id)
       ON CONFLICT (stream, key) DO UPDATE SET named_email = excluded.named_email, named_user_id = excluded.named_user_id,
         values_hash = CASE WHEN entry.doomed THEN '' ELSE entry.values_hash END, doomed = FALSE,
         seen = GREATEST(entry.seen, excluded.seen)`,
      [
        written,
        rows.map(({ stream }) => stream),
        rows.map(({ key }) => key),
        rows.map(({ seen }) => seen),
        rows.map(({ named: { email } }) => storableOrNull(email)),
        rows.map(({ named: { userId } }) => storableOrNull(userId)),
      ],
    );
  }

  async toEntries(rows: readonly EntryRow[]): Promise<HeldEntry[]> {
    const writtenOf = await this.written.read(rows.map(({ written }) => written));
    await this.#presence.read(rows.map(({ stream }) => stream));
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
    if (row.named_email !== null || row.named_user_id !== null)
      entry.named = toIdentities(row.named_email, row.named_user_id);
    return entry;
  }

  async #writeEntries(client: PoolClient, entries: NonNullable<LedgerChanges['entries']>): Promise<void> {
    const written = await this.written.idsOf(client, entries);
    await client.query(
      `INSERT INTO iterable_ledger_entry AS entry
         (stream, key, email, user_id, values_hash, written, seen, doomed, named_email, named_user_id, field_hashes)
       SELECT stream, key, email, user_id, values_hash, written, seen, FALSE, named_email, named_user_id, field_hashes
       FROM unnest(
           $1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::text[], $9::text[], $10::bytea[]
         ) AS fresh (stream, key, email, user_id, values_hash, written, seen, named_email, named_user_id, field_hashes)
       ON CONFLICT (stream, key) DO UPDATE SET email = excluded.email, user_id = excluded.user_id,
         values_hash = excluded.values_hash, written = excluded.written, seen = excluded.seen, doomed = FALSE,
         named_email = excluded.named_email, named_user_id = excluded.named_user_id,
         field_hashes = COALESCE(excluded.field_hashes, entry.field_hashes)`,
      [
        entries.map(({ stream }) => stream),
        entries.map(({ key }) => key),
        entries.map(({ email }) => storableOrNull(email)),
        entries.map(({ userId }) => storableOrNull(userId)),
        entries.map(({ valuesHash }) => valuesHash),
        written,
        entries.map(({ seen }) => seen),
        entries.map(({ named }) => storableOrNull(named?.email)),
        entries.map(({ named }) => storableOrNull(named?.userId)),
        entries.map(({ fieldHashes }) => (fieldHashes ? Buffer.from(fieldHashes) : null)),
      ],
    );
  }
}

function storableOrNull(text: string | undefined): string | null {
  return text === undefined ? null : storable(text);
}

/** Replaces NUL, which Postgres does not accept in a text. */
export function storable(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\u2400') : text;
}

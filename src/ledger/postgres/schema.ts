/** The tables of the Postgres ledger, and their migrations. */
import type { PoolClient } from 'pg';
import { refuseNewer } from '../project.ts';

/**
 * Each migration upgrades the tables from the previous version; the first creates them. A stream's row holds the claim of the
 * run that writes to it. `seen` is the snapshot in which the entry was written; rows that are present later without a change
 * are marked in `iterable_ledger_presence`, so that their entries need not be rewritten. Ids are never reused.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE iterable_ledger_project (
     id SERIAL PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     data_center TEXT NOT NULL,
     project_type TEXT NOT NULL
   );
   CREATE TABLE iterable_ledger_stream (
     id SERIAL PRIMARY KEY,
     project INTEGER NOT NULL REFERENCES iterable_ledger_project (id),
     scope TEXT NOT NULL,
     namespace TEXT NOT NULL,
     name TEXT NOT NULL,
     state TEXT NOT NULL DEFAULT '',
     claimed_by TEXT,
     claimed_until TIMESTAMPTZ,
     UNIQUE (project, scope, namespace, name)
   );
   CREATE TABLE iterable_ledger_written (
     id SERIAL PRIMARY KEY,
     hash TEXT NOT NULL UNIQUE,
     content TEXT NOT NULL,
     origin TEXT NOT NULL
   );
   CREATE TABLE iterable_ledger_entry (
     id BIGINT GENERATED ALWAYS AS IDENTITY,
     stream INTEGER NOT NULL REFERENCES iterable_ledger_stream (id),
     key TEXT NOT NULL,
     email TEXT,
     user_id TEXT,
     values_hash TEXT NOT NULL,
     written INTEGER NOT NULL REFERENCES iterable_ledger_written (id),
     seen INTEGER NOT NULL,
     doomed BOOLEAN NOT NULL DEFAULT FALSE,
     PRIMARY KEY (stream, key)
   );
   CREATE INDEX iterable_ledger_entry_by_email ON iterable_ledger_entry (email) WHERE email IS NOT NULL;
   CREATE INDEX iterable_ledger_entry_by_user_id ON iterable_ledger_entry (user_id) WHERE user_id IS NOT NULL;
   CREATE INDEX iterable_ledger_entry_doomed ON iterable_ledger_entry (stream) WHERE doomed;
   CREATE TABLE iterable_ledger_presence (
     stream INTEGER NOT NULL REFERENCES iterable_ledger_stream (id),
     snapshot INTEGER NOT NULL,
     block INTEGER NOT NULL,
     bits BYTEA NOT NULL,
     PRIMARY KEY (stream, block)
   ) WITH (fillfactor = 50);`,
  // Existing streams have keys with numbers in the notation of the source; the next sync of each converts them (keys.ts).
  'ALTER TABLE iterable_ledger_stream ADD COLUMN key_form INTEGER NOT NULL DEFAULT 1;',
  // Existing entries have no hashes of fields: their rows are sent as a whole when they change next. The conditions of new entries
  // are in `written`.
  `ALTER TABLE iterable_ledger_entry ADD COLUMN named_email TEXT, ADD COLUMN named_user_id TEXT,
     ADD COLUMN field_hashes BYTEA;
   CREATE INDEX iterable_ledger_entry_by_named_email ON iterable_ledger_entry (named_email) WHERE named_email IS NOT NULL;
   CREATE INDEX iterable_ledger_entry_by_named_user_id ON iterable_ledger_entry (named_user_id) WHERE named_user_id IS NOT NULL;
   CREATE TABLE iterable_ledger_deleted (
     project INTEGER NOT NULL REFERENCES iterable_ledger_project (id),
     identity TEXT NOT NULL,
     is_named BOOLEAN NOT NULL,
     at TIMESTAMPTZ NOT NULL DEFAULT now(),
     PRIMARY KEY (project, identity)
   );`,
];

/** The first version whose entries have hashes of fields, and say whom a rejected record names. */
const VERSION_OF_NAMES = 3;

/** SQL for the entries with all columns of this version, from tables of the given one. @param schema quoted, with its dot */
export function entriesOf(version: number, schema = ''): string {
  const table = `${schema}iterable_ledger_entry`;
  return version >= VERSION_OF_NAMES
    ? table
    : `(SELECT *, NULL::text AS named_email, NULL::text AS named_user_id, NULL::bytea AS field_hashes FROM ${table})`;
}

/** The advisory lock held during a migration, since two runs may begin at the same time. */
const MIGRATION_LOCK = 4_827_301_996;

/** The version of the tables; 0 for none. Throws ConfigError `ledger_too_new`. */
export function schemaVersion(client: PoolClient): Promise<number> {
  return versionOf(client, MIGRATIONS.length);
}

/** Migrates the tables to the current version, within the current transaction of the client. */
export async function migrate(
  client: PoolClient,
  quotedSchema: string,
  migrations = MIGRATIONS,
): Promise<void> {
  if ((await versionOf(client, migrations.length)) === migrations.length) return;
  await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  // Created only if missing, because a user without the right to create schemas may use an existing one.
  const { rows } = await client.query('SELECT current_schema() AS found');
  if ((rows[0] as { found: string | null }).found === null)
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${quotedSchema}`);
  await client.query('CREATE TABLE IF NOT EXISTS iterable_ledger_version (version INTEGER NOT NULL)');
  const version = await versionOf(client, migrations.length);
  for (const migration of migrations.slice(version)) await client.query(migration);
  await client.query('DELETE FROM iterable_ledger_version');
  await client.query('INSERT INTO iterable_ledger_version VALUES ($1)', [migrations.length]);
}

async function versionOf(client: PoolClient, known: number): Promise<number> {
  const table = await client.query("SELECT to_regclass('iterable_ledger_version') AS found");
  if ((table.rows[0] as { found: string | null }).found === null) return 0;
  const { rows } = await client.query('SELECT max(version) AS version FROM iterable_ledger_version');
  const version = (rows[0] as { version: number | null }).version ?? 0;
  refuseNewer(version, known);
  return version;
}

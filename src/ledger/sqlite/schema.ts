/** The tables of the SQLite ledger, and their migrations. */
import type { DatabaseSync } from 'node:sqlite';
import { ConfigError } from '../../errors.ts';
import { refuseNewer } from '../project.ts';

/**
 * Each migration upgrades the tables from the previous version; the first creates them. Targets and lists are stored once for
 * all entries that have the same ones (`written`), since there are few combinations. `seen` is the snapshot in which the entry
 * was written; rows that are present later without a change are marked in `presence`, so that their entries need not be
 * rewritten. Ids are never reused, since a mark of a deleted entry may remain.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE project (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     data_center TEXT NOT NULL,
     project_type TEXT NOT NULL
   ) STRICT;
   CREATE TABLE stream (
     id INTEGER PRIMARY KEY,
     project INTEGER NOT NULL REFERENCES project (id),
     scope TEXT NOT NULL,
     namespace TEXT NOT NULL,
     name TEXT NOT NULL,
     state TEXT NOT NULL DEFAULT '',
     UNIQUE (project, scope, namespace, name)
   ) STRICT;
   CREATE TABLE written (id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE, origin TEXT NOT NULL) STRICT;
   CREATE TABLE entry (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     stream INTEGER NOT NULL REFERENCES stream (id),
     key TEXT NOT NULL,
     email TEXT,
     user_id TEXT,
     values_hash TEXT NOT NULL,
     written INTEGER NOT NULL REFERENCES written (id),
     seen INTEGER NOT NULL,
     doomed INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE UNIQUE INDEX entry_by_key ON entry (stream, key);
   CREATE INDEX entry_by_email ON entry (email) WHERE email IS NOT NULL;
   CREATE INDEX entry_by_user_id ON entry (user_id) WHERE user_id IS NOT NULL;
   CREATE INDEX entry_doomed ON entry (stream) WHERE doomed = 1;
   CREATE TABLE presence (
     stream INTEGER NOT NULL REFERENCES stream (id),
     snapshot INTEGER NOT NULL,
     block INTEGER NOT NULL,
     bits BLOB NOT NULL,
     PRIMARY KEY (stream, block)
   ) STRICT;`,
  // Existing streams have keys with numbers in the notation of the source; the next sync of each converts them (keys.ts).
  'ALTER TABLE stream ADD COLUMN key_form INTEGER NOT NULL DEFAULT 1;',
  // Existing entries have no hashes of fields: their rows are sent as a whole when they change next. The conditions of new entries
  // are in `written`.
  `ALTER TABLE entry ADD COLUMN named_email TEXT;
   ALTER TABLE entry ADD COLUMN named_user_id TEXT;
   ALTER TABLE entry ADD COLUMN field_hashes BLOB;
   CREATE INDEX entry_by_named_email ON entry (named_email) WHERE named_email IS NOT NULL;
   CREATE INDEX entry_by_named_user_id ON entry (named_user_id) WHERE named_user_id IS NOT NULL;
   CREATE TABLE deleted (
     project INTEGER NOT NULL REFERENCES project (id),
     identity TEXT NOT NULL,
     is_named INTEGER NOT NULL,
     at INTEGER NOT NULL,
     PRIMARY KEY (project, identity)
   ) STRICT;`,
];

/** The first version whose entries have hashes of fields, and say whom a rejected record names. */
const VERSION_OF_NAMES = 3;

/** The version of the file's tables; 0 for none. Throws ConfigError `ledger_too_new` above `known`. */
export function schemaVersion(database: DatabaseSync, known = MIGRATIONS.length): number {
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  refuseNewer(version, known);
  if (version === 0) refuseForeign(database);
  return version;
}

/** Makes tables of an older version look like those of this one, to a connection that only reads. */
export function showAsCurrent(database: DatabaseSync): void {
  if (schemaVersion(database) >= VERSION_OF_NAMES) return;
  database.exec(
    `CREATE TEMP VIEW entry AS SELECT *, NULL AS named_email, NULL AS named_user_id, NULL AS field_hashes FROM main.entry;
     CREATE TEMP VIEW deleted AS SELECT 0 AS project, '' AS identity, 0 AS is_named, 0 AS at WHERE FALSE`,
  );
}

/** Migrates the tables to the current version, in one transaction. */
export function migrate(database: DatabaseSync, migrations = MIGRATIONS): void {
  const version = schemaVersion(database, migrations.length);
  if (version === migrations.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const migration of migrations.slice(version)) database.exec(migration);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** A file without a version must have no tables; otherwise it belongs to another program. */
function refuseForeign(database: DatabaseSync): void {
  if (database.prepare('SELECT 1 FROM sqlite_master LIMIT 1').all().length === 0) return;
  throw new ConfigError(
    ['ledger: the file is the database of another program. Name a file that does not exist yet.'],
    { code: 'ledger_unusable' },
  );
}

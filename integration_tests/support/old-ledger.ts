/** Writes ledgers with older versions of the tables. In the first one, keys have numbers in the notation of the source. */
import { DatabaseSync } from 'node:sqlite';
import { MIGRATIONS as POSTGRES_MIGRATIONS } from '../../src/ledger/postgres/schema.ts';
import { MIGRATIONS as SQLITE_MIGRATIONS } from '../../src/ledger/sqlite/schema.ts';
import { writtenText, type Written } from '../../src/ledger/written.ts';
import { writeStreamState } from '../../src/diff/stream-state.ts';
import { olderValuesHash } from '../../src/diff/values-hash.ts';
import type { TargetValues } from '../../src/model.ts';
import type { LedgerBackend, LedgerOwner, PostgresBackend } from './ledgers.ts';

export interface OldEntry {
  readonly key: string;
  readonly email?: string;
  readonly userId?: string;
  /** The mapped values. */
  readonly values?: TargetValues;
  readonly lists?: readonly string[];
  readonly origin?: Written['origin'];
  readonly seen?: number;
  readonly isPendingDeletion?: boolean;
}

/** The option for the project whose entries are written. */
export const OLD_PLACE = { name: 'shop' };

/** Writes entries of the stream `users` with the primary key `id` in a hybrid project. Entry ids follow the order of `entries`. */
export async function writeOldLedger(
  backend: LedgerBackend,
  owner: LedgerOwner,
  entries: readonly OldEntry[],
  { version = 1, generation }: { readonly version?: 1 | 2; readonly generation?: number } = {},
): Promise<void> {
  const isSqlite = backend.name === 'sqlite';
  const table = (name: string) => (isSqlite ? name : `iterable_ledger_${name}`);
  const written = [...new Set(entries.map((entry) => writtenText(writtenOf(entry))))];
  const state = writeStreamState({
    basis: JSON.stringify([[['id']], 'email', 'hybrid']),
    identityConfigChanged: false,
    ...(generation === undefined ? {} : { generation }),
    snapshot: Math.max(...entries.map(({ seen = 1 }) => seen)),
    targets: [...new Set(['email', 'name', ...entries.flatMap(({ values = {} }) => Object.keys(values))])],
  });
  const statements = [
    ...(isSqlite ? SQLITE_MIGRATIONS : POSTGRES_MIGRATIONS).slice(0, version),
    `INSERT INTO ${table('project')} (name, data_center, project_type) VALUES ('shop', 'us', 'hybrid')`,
    `INSERT INTO ${table('stream')} (project, scope, namespace, name, state) VALUES (1, '', '', 'users', ${quoted(state)})`,
    ...written.map(
      (content, index) =>
        `INSERT INTO ${table('written')} (${isSqlite ? '' : 'hash, '}content, origin)
         VALUES (${isSqlite ? '' : `'hash ${index}', `}${quoted(content)}, ${quoted((JSON.parse(content) as string[])[0])})`,
    ),
    ...entries.map((entry) => {
      const { key, email, userId, values = {}, seen = 1, isPendingDeletion = false } = entry;
      const doomed = isSqlite ? Number(isPendingDeletion) : isPendingDeletion;
      const number = written.indexOf(writtenText(writtenOf(entry))) + 1;
      return `INSERT INTO ${table('entry')} (stream, key, email, user_id, values_hash, written, seen, doomed)
        VALUES (1, ${quoted(key)}, ${quoted(email)}, ${quoted(userId)}, ${quoted(olderValuesHash(values))}, ${number}, ${seen}, ${doomed})`;
    }),
  ];
  // From the second version on keys are written by value.
  if (version > 1) statements.push(`UPDATE ${table('stream')} SET key_form = 2`);
  if (isSqlite) writeSqlite(owner, statements.join(';'), version);
  else await writePostgres(backend as PostgresBackend, owner, statements.join(';'), version);
}

/** Key → address or user id, followed by `, hash cleared` if the next record sends everything; of all entries. */
export async function keysOf(backend: LedgerBackend, owner: LedgerOwner): Promise<Record<string, string>> {
  const rows = await backend.query(
    owner,
    (table) => `SELECT key, coalesce(email, user_id) AS person, values_hash FROM ${table('entry')}`,
  );
  return Object.fromEntries(
    rows.map(({ key, person, values_hash }) => [
      String(key),
      `${String(person)}${values_hash === '' ? ', hash cleared' : ''}`,
    ]),
  );
}

function writtenOf({ values = {}, lists = [], origin = 'upsert' }: OldEntry): Written {
  return {
    origin,
    targets: Object.keys(values).sort(),
    lists: new Map(lists.map((list) => [list, true])),
  };
}

function quoted(text: string | undefined): string {
  return text === undefined ? 'NULL' : `'${text.replaceAll("'", "''")}'`;
}

function writeSqlite({ files }: LedgerOwner, sql: string, version: number): void {
  const database = new DatabaseSync(files.path('ledger.sqlite'));
  try {
    database.exec(`PRAGMA journal_mode = WAL; BEGIN; ${sql}; PRAGMA user_version = ${version}; COMMIT`);
  } finally {
    database.close();
  }
}

async function writePostgres(
  backend: PostgresBackend,
  owner: LedgerOwner,
  sql: string,
  version: number,
): Promise<void> {
  const schema = `"${String(backend.option(owner).schema)}"`;
  await backend.server().query(
    backend.url(),
    `CREATE SCHEMA ${schema}; SET search_path TO ${schema}; ${sql};
       CREATE TABLE iterable_ledger_version (version INTEGER NOT NULL); INSERT INTO iterable_ledger_version VALUES (${version})`,
  );
}

/** The ledger backends that tests run against; each owner gets a fresh ledger. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe } from '@jest/globals';
import type { TestFiles } from './connector.ts';
import { PostgresServer } from './postgres.ts';

/** The owner of a ledger: a harness, or anything else with a folder. */
export interface LedgerOwner {
  readonly files: TestFiles;
}

type Row = Record<string, unknown>;

export interface LedgerBackend {
  readonly name: 'sqlite' | 'postgres';
  /** The option `ledger` for this owner; `place` adds a name and a scope. */
  readonly option: (owner: LedgerOwner, place?: Record<string, string>) => Record<string, unknown>;
  /** Everything stored in the ledger, claims included, and for a file also the files beside it; for comparisons. */
  readonly contents: (owner: LedgerOwner) => Promise<unknown>;
  /** Makes the claims of a killed run expire at once. */
  readonly afterKill?: (owner: LedgerOwner) => Promise<void>;
  /** Runs one statement from outside; `table` returns a table's name. In SQLite, no run may have the ledger open. */
  readonly query: (owner: LedgerOwner, sql: (table: (name: string) => string) => string) => Promise<Row[]>;
  /** Deletes the ledger completely. */
  readonly lose: (owner: LedgerOwner) => Promise<void>;
}

export interface PostgresBackend extends LedgerBackend {
  /** Available from the first hook of the tests on. */
  readonly server: () => PostgresServer;
  readonly url: () => string;
}

export const SQLITE: LedgerBackend = {
  name: 'sqlite',
  option: (owner, place = {}) => ({ type: 'sqlite', path: fileOf(owner), ...place }),
  query: (owner, sql) => {
    const database = new DatabaseSync(fileOf(owner));
    try {
      return Promise.resolve(database.prepare(sql((name) => name)).all() as Row[]);
    } finally {
      database.close();
    }
  },
  lose: (owner) => {
    for (const ending of ['', '-wal', '-shm']) rmSync(`${fileOf(owner)}${ending}`, { force: true });
    return Promise.resolve();
  },
  contents: ({ files }) =>
    Promise.resolve(
      readdirSync(files.folder)
        .filter((name) => !name.endsWith('.json'))
        .sort()
        .map((name) => [
          name,
          createHash('sha256')
            .update(readFileSync(files.path(name)))
            .digest('hex'),
        ]),
    ),
};

function fileOf({ files }: LedgerOwner): string {
  return files.path('ledger.sqlite');
}

/** Defines the same tests for each backend. All tests of Postgres share one server. */
export function describeLedgers(title: string, tests: (backend: LedgerBackend) => void): void {
  describe(`${title} in SQLite`, () => {
    tests(SQLITE);
  });
  describe(`${title} in Postgres`, () => {
    tests(withPostgres());
  });
}

/** Starts a server for the describe block in which it is called. */
export function withPostgres(): PostgresBackend {
  let server: PostgresServer | undefined;
  let url = '';
  const schemas = new WeakMap<LedgerOwner, string>();
  let count = 0;
  beforeAll(async () => {
    server = await PostgresServer.start();
    url = await server.createDatabase();
  }, 60_000);
  afterAll(() => server?.stop());
  const running = () => {
    if (!server) throw new Error('The server runs only from the first hook to the last');
    return server;
  };
  const schemaOf = (owner: LedgerOwner) => {
    const schema = schemas.get(owner) ?? `ledger ${++count}`;
    schemas.set(owner, schema);
    return schema;
  };
  const backend: PostgresBackend = {
    name: 'postgres',
    server: running,
    url: () => url,
    contents: async (owner) => {
      const schema = schemaOf(owner);
      const ask = (sql: string, values: unknown[] = []) => running().query<Row>(url, sql, values);
      const tables = await ask(
        'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1 ORDER BY 1',
        [schema],
      );
      const rows = tables.map(async ({ name }) => [
        name,
        await ask(`SELECT row::text FROM "${schema}"."${String(name)}" AS row ORDER BY 1`),
      ]);
      const schemata = await ask('SELECT nspname FROM pg_namespace WHERE nspname = $1', [schema]);
      return [schemata, await Promise.all(rows)];
    },
    afterKill: async (owner) => {
      await running().query(
        url,
        // The run may have been killed before it created the tables.
        `DO $$ BEGIN
           UPDATE "${schemaOf(owner)}".iterable_ledger_stream SET claimed_until = now() - interval '1 second';
         EXCEPTION WHEN undefined_table OR invalid_schema_name THEN NULL; END $$`,
      );
    },
    option: (owner, place = {}) => ({ type: 'postgres', url, schema: schemaOf(owner), ...place }),
    query: (owner, sql) =>
      running().query(
        url,
        sql((name) => `"${schemaOf(owner)}".iterable_ledger_${name}`),
      ),
    lose: async (owner) => {
      await running().query(url, `DROP SCHEMA "${schemaOf(owner)}" CASCADE`);
    },
  };
  return backend;
}

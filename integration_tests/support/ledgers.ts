/** The ledgers that tests run against, each place with a fresh one. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe } from '@jest/globals';
import type { TestFiles } from './connector.ts';
import { PostgresServer } from './postgres.ts';

/** Whose ledger it is: a harness, or whatever else has a folder of its own. */
export interface LedgerOwner {
  readonly files: TestFiles;
}

type Row = Record<string, unknown>;

export interface LedgerBackend {
  readonly name: 'sqlite' | 'postgres';
  /** The option `ledger` for this owner; `place` is its name and scope. */
  readonly option: (owner: LedgerOwner, place?: Record<string, string>) => Record<string, unknown>;
  /** All that the ledger holds, claims too, and where it is a file whatever lies beside it; to be compared. */
  readonly contents: (owner: LedgerOwner) => Promise<unknown>;
  /** A run of this owner was killed: what it claimed expires, without the wait. */
  readonly afterKill?: (owner: LedgerOwner) => Promise<void>;
  /** Runs one statement from outside; `table` gives a table's name. Nobody else may have the ledger open in SQLite. */
  readonly query: (owner: LedgerOwner, sql: (table: (name: string) => string) => string) => Promise<Row[]>;
  /** The ledger is gone, as if it had never been. */
  readonly lose: (owner: LedgerOwner) => Promise<void>;
}

export interface PostgresBackend extends LedgerBackend {
  /** From the tests' own hooks on. */
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

/** The same tests for each backend; the one with a server has one for all of them. */
export function describeLedgers(title: string, tests: (backend: LedgerBackend) => void): void {
  describe(`${title} in SQLite`, () => {
    tests(SQLITE);
  });
  describe(`${title} in Postgres`, () => {
    tests(withPostgres());
  });
}

/** For the describe block in which it is called. */
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
    if (!server) throw new Error('The server runs from the first hook to the last');
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
        // It may have been killed before there were any tables.
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

/** The ledgers that tests run against, each harness with a fresh one. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe } from '@jest/globals';
import type { Harness } from './harness.ts';
import { PostgresServer } from './postgres.ts';

export interface LedgerBackend {
  readonly name: 'sqlite' | 'postgres';
  /** The option `ledger` for this harness; `place` is its name and scope. */
  readonly option: (harness: Harness, place?: Record<string, string>) => Record<string, unknown>;
  /** All that the ledger holds, claims too, and where it is a file whatever lies beside it; to be compared. */
  readonly contents: (harness: Harness) => Promise<unknown>;
  /** A run of this harness was killed: what it claimed expires, without the wait. */
  readonly afterKill?: (harness: Harness) => Promise<void>;
}

export const SQLITE: LedgerBackend = {
  name: 'sqlite',
  option: (harness, place = {}) => ({
    type: 'sqlite',
    path: harness.files.path('ledger.sqlite'),
    ...place,
  }),
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
export function withPostgres(): LedgerBackend {
  let server: PostgresServer | undefined;
  let url = '';
  const schemas = new WeakMap<Harness, string>();
  let count = 0;
  beforeAll(async () => {
    server = await PostgresServer.start();
    url = await server.createDatabase();
  }, 60_000);
  afterAll(() => server?.stop());
  return {
    name: 'postgres',
    contents: async (harness) => {
      const schema = schemas.get(harness) ?? '';
      const tables = await server?.query<{ name: string }>(
        url,
        'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1 ORDER BY 1',
        [schema],
      );
      const rows = (tables ?? []).map(async ({ name }) => [
        name,
        await server?.query(url, `SELECT row::text FROM "${schema}"."${name}" AS row ORDER BY 1`),
      ]);
      const schemata = await server?.query(url, 'SELECT nspname FROM pg_namespace WHERE nspname = $1', [
        schema,
      ]);
      return [schemata, await Promise.all(rows)];
    },
    afterKill: async (harness) => {
      const schema = schemas.get(harness) ?? '';
      await server?.query(
        url,
        `UPDATE "${schema}".iterable_ledger_stream SET claimed_until = now() - interval '1 second'`,
      );
    },
    option: (harness, place = {}) => {
      const schema = schemas.get(harness) ?? `ledger ${++count}`;
      schemas.set(harness, schema);
      return { type: 'postgres', url, schema, ...place };
    },
  };
}

/** The ledgers that tests run against, each harness with a fresh one. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import type { Harness } from './harness.ts';
import { PostgresServer } from './postgres.ts';

export interface LedgerBackend {
  readonly name: 'sqlite' | 'postgres';
  /** The option `ledger` for this harness; `place` is its name and scope. */
  readonly option: (harness: Harness, place?: Record<string, string>) => Record<string, unknown>;
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
    afterKill: async (harness) => {
      const schema = schemas.get(harness) ?? '';
      await server?.query(
        url,
        // It may have been killed before there were any tables.
        `DO $$ BEGIN
           UPDATE "${schema}".iterable_ledger_stream SET claimed_until = now() - interval '1 second';
         EXCEPTION WHEN undefined_table THEN NULL; END $$`,
      );
    },
    option: (harness, place = {}) => {
      const schema = schemas.get(harness) ?? `ledger ${++count}`;
      schemas.set(harness, schema);
      return { type: 'postgres', url, schema, ...place };
    },
  };
}

/** A Postgres ledger behind a transaction pooler: it must not depend on session state, since connections change. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withPostgres, type LedgerBackend } from '../support/ledgers.ts';
import { Seam, anEntry, withSeam } from '../support/ledger-seam.ts';
import { aCatalog, aStream } from '../support/messages.ts';
import { findPgBouncer, PgBouncer } from '../support/pgbouncer.ts';
import { withSyncs } from '../support/syncs.ts';

const command = await findPgBouncer();
if (command === undefined)
  console.warn('SKIPPED: PgBouncer is not installed, so nothing is tested behind a transaction pooler.');

(command === undefined ? describe.skip : describe)('behind PgBouncer in transaction mode', () => {
  const postgres = withPostgres();
  let bouncer: PgBouncer | undefined;
  beforeAll(async () => {
    // Fewer connections than the ledger would use, so that they are reassigned all the time.
    bouncer = await PgBouncer.start(command ?? '', postgres.url(), 2);
  });
  afterAll(() => bouncer?.stop());
  const backend: LedgerBackend = {
    ...postgres,
    option: (owner, place) => ({ ...postgres.option(owner, place), url: bouncer?.url }),
  };

  it('syncs, removals and check work as usual', () =>
    withSyncs(backend, { max_removals_percent: 100 }, async (syncs) => {
      const rows = Array.from({ length: 100 }, (_, id) => ({ id, email: `${id}@x.com` }));
      const mirror = {
        status: 'COMPLETE',
        catalog: aCatalog(
          aStream({ primaryKey: [['id']], syncMode: 'full_refresh', destinationSyncMode: 'overwrite' }),
        ),
        config: { batch_size: 20 },
      };
      const ledger = backend.option(syncs.harness);
      const status = async () => (await syncs.harness.check({ ledger })).messages.at(-1)?.connectionStatus;
      expect(await status()).toMatchObject({ status: 'SUCCEEDED' });
      await syncs.sync(rows, mirror);
      expect((await syncs.sync(rows.slice(0, 98), mirror)).calls).toEqual(['delete', 'delete']);
      expect(Object.keys(syncs.users)).toHaveLength(98);
      expect(await status()).toMatchObject({ status: 'SUCCEEDED' });
    }));

  it('many concurrent transactions of ledgers in two schemas each use their own schema', () =>
    withSeam(backend, (one) =>
      withSeam(backend, async (two) => {
        const ledgers = await Promise.all([one.open(), two.open()]);
        await Promise.all(
          Array.from({ length: 40 }, async (_, n) => {
            const ledger = ledgers[n % 2];
            const [stream = 0] = ledger ? Seam.ids(ledger) : [];
            await ledger?.commit({ entries: [anEntry(stream, `k${n}`)] });
            expect((await ledger?.find(stream, [`k${n}`]))?.size).toBe(1);
          }),
        );
        for (const ledger of ledgers) expect(await ledger.count(Seam.ids(ledger)[0] ?? 0)).toBe(20);
      }),
    ));
});

describe('the statements of the Postgres ledger', () => {
  it('leave no session state: no prepared statements, session locks, settings or listeners', () => {
    const folder = new URL('../../src/ledger/postgres/', import.meta.url);
    const source = readdirSync(folder)
      .map((file) => readFileSync(new URL(file, folder), 'utf8'))
      .join('\n');
    expect(source).toContain('SET LOCAL search_path');
    const sessionBound =
      /\bPREPARE\b|\bLISTEN\b|CREATE TEMP|DECLARE \w+ CURSOR|pg_(?:try_)?advisory_lock|\bSET (?:SESSION|search_path)|\bname: ['`]/g;
    expect(source.match(sessionBound)).toBeNull();
  });
});

/** When users go: interrupted removals, the removal guard, and users who were deleted a moment ago. */
import { describe, expect, it } from '@jest/globals';
import { describeLedgers } from '../support/ledgers.ts';
import { aCatalog, aRecord, aState, aStream } from '../support/messages.ts';
import { withSyncs, type SyncOptions, type Syncs } from '../support/syncs.ts';
import type { StandinOptions } from '../standin/server.ts';

type Data = Record<string, unknown>;

const FULL = { syncMode: 'full_refresh', destinationSyncMode: 'overwrite' };
const full = (primaryKey = 'id'): SyncOptions => ({
  catalog: aCatalog(aStream({ ...FULL, primaryKey: [[primaryKey]] })),
  status: 'COMPLETE',
});
const users = (count: number, added = 0) =>
  Array.from({ length: count }, (_, n) => ({ id: n + added, code: `c${n}`, email: `u${n}@x.com` }));
const GONE = { _ab_cdc_deleted_at: '2026-01-01' };

describeLedgers('when users go', (backend) => {
  const play = (test: (syncs: Syncs) => Promise<void>, config: Data = {}, standin: StandinOptions = {}) =>
    withSyncs(backend, config, test, standin);
  const there = (syncs: Syncs) => Object.keys(syncs.users);

  describe('the guard does not count', () => {
    it('removals of an earlier sync, which was killed: they are finished first', () =>
      play(async (syncs) => {
        await syncs.sync(users(50), full());
        let kill = () => undefined as unknown;
        syncs.harness.standin.intercept = ({ method }) => {
          if (method !== 'DELETE') return undefined;
          kill();
          return { reset: true };
        };
        await syncs.run(users(42), {
          ...full(),
          onSpawn: (child) => {
            kill = () => child.kill('SIGKILL');
          },
        });
        syncs.harness.standin.intercept = undefined;
        await backend.afterKill?.(syncs.harness);
        expect(there(syncs)).toHaveLength(50);
        const planned = (await syncs.plan(users(37), full())).plan.streams[0];
        expect([planned?.removed_by_absence, planned?.removed_by_absence_left_over]).toEqual([13, 8]);
        await syncs.sync(users(37), full());
        expect(there(syncs)).toHaveLength(37);
      }));

    it('users of a table that was rebuilt with other keys', () =>
      play(async (syncs) => {
        await syncs.sync(users(10), full());
        await syncs.sync(users(10, 1_000), full());
        expect(there(syncs)).toHaveLength(10);
        // The old rows are gone for good: one user of ten is removed with its new row.
        await syncs.sync(users(9, 1_000), full());
        expect(there(syncs)).toHaveLength(9);
      }));

    it('users of a stream that has got another primary key', () =>
      play(async (syncs) => {
        await syncs.sync(users(10), full());
        for (let sync = 0; sync < 2; sync++) await syncs.sync(users(10), full('code'));
        expect(there(syncs)).toHaveLength(10);
      }));
  });

  describe('a user who is written again while its deletion is not finished', () => {
    const row = { id: 1, email: 'ada@x.com', n: 1 };
    const slow = { lookUpsUntilGone: 3 };

    it('is waited for by the next sync, once', () =>
      play(
        async (syncs) => {
          await syncs.sync([row]);
          expect((await syncs.sync([{ ...row, ...GONE }])).calls).toEqual(['delete']);
          await syncs.sync([row]);
          expect(syncs.users).toEqual({ 'ada@x.com': { id: 1, n: 1 } });
          const lookUps = syncs.harness.standin.requests.length;
          await syncs.sync([{ ...row, n: 2 }]);
          const after = syncs.harness.standin.requests.slice(lookUps).map(({ path }) => path);
          expect(after).toEqual(['/api/users/getFields', '/api/users/bulkUpdate']);
        },
        { mappings: [{ source: 'email', target: 'email' }, { source: 'id', target: 'id' }, { source: 'n', target: 'n' }] }, // prettier-ignore
        slow,
      ));

    it('is waited for after a kill behind the state of the deletion', () =>
      play(
        async (syncs) => {
          await syncs.sync([row]);
          const { harness } = syncs;
          let kill = () => undefined as unknown;
          const killed = await harness.write([aRecord({ ...row, ...GONE }), aState(1)], {
            keepOpen: true,
            catalog: aCatalog(aStream({ primaryKey: [['id']] })),
            config: { ledger: backend.option(harness) },
            onSpawn: (child) => {
              kill = () => child.kill('SIGKILL');
            },
            onLine: (line) => {
              if (line.includes('"type":"STATE"')) kill();
            },
          });
          expect(killed.states).toHaveLength(1);
          await backend.afterKill?.(harness);
          await syncs.sync([row]);
          expect(syncs.users).toEqual({ 'ada@x.com': { id: 1, n: 1 } });
        },
        {},
        slow,
      ));

    it('is waited for where a record that was skipped waited first, and not any more after that', () =>
      play(
        async (syncs) => {
          await syncs.sync([row]);
          await syncs.sync([{ ...row, ...GONE }]);
          await syncs.sync([row], { config: { sync_mode: 'enrich' } });
          expect(there(syncs)).toEqual([]);
          syncs.harness.addUser({ email: row.email });
          await syncs.sync([row]);
          expect(syncs.users).toEqual({ 'ada@x.com': { id: 1, n: 1 } });
        },
        {},
        slow,
      ));
  });
});

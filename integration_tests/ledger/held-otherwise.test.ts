/** One person, whom one connection knows by address and another by user id: only Iterable's profile has both. */
import { expect, it } from '@jest/globals';
import { describeLedgers } from '../support/ledgers.ts';
import { aCatalog, aStream } from '../support/messages.ts';
import { withSyncs, type Syncs } from '../support/syncs.ts';

const to = (...names: string[]) => names.map((name) => ({ source: name, target: name }));
const GONE = { _ab_cdc_deleted_at: '2026-01-01' };
const FULL = {
  catalog: aCatalog(
    aStream({
      primaryKey: [['id']],
      syncMode: 'full_refresh',
      destinationSyncMode: 'overwrite',
      generationId: 1,
      minimumGenerationId: 1,
    }),
  ),
  status: 'COMPLETE' as const,
};

describeLedgers('a person whom two connections know by different identities', (backend) => {
  const play = (test: (syncs: Syncs, app: object) => Promise<void>, config = {}) =>
    withSyncs(
      backend,
      { mappings: to('email', 'name'), lists: [{ kind: 'names', source: 'lists' }], ...config },
      async (syncs) => {
        const app = {
          config: {
            ledger: backend.option(syncs.harness, { scope: 'app' }),
            identify_by: 'user_id',
            mappings: to('userId', 'plan'),
          },
        };
        syncs.harness.addUser({ email: 'a@x.com', userId: 'u1' });
        await syncs.sync([{ id: 1, email: 'a@x.com', name: 'A', lists: ['VIP', 'News'] }]);
        await syncs.sync([{ id: 9, userId: 'u1', plan: 'gold', lists: ['News'] }], app);
        await test(syncs, app);
      },
    );
  it('of a deletion record stays as long as one of them holds it, then goes', () =>
    play(async (syncs, app) => {
      const first = await syncs.sync([{ id: 1, email: 'a@x.com', ...GONE }]);
      expect(first.calls).toEqual(['unsubscribe']);
      expect(first.logs.join('\n')).toContain('held_by_another_row 1');
      expect(Object.keys(syncs.users)).toEqual(['a@x.com']);
      // What the other row says counts now.
      const resent = await syncs.sync([{ id: 9, userId: 'u1', plan: 'gold', lists: ['News'] }], app);
      expect(resent.calls).toEqual(['bulkUpdate', 'subscribe']);
      expect((await syncs.sync([{ id: 9, ...GONE }], app)).calls).toEqual(['delete']);
      expect(syncs.users).toEqual({});
    }));

  it('of a row that a snapshot lacks stays, too', () =>
    play(
      async (syncs) => {
        await syncs.sync([{ id: 2, email: 'b@x.com', name: 'B' }], FULL);
        expect(Object.keys(syncs.users).sort()).toEqual(['a@x.com', 'b@x.com']);
        await syncs.sync([{ id: 2, email: 'b@x.com', name: 'B' }], FULL);
        expect(Object.keys(syncs.users).sort()).toEqual(['a@x.com', 'b@x.com']);
      },
      { max_removals_percent: 100 },
    ));
});

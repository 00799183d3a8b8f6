/** A run that ends after a call but before it has noted the answer: the next run corrects whatever the call may have changed. */
import { expect, it } from '@jest/globals';
import { describeLedgers } from '../support/ledgers.ts';
import { aCatalog, aStream } from '../support/messages.ts';
import { withSyncs, type SyncOptions, type Syncs } from '../support/syncs.ts';

const lists = [{ kind: 'names', source: 'segments' }];
const row = { id: 1, email: 'a@x.com', n: 1, segments: ['Red'] };
const other = { id: 2, email: 'b@x.com', n: 1 };
const GONE = { _ab_cdc_deleted_at: '2026-01-01' };
const FULL: SyncOptions = {
  catalog: aCatalog(
    aStream({ primaryKey: [['id']], syncMode: 'full_refresh', destinationSyncMode: 'overwrite' }),
  ),
  status: 'COMPLETE',
};

describeLedgers('calls whose answer was lost with the run', (backend) => {
  const play = (test: (syncs: Syncs) => Promise<void>) =>
    withSyncs(backend, { lists, max_removals_percent: 100 }, test);

  /** Makes a run whose calls to this path take effect, but are never answered successfully. */
  async function loseAnswers(
    syncs: Syncs,
    path: string,
    rows: readonly Record<string, unknown>[],
    options: SyncOptions = {},
  ): Promise<void> {
    const { standin } = syncs.harness;
    standin.intercept = (request) =>
      request.path.includes(path) && request.method !== 'GET'
        ? { status: 500, afterApplying: true }
        : undefined;
    const failed = await syncs.run(rows, { ...options, config: { retry_minutes: 0.005 } });
    expect(failed.exitCode).toBe(1);
    standin.intercept = undefined;
  }

  const members = ({ harness: { standin } }: Syncs, list: string) => standin.members(list);

  it('of a list that the row no longer names: the user leaves it', () =>
    play(async (syncs) => {
      await syncs.sync([row]);
      await loseAnswers(syncs, 'subscribe', [{ ...row, segments: ['Red', 'Blue'] }]);
      expect(members(syncs, 'Blue')).toEqual(['a@x.com']);
      await syncs.sync([row]);
      expect([members(syncs, 'Red'), members(syncs, 'Blue')]).toEqual([['a@x.com'], []]);
      expect((await syncs.sync([row])).calls).toEqual([]);
    }));

  it('of a list that a new row no longer names: the user leaves it', () =>
    play(async (syncs) => {
      await loseAnswers(syncs, 'subscribe', [row]);
      expect(members(syncs, 'Red')).toEqual(['a@x.com']);
      await syncs.sync([{ ...row, segments: [] }]);
      expect(members(syncs, 'Red')).toEqual([]);
    }));

  it('of leaving a list that the row names again: the user is on it', () =>
    play(async (syncs) => {
      await syncs.sync([row]);
      await loseAnswers(syncs, 'unsubscribe', [{ ...row, segments: [] }]);
      expect(members(syncs, 'Red')).toEqual([]);
      await syncs.sync([row]);
      expect(members(syncs, 'Red')).toEqual(['a@x.com']);
    }));

  it('of values that changed back: they are sent again', () =>
    play(async (syncs) => {
      await syncs.sync([row]);
      await loseAnswers(syncs, 'bulkUpdate', [{ ...row, n: 2 }]);
      expect(syncs.users['a@x.com']).toMatchObject({ n: 2 });
      await syncs.sync([row]);
      expect(syncs.users['a@x.com']).toMatchObject({ n: 1 });
    }));

  it('of a deletion whose row came back: the user is created again, with its lists', () =>
    play(async (syncs) => {
      await syncs.sync([row]);
      await loseAnswers(syncs, 'users/', [{ ...row, ...GONE }]);
      expect(syncs.users).toEqual({});
      await syncs.sync([row]);
      expect(syncs.users).toEqual({ 'a@x.com': { id: 1, n: 1 } });
      expect(members(syncs, 'Red')).toEqual(['a@x.com']);
    }));

  it('of a removal for a missing row that came back: the user is created again, with its lists', () =>
    play(async (syncs) => {
      await syncs.sync([row, other], FULL);
      await loseAnswers(syncs, 'users/', [other], FULL);
      expect(Object.keys(syncs.users)).toEqual(['b@x.com']);
      await syncs.sync([row, other], FULL);
      expect(syncs.users).toEqual({ 'a@x.com': { id: 1, n: 1 }, 'b@x.com': { id: 2, n: 1 } });
      expect(members(syncs, 'Red')).toEqual(['a@x.com']);
    }));

  it('of a removal for a missing row that is then cancelled by a mode without removals: users with a record are created again', () =>
    play(async (syncs) => {
      await syncs.sync([row, other], FULL);
      await loseAnswers(syncs, 'users/', [other], FULL);
      await syncs.sync([row, other], { config: { sync_mode: 'additive' } });
      expect(Object.keys(syncs.users).sort()).toEqual(['a@x.com', 'b@x.com']);
      expect(members(syncs, 'Red')).toEqual(['a@x.com']);
    }));

  it('of an upsert that is unconfirmed: the user is not removed when its row is missing', () =>
    play(async (syncs) => {
      await syncs.sync([other], FULL);
      await loseAnswers(syncs, 'bulkUpdate', [row, other], FULL);
      const proven = await syncs.sync([other], FULL);
      expect(proven.calls).toEqual([]);
      expect(Object.keys(syncs.users).sort()).toEqual(['a@x.com', 'b@x.com']);
    }));

  it('a refused change, in contrast, leaves the entry of the row unchanged', () =>
    play(async (syncs) => {
      await syncs.sync([row, other]);
      syncs.harness.standin.store.forgotten.add('gone@x.com');
      const refused = await syncs.sync([{ ...row, email: 'gone@x.com' }, other]);
      expect(refused.logs.join('\n')).toContain('1 rejected (forgotten 1)');
      expect((await syncs.sync([row, other])).calls).toEqual([]);
    }));
});

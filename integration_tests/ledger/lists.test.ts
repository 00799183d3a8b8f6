/** List memberships with a ledger: users are added to the lists that their row names, and removed from those it no longer names. */
import { expect, it } from '@jest/globals';
import type { StandinOptions } from '../standin/server.ts';
import { describeLedgers } from '../support/ledgers.ts';
import { aCatalog, aStream } from '../support/messages.ts';
import { withSyncs, type Syncs } from '../support/syncs.ts';

const named = { kind: 'names', source: 'segments' };
const flag = { kind: 'flag', source: 'vip', list: 'VIP' };
const all = { kind: 'all', list: 'All' };
const GONE = { _ab_cdc_deleted_at: '2026-01-01' };

const TWO_STREAMS = aCatalog(
  aStream({ primaryKey: [['id']] }),
  aStream({ name: 'crm', primaryKey: [['id']] }),
);

describeLedgers('lists with a ledger', (backend) => {
  const play = (
    lists: readonly unknown[],
    test: (syncs: Syncs) => Promise<void>,
    more = {},
    standin: StandinOptions = {},
  ) => withSyncs(backend, { lists, ...more }, test, standin);
  const lists = ({ harness: { standin } }: Syncs) =>
    Object.fromEntries(
      standin.lists.all().map(({ name }): [string, string[]] => [name, standin.members(name)]),
    );
  const row = { id: 1, email: 'a@x.com' };

  it('are joined and left according to a column with names', () =>
    play([named], async (syncs) => {
      await syncs.sync([{ ...row, segments: ['Red', 'Blue'] }]);
      const second = await syncs.sync([{ ...row, segments: 'Blue, Green' }]);
      expect(lists(syncs)).toEqual({ Red: [], Blue: ['a@x.com'], Green: ['a@x.com'] });
      expect(second.calls.filter((call) => call === 'bulkUpdate')).toEqual([]);
      expect((await syncs.sync([{ ...row, segments: 'Green,Blue' }])).calls).toEqual([]);
      await syncs.sync([{ ...row, segments: null }]);
      expect(lists(syncs)).toEqual({ Red: [], Blue: [], Green: [] });
    }));

  it('don’t change if the column is absent', () =>
    play([named, flag], async (syncs) => {
      await syncs.sync([{ ...row, segments: ['Red'], vip: true }]);
      await syncs.sync([{ ...row }]);
      expect(lists(syncs)).toEqual({ VIP: ['a@x.com'], Red: ['a@x.com'] });
      await syncs.sync([{ ...row, vip: false }]);
      expect(lists(syncs)).toEqual({ VIP: [], Red: ['a@x.com'] });
      await syncs.sync([{ ...row, segments: [] }]);
      expect(lists(syncs)).toEqual({ VIP: [], Red: [] });
    }));

  it('are left when a flag turns false or null, with one call', () =>
    play([flag], async (syncs) => {
      await syncs.sync([{ ...row, vip: true }]);
      expect((await syncs.sync([{ ...row, vip: null }])).calls).toEqual(['unsubscribe']);
      expect((await syncs.sync([{ ...row, vip: false }])).calls).toEqual([]);
      expect(lists(syncs)).toEqual({ VIP: [] });
    }));

  it('are still recognised if an older entry has their names with spaces around them', () =>
    play(
      [flag],
      async (syncs) => {
        await syncs.sync([{ ...row, vip: true }]);
        // Postgres finds the content by its hash, which must change as well.
        const hash = backend.name === 'postgres' ? ", hash = 'not ' || hash" : '';
        await backend.query(
          syncs.harness,
          (table) => `UPDATE ${table('written')} SET content = replace(content, '"VIP"', '"VIP "')${hash}`,
        );
        expect((await syncs.sync([row])).calls).toEqual([]);
        await syncs.sync([{ ...row, vip: true }]);
        expect(lists(syncs)).toEqual({ 'VIP ': ['a@x.com'] });
        expect((await syncs.sync([{ ...row, vip: true }])).calls).toEqual([]);
        await syncs.sync([{ ...row, vip: false }]);
        expect(lists(syncs)).toEqual({ 'VIP ': [] });
      },
      {},
      { lists: [{ name: 'VIP ', listType: 'Standard' }] },
    ));

  it('are left when the rule is removed', () =>
    play([], async (syncs) => {
      await syncs.sync([{ ...row, segments: ['Red'], vip: true }], {
        config: { lists: [named, flag, all] },
      });
      await syncs.sync([{ ...row, segments: ['Red'], vip: true }], { config: { lists: [named] } });
      expect(lists(syncs)).toEqual({ VIP: [], All: [], Red: ['a@x.com'] });
      await syncs.sync([{ ...row, segments: ['Red'], vip: true }], { config: { lists: [] } });
      expect(lists(syncs)).toEqual({ VIP: [], All: [], Red: [] });
    }));

  it('are not left while another stream names them', () =>
    play([named], async (syncs) => {
      await syncs.sync([{ ...row, segments: ['Red', 'Blue'] }], { catalog: TWO_STREAMS });
      await syncs.sync([{ id: 9, email: 'a@x.com', segments: ['Red'] }], {
        catalog: TWO_STREAMS,
        stream: 'crm',
      });
      await syncs.sync([{ ...row, segments: [] }], { catalog: TWO_STREAMS });
      expect(lists(syncs)).toEqual({ Red: ['a@x.com'], Blue: [] });
      await syncs.sync([{ id: 9, email: 'a@x.com', segments: [] }], {
        catalog: TWO_STREAMS,
        stream: 'crm',
      });
      expect(lists(syncs)).toEqual({ Red: [], Blue: [] });
    }));

  it('that a row gave up while another stream named them are left when the other stream’s row is deleted', () =>
    play([named], async (syncs) => {
      const crm = { catalog: TWO_STREAMS, stream: 'crm' };
      await syncs.sync([{ ...row, segments: ['Red'] }], { catalog: TWO_STREAMS });
      await syncs.sync([{ id: 9, email: 'a@x.com', segments: ['Red'] }], crm);
      expect((await syncs.sync([{ id: 9, email: 'a@x.com', segments: [] }], crm)).calls).toEqual([]);
      await syncs.sync([{ id: 1, ...GONE }], { catalog: TWO_STREAMS });
      expect(lists(syncs)).toEqual({ Red: [] });
    }));

  it('are those of the last record if a sync has several for a row', () =>
    play([named], async (syncs) => {
      await syncs.sync([
        { ...row, segments: ['Red'] },
        { ...row, segments: ['Blue'] },
      ]);
      expect(lists(syncs).Blue).toEqual(['a@x.com']);
      expect(lists(syncs).Red ?? []).toEqual([]);
      await syncs.sync([
        { ...row, segments: ['Green'] },
        { ...row, segments: ['Blue'] },
      ]);
      expect(lists(syncs).Blue).toEqual(['a@x.com']);
      expect(lists(syncs).Green ?? []).toEqual([]);
    }));

  it('are all left by a removal that keeps the profile', () =>
    play(
      [named, flag],
      async (syncs) => {
        await syncs.sync([{ ...row, segments: ['Red', 'Blue'], vip: true }]);
        const removed = await syncs.sync([{ id: 1, ...GONE }]);
        expect(removed.logs.join('\n')).toContain('1 removed');
        expect(lists(syncs)).toEqual({ VIP: [], Red: [], Blue: [] });
        expect(Object.keys(syncs.users)).toEqual(['a@x.com']);
        // The next record of the row counts as new.
        await syncs.sync([{ ...row, segments: ['Red'] }]);
        expect(lists(syncs)).toMatchObject({ Red: ['a@x.com'] });
      },
      { removal: 'remove_from_lists' },
    ));

  it('are also left on email-based projects by users identified by user id', () =>
    play(
      [flag],
      async (syncs) => {
        const catalog = aCatalog(
          aStream({ primaryKey: [['id']], syncMode: 'full_refresh', destinationSyncMode: 'overwrite' }),
        );
        const snapshot = { catalog, status: 'COMPLETE' };
        const rows = [1, 2, 3].map((id) => ({ id, userId: `u${id}`, vip: true }));
        await syncs.sync(rows, snapshot);
        // One user is removed from the list by its flag, one because its row is missing.
        await syncs.sync(
          [
            { id: 1, userId: 'u1', vip: true },
            { id: 2, userId: 'u2', vip: false },
          ],
          snapshot,
        );
        expect(lists(syncs)).toEqual({ VIP: ['u1@placeholder.email'] });
      },
      { identify_by: 'user_id', removal: 'remove_from_lists', max_removals_percent: 100 },
      { projectType: 'email' },
    ));

  it('that only a deleted row named are left by a user that another stream holds', () =>
    play([named], async (syncs) => {
      await syncs.sync([{ ...row, segments: ['Red', 'Blue'] }], { catalog: TWO_STREAMS });
      await syncs.sync([{ id: 9, email: 'a@x.com', segments: ['Blue'] }], {
        catalog: TWO_STREAMS,
        stream: 'crm',
      });
      await syncs.sync([{ id: 1, ...GONE }], { catalog: TWO_STREAMS });
      expect(lists(syncs)).toEqual({ Red: [], Blue: ['a@x.com'] });
      expect(Object.keys(syncs.users)).toEqual(['a@x.com']);
    }));

  it('that only a deleted row named are also left when the deletion names another user', () =>
    play([named], async (syncs) => {
      await syncs.sync([{ ...row, segments: ['Red', 'Blue'] }], { catalog: TWO_STREAMS });
      await syncs.sync([{ id: 9, email: 'a@x.com', segments: ['Blue'] }], {
        catalog: TWO_STREAMS,
        stream: 'crm',
      });
      const { calls } = await syncs.sync([{ id: 1, email: 'b@x.com', ...GONE }], { catalog: TWO_STREAMS });
      expect(calls).toEqual(['delete', 'unsubscribe']);
      expect(lists(syncs)).toEqual({ Red: [], Blue: ['a@x.com'] });
    }));

  it('are left by the former user of the row that a deletion names, and not by a user whom another row holds', () =>
    play(
      [named],
      async (syncs) => {
        await syncs.sync([
          { ...row, segments: ['Red'] },
          { id: 2, email: 'b@x.com', segments: ['Red', 'Blue'] },
          { id: 3, email: 'c@x.com', segments: ['Red'] },
        ]);
        await syncs.sync([{ id: 1, email: 'b@x.com', ...GONE }]);
        expect(lists(syncs)).toEqual({ Red: ['b@x.com', 'c@x.com'], Blue: ['b@x.com'] });
      },
      { removal: 'remove_from_lists' },
    ));

  it('are left although another row named them for the address that the row had in between', () =>
    play([flag], async (syncs) => {
      await syncs.sync([
        { ...row, vip: true },
        { id: 2, email: 'b@x.com', vip: true },
      ]);
      // Row 2 takes the address of row 1 and then goes back; row 1 must not keep the user of row 2 on the list.
      await syncs.sync([{ id: 2, email: 'a@x.com', vip: true }]);
      await syncs.sync([{ id: 2, email: 'b@x.com', vip: false }]);
      expect(lists(syncs)).toEqual({ VIP: ['a@x.com'] });
    }));

  it('are kept when a user’s address changes', () =>
    play([named], async (syncs) => {
      await syncs.sync([{ ...row, segments: ['Red'] }]);
      await syncs.sync([{ id: 1, email: 'b@x.com', segments: ['Blue'] }]);
      expect(lists(syncs)).toEqual({ Red: [], Blue: ['b@x.com'] });
    }));

  it.each(['hybrid', 'email'] as const)(
    'and fields are cleared for a row without a primary key after a column has changed its address: %s',
    (projectType) =>
      play(
        [named],
        async (syncs) => {
          const catalog = aCatalog(aStream());
          const mappings = ['email', 'n', 'm'].map((name) => ({ source: name, target: name }));
          const before = { email: 'a@x.com', n: 1, m: 2, segments: ['Red', 'Blue'] };
          await syncs.sync([before], { catalog, config: { mappings } });
          const moved = { ...before, email: 'b@x.com', was: 'a@x.com', segments: ['Blue'] };
          const later = { catalog, config: { mappings: mappings.slice(0, 2) } };
          await syncs.sync([moved], later);
          expect(lists(syncs)).toEqual({ Red: [], Blue: ['b@x.com'] });
          expect(syncs.users).toEqual({ 'b@x.com': { n: 1 } });
          expect((await syncs.sync([moved], later)).calls).toEqual([]);
        },
        { previous_email_column: 'was' },
        { projectType },
      ),
  );

  it('are joined by a user that already has the new address', () =>
    play([named, flag], async (syncs) => {
      syncs.harness.addUser({ email: 'b@x.com' });
      await syncs.sync([{ ...row, segments: ['Red'], vip: true }]);
      // The record does not have the flag, so the row stays on the flag's list.
      const moved = { id: 1, email: 'b@x.com', segments: ['Red'] };
      await syncs.sync([moved]);
      // The former user leaves the lists that only this row named.
      expect(lists(syncs)).toEqual({ Red: ['b@x.com'], VIP: ['b@x.com'] });
      expect((await syncs.sync([moved])).calls).toEqual([]);
    }));

  it('are joined by the new user id of a row, but only those that its record names', () =>
    play(
      [named, flag],
      async (syncs) => {
        await syncs.sync([{ id: 1, userId: 'u1', segments: ['Red'], vip: true }]);
        await syncs.sync([{ id: 1, userId: 'u2', segments: ['Red'] }]);
        expect(lists(syncs)).toEqual({ Red: ['u2'], VIP: [] });
        await syncs.sync([{ id: 1, userId: 'u2', segments: ['Red'], vip: true }]);
        expect(lists(syncs)).toEqual({ Red: ['u2'], VIP: ['u2'] });
        await syncs.sync([{ id: 1, userId: 'u1', segments: [], vip: false }]);
        expect(lists(syncs)).toEqual({ Red: [], VIP: [] });
      },
      { identify_by: 'user_id', mappings: [{ source: 'userId', target: 'userId' }] },
    ));
});

/** The one rule for who goes: a user stays as long as any row holds it, or a rejected record names it. */
import { describe, expect, it } from '@jest/globals';
import { describeLedgers } from '../support/ledgers.ts';
import { aCatalog, aRecord, aStatus, aStream } from '../support/messages.ts';
import { withSyncs, type SyncOptions, type Syncs } from '../support/syncs.ts';

type Data = Record<string, unknown>;

const A = 'ada@x.com';
const B = 'bob@x.com';
const GONE = { _ab_cdc_deleted_at: '2026-01-01' };
const FULL = { syncMode: 'full_refresh', destinationSyncMode: 'overwrite', primaryKey: [['id']] };
const INCREMENTAL = { primaryKey: [['id']] };
const BY_USER_ID = { identify_by: 'user_id' };
const VIP = { lists: [{ kind: 'flag', source: 'vip', list: 'VIP' }] };

const full: SyncOptions = { catalog: aCatalog(aStream(FULL)), status: 'COMPLETE' };
const both = (stream: object) => ({
  catalog: aCatalog(aStream(stream), aStream({ ...stream, name: 'crm' })),
});
const inBoth = (users: readonly Data[], crm: readonly Data[]) => [
  ...users.map((data) => aRecord(data)),
  ...crm.map((data) => aRecord(data, { stream: 'crm' })),
  aStatus('COMPLETE', 'users'),
  aStatus('COMPLETE', 'crm'),
];

describeLedgers('who goes', (backend) => {
  const play = (test: (syncs: Syncs) => Promise<void>, config: Data = {}) =>
    withSyncs(backend, { max_removals_percent: 100, ...config }, async (syncs) => {
      syncs.harness.standin.store.fields.types.set('level', 'long');
      await test(syncs);
    });
  const there = (syncs: Syncs) => Object.keys(syncs.users).sort();

  describe('with a deletion record', () => {
    it.each([
      ['its address, too', { id: 3, email: A }],
      ['its primary key alone', { id: 3 }],
    ])('that has %s: nobody of whom another row of the stream is', (_which, data) =>
      play(async (syncs) => {
        await syncs.sync([
          { id: 100, email: A, n: 100 },
          { id: 3, email: A, n: 3 },
        ]);
        expect((await syncs.sync([{ ...data, ...GONE }])).calls).toEqual([]);
        expect(syncs.users).toEqual({ [A]: { id: 3, n: 3 } });
        // The values of the row that is left count now.
        await syncs.sync([{ id: 100, email: A, n: 100 }]);
        expect(syncs.users).toEqual({ [A]: { id: 100, n: 100 } });
        await syncs.sync([{ id: 100, ...GONE }]);
        expect(there(syncs)).toEqual([]);
      }),
    );

    it('without a primary key: whoever it names, with all rows of its stream', () =>
      play(async (syncs) => {
        await syncs.sync([{ id: 3, email: A }, { id: 100, email: A }, { id: 4, email: B }]); // prettier-ignore
        await syncs.sync([{ email: A, ...GONE }]);
        expect(there(syncs)).toEqual([B]);
      }));

    it('of a row that was merged into another: the former user, and not the survivor whom the record names', () =>
      play(async (syncs) => {
        await syncs.sync([{ id: 3, email: A }, { id: 100, email: B }]); // prettier-ignore
        await syncs.sync([{ id: 3, email: B, ...GONE }]);
        expect(there(syncs)).toEqual([B]);
      }));

    it('by address alone: nobody of whom another stream has the id', () =>
      play(async (syncs) => {
        await syncs.sync(inBoth([{ id: 1, email: A, userId: 'u1' }], [{ id: 9, userId: 'u1' }]), both(INCREMENTAL)); // prettier-ignore
        await syncs.sync(inBoth([{ email: A, ...GONE }], []), both(INCREMENTAL));
        expect(there(syncs)).toEqual([A]);
        await syncs.sync(inBoth([], [{ id: 9, ...GONE }]), both(INCREMENTAL));
        expect(there(syncs)).toEqual([]);
      }, BY_USER_ID));

    it('of a row whose records were all rejected: nobody', () =>
      play(async (syncs) => {
        await syncs.sync([{ id: 1, email: A }, { id: 2, email: B, level: 'high' }]); // prettier-ignore
        await syncs.sync([{ id: 2, ...GONE }, { id: 1, email: A }]); // prettier-ignore
        expect(there(syncs)).toEqual([A]);
      }));
  });

  describe('where the new row of a user is rejected', () => {
    const rows = [{ id: 1, email: A }, { id: 2, email: B }]; // prettier-ignore
    const rejected = [{ id: 1, email: A }, { id: 7, email: B, level: 'high' }]; // prettier-ignore

    it('nobody, until that row is delivered or gone; the plan says the same', () =>
      play(async (syncs) => {
        await syncs.sync(rows, full);
        expect((await syncs.plan(rejected, full)).plan.streams[0]?.removed_by_absence).toBe(0);
        await syncs.sync(rejected, full);
        expect(there(syncs)).toEqual([A, B]);
        await syncs.sync([{ id: 1, email: A }, { id: 7, email: B, level: 1 }], full); // prettier-ignore
        expect(there(syncs)).toEqual([A, B]);
        await syncs.sync([{ id: 1, email: A }], full);
        expect(there(syncs)).toEqual([A]);
      }));

    it('the user goes with that row, within the guard', () =>
      play(async (syncs) => {
        await syncs.sync(rows, full);
        await syncs.sync(rejected, full);
        const last = [{ id: 1, email: A }];
        const refused = await syncs.run(last, { ...full, config: { max_removals_percent: 0 } });
        expect(refused.errors).toMatchObject([{ internal_message: 'too_many_removals' }]);
        expect(there(syncs)).toEqual([A, B]);
        await syncs.sync(last, full);
        expect(there(syncs)).toEqual([A]);
      }));

    it('nobody, where it is a row of another stream', () =>
      play(async (syncs) => {
        await syncs.sync(inBoth(rows, [{ id: 8, email: 'eve@x.com' }]), both(FULL));
        const crm = [{ id: 8, email: 'eve@x.com' }, { id: 9, email: B, level: 'high' }]; // prettier-ignore
        await syncs.sync(inBoth([{ id: 1, email: A }], crm), both(FULL));
        expect(there(syncs)).toEqual([A, B, 'eve@x.com']);
      }));

    it('nobody of whom it has the other identity', () =>
      play(async (syncs) => {
        await syncs.sync([{ id: 1, userId: 'u1' }, { id: 2, userId: 'u2', email: B }], full); // prettier-ignore
        await syncs.sync([{ id: 1, userId: 'u1' }, { id: 7, userId: 'u7', email: B, level: 'high' }], full); // prettier-ignore
        expect(there(syncs)).toEqual([B, 'u1']);
      }, BY_USER_ID));

    it('nobody, although an earlier record of the row is delivered after it was rejected', () =>
      play(async (syncs) => {
        await syncs.sync(rows, full);
        const overtaking = [{ id: 1, email: 'eve@x.com' }, { id: 1, email: B, level: 'high' }]; // prettier-ignore
        await syncs.sync([...overtaking, { id: 5, email: A }], full);
        expect(there(syncs)).toContain(B);
      }));
  });

  describe('where a row becomes another user', () => {
    it('nobody on an incremental stream; the former one leaves the lists that only this row named', () =>
      play(
        async (syncs) => {
          const crm = { id: 9, userId: 'u1', vip: false, n: 9 };
          await syncs.sync(inBoth([], [crm]), both(INCREMENTAL));
          await syncs.sync(inBoth([{ id: 1, userId: 'u1', vip: true, n: 1 }], []), both(INCREMENTAL));
          await syncs.sync(inBoth([{ id: 1, userId: 'u2', vip: true, n: 1 }], []), both(INCREMENTAL));
          expect(syncs.harness.standin.members('VIP')).toEqual(['u2']);
          expect(syncs.users).toMatchObject({ u1: { n: 1 }, u2: { n: 1 } });
          // The values of the row that still holds the former user count now.
          await syncs.sync(inBoth([], [crm]), both(INCREMENTAL));
          expect(syncs.users).toMatchObject({ u1: { n: 9 }, u2: { n: 1 } });
        },
        { ...BY_USER_ID, ...VIP },
      ));

    it('the former one in a full replacement, once it is complete, within the guard', () =>
      play(
        async (syncs) => {
          const users = (last: string) =>
            [1, 2, 3, 4, 5].map((id) => ({ id, userId: id === 5 ? last : `u${id}` }));
          await syncs.sync(users('u5'), full);
          await syncs.sync(users('u6'), { ...full, status: 'STARTED' });
          expect(there(syncs)).toEqual(['u1', 'u2', 'u3', 'u4', 'u5', 'u6']);
          const refused = await syncs.run(users('u6'), { ...full, config: { max_removals_percent: 10 } });
          expect(refused.errors).toMatchObject([{ internal_message: 'too_many_removals' }]);
          await syncs.sync(users('u6'), full);
          expect(there(syncs)).toEqual(['u1', 'u2', 'u3', 'u4', 'u6']);
        },
        { ...BY_USER_ID, max_removals_percent: 20 },
      ));

    it('nobody in a full replacement whom another stream holds', () =>
      play(async (syncs) => {
        await syncs.sync(inBoth([{ id: 1, userId: 'u1' }], [{ id: 9, userId: 'u1' }]), both(FULL));
        await syncs.sync(inBoth([{ id: 1, userId: 'u2' }], [{ id: 9, userId: 'u1' }]), both(FULL));
        expect(there(syncs)).toEqual(['u1', 'u2']);
      }, BY_USER_ID));

    it('nobody, and the profile still moves with another row of its user', () =>
      play(async (syncs) => {
        syncs.harness.addUser({ email: B });
        await syncs.sync([{ id: 1, email: A }, { id: 2, email: A }], full); // prettier-ignore
        const changed = [{ id: 1, email: B }, { id: 2, email: 'ada@new.com' }]; // prettier-ignore
        await syncs.sync(changed, full);
        expect(there(syncs)).toEqual(['ada@new.com', B]);
      }));
  });

  it('nobody where one of two rows of a user is absent: the values of the other one are restored', () =>
    play(async (syncs) => {
      const row = { id: 1, email: A, n: 1 };
      await syncs.sync([row, { id: 2, email: A, n: 2 }], full);
      expect(syncs.users).toEqual({ [A]: { id: 2, n: 2 } });
      await syncs.sync([row], full);
      await syncs.sync([row], full);
      expect(syncs.users).toEqual({ [A]: { id: 1, n: 1 } });
      expect((await syncs.sync([row], full)).calls).toEqual([]);
    }));
});

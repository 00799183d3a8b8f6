import { describe, expect, it } from '@jest/globals';
import { TRANSIENT_FAULTS } from './standin/faults.ts';
import { withHarness, type Harness } from './support/harness.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';
import { summaryLine } from './support/summary-line.ts';

const PROJECTS = [
  ['hybrid', 'email'],
  ['hybrid', 'user_id'],
  ['email', 'email'],
  ['email', 'user_id'],
  ['user_id', 'user_id'],
] as const;

const lookUps = (harness: Harness) =>
  harness.standin.requests.filter(({ method, path }) => method === 'GET' && /getByEmail|byUserId/.test(path));
const exports = (harness: Harness) => harness.standin.calls('/export/data.json');

describe.each(PROJECTS)('enrich on a project of type %s, identified by %s', (projectType, identifyBy) => {
  const key = (n: number | string) =>
    identifyBy === 'email' ? { email: `User${n}@x.com` } : { userId: `u${n}` };
  const stored = (n: number | string) =>
    identifyBy === 'email' ? { email: `user${n}@x.com` } : { userId: `u${n}` };
  const addUser = (harness: Harness, n: number) => {
    harness.standin.store.write({
      ...stored(n),
      dataFields: {},
      preferUserId: true,
      mergeNestedObjects: false,
    });
  };
  const plan = (harness: Harness, n: number) => {
    const { store } = harness.standin;
    const user = identifyBy === 'email' ? store.userByEmail(`user${n}@x.com`) : store.userByUserId(`u${n}`);
    return user?.dataFields.plan;
  };
  const asks = projectType !== 'email' || identifyBy === 'email';

  it('a few records: users in Iterable are updated, the others skipped and counted; with about one look-up each', () =>
    withHarness({ projectType }, async (harness) => {
      for (const n of [1, 3, 5]) addUser(harness, n);
      const records = [1, 2, 3, 4, 5, 6].map((n) => aRecord({ ...key(n), plan: `p${n}`, vip: true }));
      const result = await harness.write([...records, aState(1)], {
        config: {
          identify_by: identifyBy,
          sync_mode: 'enrich',
          lists: [{ kind: 'flag', source: 'vip', list: 'VIP' }],
        },
      });
      expect(result.errors).toEqual([]);
      expect(result.states[0]).toContain('"recordCount":6.0');
      expect(result.logs).toContain(
        summaryLine('users', { received: 6, delivered: 3, skipped: { not_in_iterable: 3 }, listChanges: 3 }),
      );
      expect(harness.standin.store.size).toBe(3);
      expect([1, 3, 5].map((n) => plan(harness, n))).toEqual(['p1', 'p3', 'p5']);
      expect(harness.standin.members('VIP')).toHaveLength(3);
      expect([lookUps(harness).length, exports(harness).length]).toEqual([asks ? 6 : 0, 0]);
    }));

  it('many records need a single call besides the updates', () =>
    withHarness({ projectType }, async (harness) => {
      for (let n = 0; n < 3000; n += 2) addUser(harness, n);
      const records = Array.from({ length: 3000 }, (_, n) => aRecord({ ...key(n), plan: 'p' }));
      const result = await harness.write([...records, aState(1)], {
        config: { identify_by: identifyBy },
        catalog: aCatalog(aStream({ destinationSyncMode: 'update' })),
      });
      expect(result.errors).toEqual([]);
      expect(result.logs.join('\n')).toContain(
        '1500 delivered, 0 unchanged, 1500 skipped (not_in_iterable 1500)',
      );
      expect(harness.standin.store.size).toBe(1500);
      expect([0, 2998].map((n) => plan(harness, n))).toEqual(['p', 'p']);
      expect([lookUps(harness).length, exports(harness).length]).toEqual([0, asks ? 1 : 0]);
      if (asks) expect(harness.standin.calls('/bulkUpdate').length).toBeLessThanOrEqual(4);
    }));
});

describe('enrich', () => {
  it('applies to the streams whose destination sync mode is update, and to no others', () =>
    withHarness({}, async (harness) => {
      const result = await harness.writeInProcess(
        [
          aRecord({ email: 'a@x.com' }, { stream: 'rich' }),
          aRecord({ email: 'b@x.com' }, { stream: 'plain' }),
        ],
        {
          catalog: aCatalog(
            aStream({ name: 'rich', destinationSyncMode: 'update' }),
            aStream({ name: 'plain' }),
          ),
        },
      );
      expect(result.exitCode).toBe(0);
      expect(harness.standin.store.users()).toMatchObject([{ email: 'b@x.com' }]);
    }));

  it('knows users that another stream of the same sync has created or deleted, although reads lag behind', () =>
    withHarness({ lookUpsUntilGone: 3 }, async (harness) => {
      harness.addUser({ email: 'gone@x.com' });
      const rich = { stream: 'rich' };
      const plain = { stream: 'plain' };
      const result = await harness.writeInProcess(
        [
          aRecord({ email: 'new@x.com' }, plain),
          aRecord({ email: 'gone@x.com', _ab_cdc_deleted_at: '2026-01-01' }, plain),
          aRecord({ email: 'new@x.com', plan: 'p' }, rich),
          aRecord({ email: 'gone@x.com', plan: 'p' }, rich),
        ],
        {
          catalog: aCatalog(
            aStream({ name: 'rich', destinationSyncMode: 'update' }),
            aStream({ name: 'plain' }),
          ),
        },
      );
      expect(result.errors).toEqual([]);
      expect(harness.standin.store.users()).toEqual([{ email: 'new@x.com', dataFields: { plan: 'p' } }]);
    }));

  it.each([
    ['email', ['000', `${'a'.repeat(20_000)}@x.com`]],
    ['userId', ['x'.repeat(53), 'x'.repeat(20_000)]],
  ])(
    'skips users that can’t exist: with a malformed %s, and with one too long for a look-up',
    (identity, impossible) =>
      withHarness({}, async (harness) => {
        const known = identity === 'email' ? { email: 'a@x.com' } : { userId: 'a' };
        harness.addUser(known);
        const result = await harness.writeInProcess(
          [
            ...impossible.map((value) => aRecord({ [identity]: value, plan: 'p' })),
            aRecord({ ...known, plan: 'p' }),
            aState(1),
          ],
          { config: { sync_mode: 'enrich', identify_by: identity === 'email' ? 'email' : 'user_id' } },
        );
        expect(result.errors).toEqual([]);
        expect(result.states).toHaveLength(1);
        expect(result.logs.join('\n')).toContain('1 delivered, 0 unchanged, 2 skipped (not_in_iterable 2)');
        expect(harness.standin.store.users()).toEqual([{ ...known, dataFields: { plan: 'p' } }]);
      }),
  );

  it('skips deletions', () =>
    withHarness({}, async (harness) => {
      harness.addUser({ email: 'a@x.com' });
      const result = await harness.writeInProcess(
        [aRecord({ email: 'a@x.com', _ab_cdc_deleted_at: '2026-01-01' })],
        {
          config: { sync_mode: 'enrich' },
        },
      );
      expect(result.logs.join('\n')).toContain('1 skipped (removal_not_allowed 1)');
      expect(harness.standin.store.size).toBe(1);
    }));

  it('restarts an interrupted export from the beginning', () =>
    withHarness({}, async (harness) => {
      for (let n = 0; n < 2000; n++) harness.addUser({ email: `user${n}@x.com` });
      harness.standin.faults.order({
        route: 'exportData',
        fault: TRANSIENT_FAULTS['an answer that stops half-way'],
        times: 1,
      });
      const records = Array.from({ length: 2500 }, (_, n) => aRecord({ email: `user${n}@x.com`, plan: 'p' }));
      const result = await harness.writeInProcess(records, {
        config: { sync_mode: 'enrich', attempt_timeout_seconds: 1 },
      });
      expect(result.errors).toEqual([]);
      expect(result.logs.join('\n')).toContain(
        '2000 delivered, 0 unchanged, 500 skipped (not_in_iterable 500)',
      );
    }));

  it('does not trust an empty export, and looks every user up instead', () =>
    withHarness({}, async (harness) => {
      harness.addUser({ email: 'user7@x.com' });
      harness.standin.faults.order({ route: 'exportData', fault: { status: 200, body: '' }, times: 1 });
      const records = Array.from({ length: 1200 }, (_, n) => aRecord({ email: `user${n}@x.com`, plan: 'p' }));
      const result = await harness.writeInProcess(records, {
        config: { sync_mode: 'enrich', requests_per_second: 5000 },
      });
      expect(result.logs.join('\n')).toContain(
        '1 delivered, 0 unchanged, 1199 skipped (not_in_iterable 1199)',
      );
    }));

  it('rejects records and merges records of one user as in any mode', () =>
    withHarness({}, async (harness) => {
      harness.addUser({ email: 'a@x.com' });
      const result = await harness.writeInProcess(
        [
          aRecord({ email: 'a@x.com', a: 1 }),
          aRecord({ email: 'a@x.com', b: 2 }),
          aRecord({ name: 'nobody' }),
          aState(1),
        ],
        { config: { sync_mode: 'enrich' } },
      );
      expect(result.states[0]).toContain('"recordCount":2.0,"rejectedRecordCount":1.0');
      expect(harness.standin.store.users()).toEqual([{ email: 'a@x.com', dataFields: { a: 1, b: 2 } }]);
    }));
});

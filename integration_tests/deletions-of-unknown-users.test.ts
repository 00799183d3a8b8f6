/** A deletion of a user that is not in Iterable removes no user; it is counted and logged separately. */
import { describe, expect, it } from '@jest/globals';
import { TRANSIENT_FAULTS } from './standin/faults.ts';
import { withHarness, type Harness } from './support/harness.ts';
import { SQLITE } from './support/ledgers.ts';
import { aCatalog, aRecord, aState, aStatus, aStream } from './support/messages.ts';
import { summaryLine } from './support/summary-line.ts';

const DELETED = { _ab_cdc_deleted_at: '2026-01-01' };
const MAPPINGS = ['email', 'userId', 'n'].map((name) => ({ source: name, target: name }));
const withKey = aCatalog(aStream({ primaryKey: [['id']] }));

type Row = Record<string, unknown>;

const lines = (rows: readonly Row[], stream = 'users') => rows.map((row) => aRecord(row, { stream }));

async function write(
  harness: Harness,
  input: readonly string[],
  { config = {}, catalog = withKey }: { config?: Row; catalog?: unknown } = {},
) {
  const before = harness.standin.requests.length;
  const result = await harness.writeInProcess([...input, aState(1)], {
    catalog,
    config: { mappings: MAPPINGS, ...config },
  });
  expect(result.errors).toEqual([]);
  expect(result.states).toHaveLength(1);
  const calls = harness.standin.requests.slice(before);
  return {
    ...result,
    summary: result.logs.find((log) => log.includes(' received, ')),
    lookUps: calls.filter(({ path }) => /getByEmail|byUserId$/.test(path)).length,
    exports: calls.filter(({ path }) => path.endsWith('/export/data.json')).length,
    deletions: calls.filter(({ method }) => method === 'DELETE').length,
  };
}

const ada = { id: 1, email: 'a@x.com', userId: 'U1' };
const bob = { id: 2, email: 'b@x.com', userId: 'U2' };

describe.each([
  ['hybrid', 'email', 1],
  ['hybrid', 'user_id', 1],
  ['email', 'email', 1],
  ['user_id', 'user_id', 0],
] as const)('on a project of type %s, identified by %s', (projectType, identifyBy, lookUps) => {
  const config = { identify_by: identifyBy };
  const standin = { projectType, unknownUserIdStatus: 404 } as const;
  const anonymised = { id: 1, email: 'deleted-1@x.com', userId: 'deleted-1', ...DELETED };

  it('a soft deletion with anonymised identities removes no user, and logs that', () =>
    withHarness(standin, async (harness) => {
      await write(harness, lines([ada, bob]), { config });
      const rows = lines([anonymised, { ...bob, ...DELETED }]);
      const { plan } = await harness.planJsonInProcess(rows, {
        catalog: withKey,
        config: { mappings: MAPPINGS, ...config },
      });
      const result = await write(harness, rows, { config });
      expect(harness.standin.store.users()).toMatchObject([{ email: 'a@x.com', userId: 'U1' }]);
      expect(result.summary).toBe(summaryLine('users', { received: 2, removed: 1, notThere: 1 }));
      const log =
        'The deletion in line 1 (stream users) names a user that is not in Iterable. It may be gone already, or';
      expect(result.logs.filter((each) => each.includes(log))).toHaveLength(1);
      expect([result.lookUps, result.deletions]).toEqual([2 * lookUps, 2]);
      expect(plan.streams[0]).toMatchObject({ removed: 1, deleted_not_in_iterable: 1 });
      expect(plan.notes.filter((note) => note.includes(log))).toHaveLength(1);
      const planned = plan.calls.filter(({ endpoint }) => /getByEmail|byUserId$/.test(endpoint));
      expect(planned.reduce((sum, { calls }) => sum + calls, 0)).toBe(result.lookUps);
    }));

  it('with a ledger, the primary key identifies the exported user, without a look-up', () =>
    withHarness(standin, async (harness) => {
      const withLedger = { ...config, ledger: SQLITE.option(harness) };
      await write(harness, lines([ada, bob]), { config: withLedger });
      const result = await write(harness, lines([anonymised]), { config: withLedger });
      expect(harness.standin.store.users()).toMatchObject([{ email: 'b@x.com', userId: 'U2' }]);
      expect(result.summary).toBe(summaryLine('users', { received: 1, removed: 1 }));
      expect(result.lookUps).toBe(0);
      const again = await write(harness, lines([anonymised]), { config: withLedger });
      expect(again.summary).toBe(summaryLine('users', { received: 1, notThere: 1 }));
    }));

  it.each([
    ['', {}],
    [', not even if the sync looks up other users', { previous_email_column: 'was' }],
  ])('a user that this sync has written or deleted needs no look-up%s', (_where, more) =>
    withHarness({ ...standin, lookUpsUntilGone: 2 }, async (harness) => {
      const catalog = aCatalog(aStream({ name: 'users' }), aStream({ name: 'crm' }));
      const settings = { config: { ...config, ...more, batch_size: 1 }, catalog };
      const input = [
        ...lines([ada]),
        // From another stream, so that this record is not merged with the first one.
        ...lines([{ ...ada, ...DELETED }], 'crm'),
        ...lines([{ ...ada, ...DELETED }]),
      ];
      const result = await write(harness, input, settings);
      expect(harness.standin.store.size).toBe(0);
      expect(result.lookUps).toBe(0);
      expect(result.logs).toContain(summaryLine('users', { received: 2, delivered: 1, removed: 1 }));
      expect(result.logs).toContain(summaryLine('crm', { received: 1, removed: 1 }));
    }),
  );
});

describe('deletions of users who are not in Iterable', () => {
  it('are logged with their lines ten times per stream, and then only counted', () =>
    withHarness({}, async (harness) => {
      const rows = Array.from({ length: 12 }, (_, n) => ({ id: n, email: `gone${n}@x.com`, ...DELETED }));
      const catalog = aCatalog(aStream({ name: 'users' }), aStream({ name: 'crm' }));
      const result = await write(harness, [...lines(rows), ...lines(rows.slice(0, 2), 'crm')], { catalog });
      const logged = result.logs.filter((log) => log.includes('names a user that is not in Iterable'));
      const of = (stream: string) => logged.filter((log) => log.includes(`(stream ${stream})`));
      expect([of('users').length, of('crm').length]).toEqual([10, 2]);
      expect(logged.filter((log) => log.includes('It may be gone already'))).toHaveLength(2);
      expect(result.logs.filter((log) => log.includes('Further deletions of stream users '))).toHaveLength(1);
      expect(result.summary).toBe(summaryLine('users', { received: 12, notThere: 12 }));
      // The same users again: the sync already knows that they don't exist, and does not look them up.
      expect(result.logs).toContain(summaryLine('crm', { received: 2, notThere: 2 }));
      expect(result.lookUps).toBe(12);
    }));

  it('are recognised by one export if there are many deletions', () =>
    withHarness({}, async (harness) => {
      for (let n = 0; n < 1200; n += 2) harness.addUser({ email: `p${n}@x.com` });
      const rows = Array.from({ length: 1200 }, (_, n) => ({ id: n, email: `p${n}@x.com`, ...DELETED }));
      const result = await write(harness, lines(rows));
      expect(harness.standin.store.size).toBe(0);
      expect(result.summary).toContain('600 removed, 600 deleted but not in Iterable');
      expect([result.lookUps, result.exports, result.deletions]).toEqual([500, 1, 1200]);
    }));

  it('by user id need no export, since the answer says whether the user existed', () =>
    withHarness({ unknownUserIdStatus: 404 }, async (harness) => {
      for (let n = 0; n < 600; n += 2) harness.addUser({ userId: `p${n}` });
      const rows = Array.from({ length: 600 }, (_, n) => ({ id: n, userId: `p${n}`, ...DELETED }));
      const result = await write(harness, lines(rows), { config: { identify_by: 'user_id' } });
      expect(result.summary).toContain('300 removed, 300 deleted but not in Iterable');
      expect([result.lookUps, result.exports]).toEqual([500, 0]);
    }));

  it('don’t include a deletion whose answer was lost and whose retry finds the user gone', () =>
    withHarness({ projectType: 'user_id', unknownUserIdStatus: 404 }, async (harness) => {
      harness.addUser({ userId: 'U1' });
      harness.standin.faults.order({
        route: 'deleteByUserId',
        fault: TRANSIENT_FAULTS['a reset after the call was applied'],
        times: 1,
      });
      const result = await write(harness, lines([{ id: 1, userId: 'U1', ...DELETED }]));
      expect(result.summary).toContain('1 removed, 0 deleted but not in Iterable');
    }));

  it('for rows missing from a snapshot are counted separately as well', () =>
    withHarness({ projectType: 'user_id', unknownUserIdStatus: 404 }, async (harness) => {
      const settings = {
        catalog: aCatalog(
          aStream({ syncMode: 'full_refresh', destinationSyncMode: 'overwrite', primaryKey: [['id']] }),
        ),
        config: { mappings: MAPPINGS, ledger: SQLITE.option(harness), max_removals_percent: 100 },
      };
      const eve = { id: 3, email: 'e@x.com', userId: 'U3' };
      await write(harness, [...lines([ada, bob, eve]), aStatus('COMPLETE')], settings);
      harness.standin.store.deleteByUserId('U2');
      const input = [...lines([ada]), aStatus('COMPLETE')];
      const { plan } = await harness.planJsonInProcess(input, settings);
      const result = await write(harness, input, settings);
      expect(harness.standin.store.users()).toMatchObject([{ userId: 'U1' }]);
      expect(result.summary).toContain(
        '1 removed: missing from the snapshot, 1 missing from the snapshot but not in Iterable',
      );
      expect(plan.streams[0]).toMatchObject({ removed_by_absence: 1, absent_not_in_iterable: 1 });
    }));
});

/** A record that writes an identity of a user deleted in the same sync: it must wait until Iterable has finished the deletion. */
import { describe, expect, it } from '@jest/globals';
import { TRANSIENT_FAULTS } from './standin/faults.ts';
import { withHarness, type Harness } from './support/harness.ts';
import { SQLITE } from './support/ledgers.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';
import { summaryLine } from './support/summary-line.ts';

type ProjectType = 'hybrid' | 'email' | 'user_id';

const DELETED = { _ab_cdc_deleted_at: '2026-01-01' };
const ADA = { id: 1, email: 'a@x.com', userId: 'U1' };
const MAPPINGS = ['email', 'userId', 'n'].map((name) => ({ source: name, target: name }));
const withKey = aCatalog(aStream({ primaryKey: [['id']] }));

async function write(
  harness: Harness,
  records: readonly Record<string, unknown>[],
  config: Record<string, unknown>,
) {
  const lines = [...records.map((record) => aRecord(record)), aState(1)];
  const result = await harness.writeInProcess(lines, {
    catalog: withKey,
    config: { mappings: MAPPINGS, ...config },
  });
  expect(result.errors).toEqual([]);
  expect(result.states).toHaveLength(1);
  return result;
}

/** Adds Ada to Iterable before the sync. */
function addAda(harness: Harness, projectType: ProjectType): void {
  if (projectType === 'user_id') harness.addUser({ userId: ADA.userId }, { email: ADA.email, old: 'yes' });
  else harness.addUser({ email: ADA.email }, { userId: ADA.userId, old: 'yes' });
}

const PROJECTS: readonly (readonly [ProjectType, 'email' | 'user_id'])[] = [
  ['hybrid', 'email'],
  ['hybrid', 'user_id'],
  ['email', 'email'],
  ['email', 'user_id'],
  ['user_id', 'user_id'],
];

const COMES_BACK = [
  ['with a new user id', { id: 2, email: 'a@x.com', userId: 'U2', n: 1 }],
  ['with a new address', { id: 2, email: 'b@x.com', userId: 'U1', n: 1 }],
  ['as before', { id: 1, email: 'a@x.com', userId: 'U1', n: 1 }],
] as const;

describe.each(PROJECTS)('on a project of type %s, identified by %s', (projectType, identifyBy) => {
  const config = { identify_by: identifyBy };
  const standin = { projectType, lookUpsUntilGone: 3, unknownUserIdStatus: 404 } as const;
  const expected = ({ email, userId, n }: (typeof COMES_BACK)[number][1]) => [
    { email, userId, dataFields: { n } },
  ];

  it.each(COMES_BACK)('a user who is deleted and comes back %s is a new user', (_how, back) =>
    withHarness(standin, async (harness) => {
      addAda(harness, projectType);
      const result = await write(harness, [{ ...ADA, ...DELETED }, back], config);
      expect(harness.standin.store.users()).toEqual(expected(back));
      expect(result.logs).toContain(summaryLine('users', { received: 2, delivered: 1, removed: 1 }));
    }),
  );

  it.each(COMES_BACK)(
    'a user who is deleted by a record with nothing but the identifier, and comes back %s, is a new user',
    (_how, back) =>
      withHarness(standin, async (harness) => {
        addAda(harness, projectType);
        const { email, userId } = ADA;
        const named = identifyBy === 'email' ? { email } : { userId };
        await write(harness, [{ id: 1, ...named, ...DELETED }, back], config);
        expect(harness.standin.store.users()).toEqual(expected(back));
      }),
  );

  it.each(COMES_BACK)(
    'a user who is deleted by the primary key alone, and comes back %s, is a new user',
    (_how, back) =>
      withHarness(standin, async (harness) => {
        const withLedger = { ...config, ledger: SQLITE.option(harness) };
        await write(harness, [ADA], withLedger);
        await write(harness, [{ id: 1, ...DELETED }, back], withLedger);
        expect(harness.standin.store.users()).toEqual(expected(back));
      }),
  );
});

describe.each(PROJECTS)('a dry run on a project of type %s, identified by %s', (projectType, identifyBy) => {
  it.each(COMES_BACK)('does not wait for a user who would be deleted and comes back %s', (_how, back) =>
    withHarness({ projectType }, async (harness) => {
      const config = { identify_by: identifyBy, ledger: SQLITE.option(harness) };
      await write(harness, [ADA], config);
      const lines = [{ ...ADA, ...DELETED }, back].map((record) => aRecord(record));
      const { exitCode, plan } = await harness.planJsonInProcess(lines, {
        catalog: withKey,
        config: { mappings: MAPPINGS, ...config },
      });
      expect([exitCode, plan.failure]).toEqual([0, null]);
      expect(plan.streams).toMatchObject([{ received: 2, removed: 1, unsettled: 0 }]);
    }),
  );
});

describe.each(['email', 'user_id'] as const)('on a hybrid project, identified by %s', (identifyBy) => {
  const config = { identify_by: identifyBy };
  const other = identifyBy === 'email' ? 'userId' : 'email';

  it('a user who comes back is not refused while the deletion is still being retried', () =>
    withHarness({ lookUpsUntilGone: 3 }, async (harness) => {
      addAda(harness, 'hybrid');
      harness.standin.faults.order({
        route: identifyBy === 'email' ? 'deleteByEmail' : 'deleteByUserId',
        fault: TRANSIENT_FAULTS['a 503 without a body'],
        times: 3,
      });
      const { email, userId } = ADA;
      const gone = { id: 1, ...(identifyBy === 'email' ? { email } : { userId }), ...DELETED };
      const back = { email: 'b@x.com', userId: 'U2', n: 1, [other]: ADA[other] };
      await write(harness, [gone, { id: 2, ...back }], config);
      expect(harness.standin.store.users()).toMatchObject([{ [other]: ADA[other], dataFields: { n: 1 } }]);
      expect(harness.standin.store.users()[0]?.dataFields).toEqual({ n: 1 });
    }));

  it('does not wait for an existing user whose identity the record of another user’s deletion contains', () =>
    withHarness({ lookUpsUntilGone: 3 }, async (harness) => {
      addAda(harness, 'hybrid');
      harness.addUser({ email: 'b@x.com' }, { userId: 'U2', old: 'b' });
      const bob = { id: 2, email: 'b@x.com', userId: 'U2' };
      const result = await write(
        harness,
        [
          { ...ADA, [other]: bob[other], ...DELETED },
          { ...bob, n: 2 },
        ],
        config,
      );
      expect(harness.standin.store.users()).toEqual([
        { email: 'b@x.com', userId: 'U2', dataFields: { old: 'b', n: 2 } },
      ]);
      expect(result.logs).toContain(summaryLine('users', { received: 2, delivered: 1, removed: 1 }));
      expect(
        harness.standin.requests.filter(({ path }) => /getByEmail|byUserId$/.test(path)).length,
      ).toBeLessThan(4);
    }));

  it('a conflict with an existing user is rejected although another user was deleted', () =>
    withHarness({ lookUpsUntilGone: 3 }, async (harness) => {
      addAda(harness, 'hybrid');
      harness.addUser({ email: 'b@x.com' }, { userId: 'U2', old: 'b' });
      const taken = { email: 'c@x.com', userId: 'U3', [other]: { email: 'b@x.com', userId: 'U2' }[other] };
      const result = await write(
        harness,
        [
          { ...ADA, ...DELETED },
          { id: 3, ...taken, n: 3 },
        ],
        config,
      );
      expect(result.logs).toContain(
        summaryLine('users', { received: 2, removed: 1, rejected: { conflict: 1 } }),
      );
      expect(harness.standin.store.users()).toEqual([
        { email: 'b@x.com', userId: 'U2', dataFields: { old: 'b' } },
      ]);
      expect(harness.standin.calls('/bulkUpdate')).toHaveLength(1);
    }));

  it('other users do not wait', () =>
    withHarness({ lookUpsUntilGone: 12 }, async (harness) => {
      addAda(harness, 'hybrid');
      const back = { id: 2, email: 'b@x.com', userId: 'U2', [other]: ADA[other], n: 1 };
      const others = Array.from({ length: 30 }, (_, n) => ({
        id: 10 + n,
        email: `o${n}@x.com`,
        userId: `O${n}`,
      }));
      await write(harness, [{ ...ADA, ...DELETED }, back, ...others], { ...config, batch_size: 10 });
      const sizes = harness.standin.calls('/bulkUpdate').map(({ users }) => users);
      expect(harness.standin.store.size).toBe(31);
      expect(sizes.at(-1)).toBe(1);
    }));
});

const BACK = [
  ['under the same address', (n: number) => ({ email: `u${n}@x.com` })],
  ['under the same user id', (n: number) => ({ email: `new${n}@x.com`, userId: `U${n}` })],
] as const;

describe.each([
  ['without a ledger', false],
  ['with a ledger', true],
])('many users who are deleted and come back, %s', (_how, hasLedger) => {
  it.each(BACK)('%s, are sent in bulk', (_as, back) =>
    withHarness({ lookUpsUntilGone: 1 }, async (harness) => {
      const numbers = Array.from({ length: 150 }, (_, n) => n);
      for (const n of numbers) harness.addUser({ email: `u${n}@x.com` }, { userId: `U${n}` });
      const records = numbers.flatMap((n) => [
        aRecord({ id: n, email: `u${n}@x.com`, ...DELETED }),
        aRecord({ id: 1000 + n, n, ...back(n) }),
      ]);
      const { standin } = harness;
      // A child process, since waits are shortened in this one and the test depends on timing.
      const result = await harness.write([...records, aState(1)], {
        catalog: withKey,
        config: {
          mappings: MAPPINGS,
          lists: [{ kind: 'all', list: 'VIP' }],
          ...(hasLedger ? { ledger: SQLITE.option(harness) } : {}),
        },
      });
      expect(result.errors).toEqual([]);
      expect(standin.store.users().map(({ dataFields }) => dataFields.n)).toHaveLength(150);
      expect(standin.members('VIP')).toHaveLength(150);
      expect(standin.calls('/bulkUpdate').length).toBeLessThan(10);
      expect(standin.calls('/subscribe').length).toBeLessThan(10);
    }),
  );
});

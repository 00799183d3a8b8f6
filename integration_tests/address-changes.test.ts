import { describe, expect, it } from '@jest/globals';
import { TRANSIENT_FAULTS } from './standin/faults.ts';
import { withHarness, type Harness, type WriteOptions } from './support/harness.ts';
import { SQLITE } from './support/ledgers.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';
import { summaryLine } from './support/summary-line.ts';

/** The users at the end: address → user id and fields; only profiles that existed before the sync have the field `old`. */
function users(harness: Harness): Record<string, unknown> {
  return Object.fromEntries(
    harness.standin.store
      .users()
      .map(({ email = '', userId, dataFields }): [string, unknown] => [
        email,
        { ...(userId === undefined ? {} : { userId }), ...dataFields },
      ]),
  );
}

const config = { previous_email_column: 'was' };
const withKey = aCatalog(aStream({ primaryKey: [['id']] }));

async function write(
  harness: Harness,
  records: readonly string[],
  options: Pick<WriteOptions, 'config' | 'catalog'> = {},
) {
  const result = await harness.writeInProcess([...records, aState(1)], {
    catalog: withKey,
    ...options,
    config: { ...config, mappings: MAPPINGS, ...options.config },
  });
  expect(result.errors).toEqual([]);
  expect(result.states).toHaveLength(1);
  return result;
}

const MAPPINGS = ['email', 'n'].map((name) => ({ source: name, target: name }));

describe.each(['hybrid', 'email'] as const)('a change of address on a project of type %s', (projectType) => {
  const standin = { projectType };

  it('from a malformed or overlong address creates a new user', () =>
    withHarness(standin, async (harness) => {
      await write(harness, [
        aRecord({ id: 1, email: 'a@x.com', was: 'unknown' }),
        aRecord({ id: 2, email: 'b@x.com', was: `${'b'.repeat(20_000)}@x.com` }),
      ]);
      expect(users(harness)).toEqual({ 'a@x.com': {}, 'b@x.com': {} });
    }));

  it('changes the address of the profile, which keeps its history', () =>
    withHarness(standin, async (harness) => {
      harness.addUser({ email: 'old@x.com' }, { old: 'yes' });
      const result = await write(harness, [aRecord({ id: 1, email: 'New@x.com', was: ' Old@x.com ', n: 1 })]);
      expect(users(harness)).toEqual({ 'new@x.com': { old: 'yes', n: 1 } });
      expect(result.logs).toContain(summaryLine('users', { received: 1, delivered: 1 }));
      const calls = projectType === 'email' ? ['updateEmail', 'update'] : ['bulkUpdate'];
      expect(
        harness.standin.requests
          .filter(({ method }) => method === 'POST')
          .map(({ path }) => path.split('/').at(-1)),
      ).toEqual(calls);
    }));

  it('to an address that another user has updates that user, and does not change the old profile', () =>
    withHarness(standin, async (harness) => {
      harness.addUser({ email: 'old@x.com' }, { old: 'yes' });
      harness.addUser({ email: 'new@x.com' });
      await write(harness, [aRecord({ id: 1, email: 'new@x.com', was: 'old@x.com', n: 1 })]);
      expect(users(harness)).toEqual({ 'old@x.com': { old: 'yes' }, 'new@x.com': { n: 1 } });
    }));

  it('creates a new user if no user has either address', () =>
    withHarness(standin, async (harness) => {
      await write(harness, [aRecord({ id: 1, email: 'new@x.com', was: 'old@x.com', n: 1 })]);
      expect(users(harness)).toEqual({ 'new@x.com': { n: 1 } });
    }));

  it.each([{}, null, '', 'NEW@x.com'])('does not happen if the column holds %j', (was) =>
    withHarness(standin, async (harness) => {
      harness.addUser({ email: 'old@x.com' });
      const before = typeof was === 'object' && was !== null ? {} : { was };
      await write(harness, [aRecord({ id: 1, email: 'new@x.com', n: 1, ...before })]);
      expect(users(harness)).toEqual({ 'old@x.com': {}, 'new@x.com': { n: 1 } });
      expect(harness.standin.requests.filter(({ method }) => method === 'GET')).toHaveLength(1);
    }),
  );

  it('happens twice in a sync: a → b → c', () =>
    withHarness(standin, async (harness) => {
      harness.addUser({ email: 'a@x.com' }, { old: 'yes' });
      await write(harness, [
        aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', n: 1 }),
        aRecord({ id: 1, email: 'c@x.com', was: 'b@x.com', n: 2 }),
      ]);
      expect(users(harness)).toEqual({ 'c@x.com': { old: 'yes', n: 2 } });
    }));

  it('a → b after b → c: both profiles keep their history, since b is free first', () =>
    withHarness(standin, async (harness) => {
      harness.addUser({ email: 'a@x.com' }, { old: 'a' });
      harness.addUser({ email: 'b@x.com' }, { old: 'b' });
      await write(harness, [
        aRecord({ id: 2, email: 'c@x.com', was: 'b@x.com', n: 2 }),
        aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', n: 1 }),
      ]);
      expect(users(harness)).toEqual({ 'b@x.com': { old: 'a', n: 1 }, 'c@x.com': { old: 'b', n: 2 } });
    }));

  it('b → c after a → b: does not change the profile that an earlier record has updated', () =>
    withHarness(standin, async (harness) => {
      harness.addUser({ email: 'a@x.com' }, { old: 'a' });
      harness.addUser({ email: 'b@x.com' }, { old: 'b' });
      await write(harness, [
        aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', n: 1 }),
        aRecord({ id: 2, email: 'c@x.com', was: 'b@x.com', n: 2 }),
      ]);
      expect(users(harness)).toEqual({
        'a@x.com': { old: 'a' },
        'b@x.com': { old: 'b', n: 1 },
        'c@x.com': { n: 2 },
      });
    }));

  it('of two users that swap addresses: updates both profiles in place, and changes no address', () =>
    withHarness(standin, async (harness) => {
      harness.addUser({ email: 'a@x.com' }, { old: 'a' });
      harness.addUser({ email: 'b@x.com' }, { old: 'b' });
      await write(harness, [
        aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', n: 1 }),
        aRecord({ id: 2, email: 'a@x.com', was: 'b@x.com', n: 2 }),
      ]);
      expect(users(harness)).toEqual({ 'a@x.com': { old: 'a', n: 2 }, 'b@x.com': { old: 'b', n: 1 } });
    }));

  it('in a swap of which only one user exists, changes the address of that one', () =>
    withHarness(standin, async (harness) => {
      harness.addUser({ email: 'a@x.com' }, { old: 'a' });
      await write(harness, [
        aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', n: 1 }),
        aRecord({ id: 2, email: 'a@x.com', was: 'b@x.com', n: 2 }),
      ]);
      expect(users(harness)).toEqual({ 'a@x.com': { n: 2 }, 'b@x.com': { old: 'a', n: 1 } });
    }));

  it('sends later records of the user to the new address, and those of another user to the old one', () =>
    withHarness(standin, async (harness) => {
      harness.addUser({ email: 'a@x.com' }, { old: 'a' });
      await write(
        harness,
        [
          aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', n: 1 }),
          aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', n: 3 }),
          aRecord({ id: 5, email: 'a@x.com', n: 5 }),
          aRecord({ id: 1, email: 'b@x.com', n: 4 }),
        ],
        { config: { batch_size: 1, ...config } },
      );
      expect(users(harness)).toEqual({ 'a@x.com': { n: 5 }, 'b@x.com': { old: 'a', n: 4 } });
    }));

  it('keeps list memberships, and changes them at the new address', () =>
    withHarness(standin, async (harness) => {
      harness.addUser({ email: 'a@x.com' });
      const lists = [
        { kind: 'flag', source: 'vip', list: 'VIP' },
        { kind: 'flag', source: 'beta', list: 'Beta' },
      ];
      await write(harness, [aRecord({ id: 1, email: 'a@x.com', vip: true })], { config: { lists } });
      await write(harness, [aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', beta: true })], {
        config: { lists },
      });
      expect([harness.standin.members('VIP'), harness.standin.members('Beta')]).toEqual([
        ['b@x.com'],
        ['b@x.com'],
      ]);
    }));

  it.each(['enrich', 'additive'])(
    'works the same in mode %s, except that enrich creates no users',
    (sync_mode) =>
      withHarness(standin, async (harness) => {
        harness.addUser({ email: 'a@x.com' }, { old: 'a' });
        harness.addUser({ email: 'c@x.com' }, { old: 'c' });
        harness.addUser({ email: 'd@x.com' });
        const result = await write(
          harness,
          [
            aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', n: 1 }),
            aRecord({ id: 2, email: 'd@x.com', was: 'c@x.com', n: 2 }),
            aRecord({ id: 3, email: 'f@x.com', was: 'e@x.com', n: 3 }),
          ],
          { config: { sync_mode } },
        );
        expect(users(harness)).toEqual({
          'b@x.com': { old: 'a', n: 1 },
          'c@x.com': { old: 'c' },
          'd@x.com': { n: 2 },
          ...(sync_mode === 'enrich' ? {} : { 'f@x.com': { n: 3 } }),
        });
        if (sync_mode === 'enrich')
          expect(result.logs).toContain(
            summaryLine('users', { received: 3, delivered: 2, skipped: { not_in_iterable: 1 } }),
          );
      }),
  );

  it('of many users costs one export instead of look-ups', () =>
    withHarness(standin, async (harness) => {
      harness.addUser({ email: 'old7@x.com' }, { old: 'yes' });
      const records = Array.from({ length: 1500 }, (_, n) =>
        aRecord({ id: n, email: `new${n}@x.com`, was: `old${n}@x.com`, n }),
      );
      // As a child process: waits are shortened in this one, so that on a busy machine the first records would not wait for the others.
      const result = await harness.write([...records, aState(1)], {
        catalog: withKey,
        config: { ...config, mappings: MAPPINGS },
      });
      expect([result.errors, result.states.length]).toEqual([[], 1]);
      expect(harness.standin.store.userByEmail('new7@x.com')?.dataFields).toEqual({ old: 'yes', n: 7 });
      expect(harness.standin.store.size).toBe(1500);
      expect(harness.standin.calls('/export/data.json')).toHaveLength(1);
      expect(harness.standin.calls('/getByEmail').length).toBeLessThanOrEqual(1);
    }));
});

describe('a change of address', () => {
  it.each(['newEmail', 'current'] as const)(
    'whose answer was lost is recognised when it is retried (Iterable checks %s first)',
    (updateEmailChecksFirst) =>
      withHarness({ projectType: 'email', updateEmailChecksFirst }, async (harness) => {
        harness.addUser({ email: 'a@x.com' }, { old: 'a' });
        harness.standin.faults.order({
          route: 'updateEmail',
          fault: TRANSIENT_FAULTS['a reset after the call was applied'],
          times: 2,
        });
        await write(harness, [aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', n: 1 })]);
        expect(users(harness)).toEqual({ 'b@x.com': { old: 'a', n: 1 } });
        expect(harness.standin.calls('/bulkUpdate')).toEqual([]);
      }),
  );

  it('identifies the profile by its user id, if it has one, or else by the old address', () =>
    withHarness({}, async (harness) => {
      harness.standin.store.write({
        userId: 'u1',
        dataFields: { email: 'a@x.com' },
        preferUserId: false,
        mergeNestedObjects: false,
      });
      harness.addUser({ email: 'c@x.com' }, { old: 'c' });
      await write(
        harness,
        [
          aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', uid: 'u1', n: 1 }),
          aRecord({ id: 2, email: 'd@x.com', was: 'c@x.com', uid: 'u2', n: 2 }),
        ],
        { config: { mappings: [...MAPPINGS, { source: 'uid', target: 'userId' }] } },
      );
      expect(users(harness)).toEqual({
        'b@x.com': { userId: 'u1', n: 1 },
        'd@x.com': { userId: 'u2', old: 'c', n: 2 },
      });
    }));

  it('of many users is sent in bulk', () =>
    withHarness({}, async (harness) => {
      const numbers = Array.from({ length: 150 }, (_, n) => n);
      for (const n of numbers) harness.addUser({ email: `a${n}@x.com` }, { userId: `u${n}`, old: 'yes' });
      // A child process, since waits are shortened in this one and the test depends on timing.
      const result = await harness.write(
        [...numbers.map((n) => aRecord({ id: n, email: `b${n}@x.com`, was: `a${n}@x.com`, n })), aState(1)],
        { catalog: withKey, config: { ...config, mappings: MAPPINGS } },
      );
      expect(result.errors).toEqual([]);
      expect(users(harness)['b7@x.com']).toEqual({ userId: 'u7', old: 'yes', n: 7 });
      expect(harness.standin.store.size).toBe(150);
      expect(harness.standin.calls('/bulkUpdate').length).toBeLessThan(10);
    }));

  it('that Iterable refuses for the old address creates a new user, and does not change the old profile', () =>
    withHarness({ emailMoveByEmail: 'conflicts' }, async (harness) => {
      harness.addUser({ email: 'a@x.com' }, { old: 'a' });
      await write(harness, [aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', n: 1 })]);
      expect(users(harness)).toEqual({ 'a@x.com': { old: 'a' }, 'b@x.com': { n: 1 } });
    }));

  it('to an address that was erased rejects the record', () =>
    withHarness({ projectType: 'email' }, async (harness) => {
      harness.addUser({ email: 'a@x.com' });
      harness.standin.store.forgotten.add('b@x.com');
      const result = await write(harness, [
        aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com' }),
        aRecord({ id: 2, email: 'c@x.com' }),
      ]);
      expect(result.logs.join('\n')).toContain('1 rejected (forgotten 1)');
      expect(users(harness)).toEqual({ 'a@x.com': {}, 'c@x.com': {} });
    }));

  it('identified by user id does not need the old address on hybrid and userID-based projects', () =>
    withHarness({}, async (harness) => {
      const byId = { identify_by: 'user_id', mappings: [...MAPPINGS, { source: 'id', target: 'userId' }] };
      await write(harness, [aRecord({ id: 'u1', email: 'a@x.com', n: 1 })], { config: byId });
      await write(
        harness,
        [
          aRecord({ id: 'u1', email: 'b@x.com', was: 'a@x.com', n: 2 }),
          aRecord({ id: 'u2', email: 'b@x.com', was: 'c@x.com', n: 3 }),
        ],
        { config: { ...byId, batch_size: 1 } },
      ).then(({ logs }) => {
        expect(logs).toContain(
          summaryLine('users', { received: 2, delivered: 1, rejected: { conflict: 1 } }),
        );
      });
      expect(users(harness)).toEqual({ 'b@x.com': { userId: 'u1', n: 2 } });
    }));

  it('identified by user id on an email-based project changes only the profile with that id', () =>
    withHarness({ projectType: 'email' }, async (harness) => {
      const byId = { identify_by: 'user_id', mappings: [...MAPPINGS, { source: 'id', target: 'userId' }] };
      await write(
        harness,
        [aRecord({ id: 'u1', email: 'a@x.com', n: 1 }), aRecord({ id: 'u2', email: 'c@x.com', n: 2 })],
        { config: byId },
      );
      const result = await write(
        harness,
        [
          aRecord({ id: 'u1', email: 'b@x.com', was: 'a@x.com', n: 3 }),
          aRecord({ id: 'u3', email: 'd@x.com', was: 'c@x.com', n: 4 }),
        ],
        { config: byId },
      );
      expect(result.logs).toContain(summaryLine('users', { received: 2, delivered: 2 }));
      expect(users(harness)).toEqual({
        'b@x.com': { userId: 'u1', n: 3 },
        'c@x.com': { userId: 'u2', n: 2 },
        'd@x.com': { userId: 'u3', n: 4 },
      });
    }));

  it('does not send the column as a field, and rejects a record whose column holds no text', () =>
    withHarness({}, async (harness) => {
      const result = await harness.write(
        [
          aRecord({ email: 'a@x.com', was: 'b@x.com', n: 1 }),
          aRecord({ email: 'c@x.com', was: ['d@x.com'] }),
          aState(1),
        ],
        { config },
      );
      expect(users(harness)).toEqual({ 'a@x.com': { n: 1 } });
      expect(result.logs.join('\n')).toContain('1 rejected (wrong_type 1)');
    }));
});

describe('on a hybrid project, a change to the address of a profile without a user id', () => {
  const withId = { ...config, mappings: [...MAPPINGS, { source: 'uid', target: 'userId' }] };
  const warnings = (logs: readonly string[]) => logs.filter((log) => log.includes('without its user id'));
  /** A sync fails unless at least one record is delivered. */
  const other = aRecord({ id: 99, email: 'other@x.com', n: 1 });

  /** Adds the user with the previous address, and the profile that has the new address. */
  function addBoth(harness: Harness, n: number | '' = ''): void {
    harness.addUser({ email: `a${n}@x.com` }, { userId: `u${n}`, old: 'a' });
    harness.addUser({ email: `b${n}@x.com` }, { old: 'b' });
  }

  it('writes the fields to that profile, leaves the user id and the history at the old one, and warns', () =>
    withHarness({}, async (harness) => {
      addBoth(harness);
      const records = [1, 2].map((n) => aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', uid: 'u', n }));
      const result = await write(harness, records, { config: withId });
      expect(users(harness)).toEqual({ 'a@x.com': { userId: 'u', old: 'a' }, 'b@x.com': { old: 'b', n: 2 } });
      expect(result.logs).toContain(summaryLine('users', { received: 2, delivered: 2 }));
      expect(warnings(result.logs).map((log) => /^WARN The record in line (\d+)/.exec(log)?.[1])).toEqual([
        '1',
        '2',
      ]);
      expect(harness.standin.calls('/bulkUpdate')).toHaveLength(2);
    }));

  it('does the same if the old profile keeps its address because another row now has it', () =>
    withHarness({}, async (harness) => {
      const settings = { config: { ...withId, previous_email_column: null, ledger: SQLITE.option(harness) } };
      const rows = (one: string, two: string, n: number) => [
        aRecord({ id: 1, email: one, uid: 'u1', n }),
        aRecord({ id: 2, email: two, uid: 'u2', n: n + 1 }),
      ];
      await write(harness, rows('a@x.com', 'b@x.com', 1), settings);
      const swapped = await write(harness, rows('b@x.com', 'a@x.com', 3), settings);
      expect(swapped.logs).toContain(summaryLine('users', { received: 2, delivered: 2 }));
      expect(warnings(swapped.logs)).toHaveLength(2);
      const expected = { 'a@x.com': { userId: 'u1', n: 4 }, 'b@x.com': { userId: 'u2', n: 3 } };
      expect(users(harness)).toEqual(expected);
      const same = await write(harness, rows('b@x.com', 'a@x.com', 3), settings);
      expect(same.logs).toContain(summaryLine('users', { received: 2, unchanged: 2 }));
    }));

  it('does the same if an earlier record has used the previous address, and no user has the new one', () =>
    withHarness({}, async (harness) => {
      addBoth(harness);
      const result = await write(
        harness,
        [
          aRecord({ id: 1, email: 'a@x.com', n: 1 }),
          aRecord({ id: 2, email: 'c@x.com', was: 'a@x.com', uid: 'u', n: 2 }),
        ],
        { config: { ...withId, batch_size: 1 } },
      );
      expect(users(harness)).toEqual({
        'a@x.com': { userId: 'u', old: 'a', n: 1 },
        'b@x.com': { old: 'b' },
        'c@x.com': { n: 2 },
      });
      expect(warnings(result.logs)).toHaveLength(1);
    }));

  it('of many users is sent in bulk, twice', () =>
    withHarness({}, async (harness) => {
      const numbers = Array.from({ length: 150 }, (_, n) => n);
      for (const n of numbers) addBoth(harness, n);
      const records = numbers.map((n) =>
        aRecord({ id: n, email: `b${n}@x.com`, was: `a${n}@x.com`, uid: `u${n}`, n }),
      );
      // A child process, since waits are shortened in this one and the test depends on timing.
      const result = await harness.write([...records, aState(1)], {
        catalog: withKey,
        config: { ...config, ...withId },
      });
      expect(result.errors).toEqual([]);
      expect(users(harness)['b7@x.com']).toMatchObject({ n: 7 });
      expect(harness.standin.calls('/bulkUpdate').length).toBeLessThan(10);
    }));

  it('is sent once if the ledger shows the change, and later changes of the row are delivered', () =>
    withHarness({}, async (harness) => {
      const settings = { config: { ...withId, previous_email_column: null, ledger: SQLITE.option(harness) } };
      const row = (email: string, n: number) => [aRecord({ id: 1, email, uid: 'u', n })];
      await write(harness, row('a@x.com', 1), settings);
      harness.addUser({ email: 'b@x.com' }, { old: 'b' });
      const moved = await write(harness, row('b@x.com', 1), settings);
      expect(warnings(moved.logs)).toHaveLength(1);
      expect(users(harness)).toEqual({ 'a@x.com': { userId: 'u', n: 1 }, 'b@x.com': { old: 'b', n: 1 } });
      const sent = harness.standin.calls('/bulkUpdate').length;
      const same = await write(harness, row('b@x.com', 1), settings);
      expect(same.logs.join('\n')).toContain('1 received, 0 delivered, 1 unchanged');
      expect(harness.standin.calls('/bulkUpdate')).toHaveLength(sent);
      await write(harness, row('b@x.com', 2), settings);
      expect(users(harness)).toEqual({ 'a@x.com': { userId: 'u', n: 1 }, 'b@x.com': { old: 'b', n: 2 } });
    }));

  it.each([
    ['belongs to neither address', { email: 'b@x.com', was: 'a@x.com', uid: 'u3' }],
    ['belongs to the previous address, which no record names', { email: 'b@x.com', uid: 'u' }],
    ['belongs to an address other than the previous one', { email: 'b@x.com', was: 'b2@x.com', uid: 'u' }],
  ])('a user id that %s is a conflict', (_whose, record) =>
    withHarness({}, async (harness) => {
      addBoth(harness);
      addBoth(harness, 2);
      addBoth(harness, 3);
      const before = users(harness);
      const records = [aRecord({ id: 1, n: 1, ...record }), other];
      const result = await write(harness, records, { config: withId });
      expect(result.logs.join('\n')).toContain('1 rejected (conflict 1)');
      expect(warnings(result.logs)).toEqual([]);
      expect(users(harness)).toEqual({ ...before, 'other@x.com': { n: 1 } });
    }),
  );

  it('is a conflict if the ledger has the row with this address but another user id', () =>
    withHarness({}, async (harness) => {
      const settings = { config: { ...withId, previous_email_column: null, ledger: SQLITE.option(harness) } };
      addBoth(harness);
      await write(harness, [aRecord({ id: 1, email: 'b@x.com', uid: 'own', n: 1 })], settings);
      const records = [aRecord({ id: 1, email: 'b@x.com', uid: 'u', n: 2 }), other];
      const result = await write(harness, records, settings);
      expect(result.logs.join('\n')).toContain('1 rejected (conflict 1)');
      expect(users(harness)['b@x.com']).toEqual({ userId: 'own', old: 'b', n: 1 });
    }));

  it('is logged with its line ten times per stream, and then only counted', () =>
    withHarness({}, async (harness) => {
      const numbers = Array.from({ length: 12 }, (_, n) => n);
      for (const n of numbers) addBoth(harness, n);
      const records = numbers.map((n) =>
        aRecord({ id: n, email: `b${n}@x.com`, was: `a${n}@x.com`, uid: `u${n}`, n }),
      );
      const result = await write(harness, records, { config: withId });
      expect(result.logs).toContain(summaryLine('users', { received: 12, delivered: 12 }));
      expect(result.logs.filter((log) => log.includes('rejected, in '))).toEqual([]);
      expect(warnings(result.logs)).toHaveLength(10);
      expect(
        result.logs.filter((log) => log.includes('delivered without their user ids are counted')),
      ).toHaveLength(1);
    }));
});

describe('on an email-based project, a change of address of a user that the same sync has written in bulk', () => {
  // The program's wait of a minute takes three seconds in this process. The stand-in uses real time.
  const standin = { projectType: 'email', refuseMixing: 'both', mixWindowMs: 1_500 } as const;
  const oneByOne = { batch_size: 1 };
  const withId = { identify_by: 'user_id', mappings: [...MAPPINGS, { source: 'uid', target: 'userId' }] };

  it.each([
    ['identified by email', {}, {}],
    ['identified by email, with a shared user id', { mappings: withId.mappings }, { uid: 'shared' }],
    ['identified by user id', withId, { uid: 'u1' }],
  ])('waits a minute: %s', (_how, more, id) =>
    withHarness(standin, async (harness) => {
      const settings = { config: { ...more, ...oneByOne } };
      await write(
        harness,
        [
          aRecord({ id: 1, email: 'a@x.com', n: 1, ...id }),
          aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', n: 2, ...id }),
          aRecord({ id: 1, email: 'b@x.com', n: 3, ...id }),
        ],
        settings,
      );
      expect(users(harness)).toEqual({ 'b@x.com': { n: 3, ...('uid' in id ? { userId: id.uid } : {}) } });
      const [bulk] = harness.standin.calls('/bulkUpdate');
      const [change] = harness.standin.calls('/updateEmail');
      expect((change?.receivedAt ?? 0) - (bulk?.answeredAt ?? Infinity)).toBeGreaterThan(2_900);
      expect(harness.standin.calls('/users/update').length).toBeGreaterThan(0);
    }),
  );

  it('waits a minute if the ledger shows the change', () =>
    withHarness(standin, async (harness) => {
      const settings = {
        config: { ...oneByOne, previous_email_column: null, ledger: SQLITE.option(harness) },
      };
      await write(
        harness,
        [aRecord({ id: 1, email: 'a@x.com', n: 1 }), aRecord({ id: 1, email: 'b@x.com', n: 2 })],
        settings,
      );
      expect(users(harness)).toEqual({ 'b@x.com': { n: 2 } });
      expect(harness.standin.calls('/updateEmail')).toHaveLength(1);
    }));

  it('does not delay other users, however many changes wait', () =>
    withHarness(standin, async (harness) => {
      const numbers = Array.from({ length: 150 }, (_, n) => n);
      harness.addUser({ email: 'old@x.com' }, { old: 'yes' });
      const changed: unknown[] = [];
      harness.standin.intercept = ({ path }) => {
        if (path.endsWith('/updateEmail'))
          changed.push((JSON.parse(harness.standin.lastBody) as { currentEmail: string }).currentEmail);
        return undefined;
      };
      await write(harness, [
        ...numbers.map((n) => aRecord({ id: n, email: `a${n}@x.com`, n: 1 })),
        ...numbers.map((n) => aRecord({ id: n, email: `b${n}@x.com`, was: `a${n}@x.com`, n: 2 })),
        aRecord({ id: 1000, email: 'new@x.com', was: 'old@x.com', n: 3 }),
      ]);
      expect([changed[0], changed.length]).toEqual(['old@x.com', 151]);
      expect(harness.standin.store.size).toBe(151);
      expect(harness.standin.store.userByEmail('new@x.com')?.dataFields).toEqual({ old: 'yes', n: 3 });
    }));

  it(
    'does not wait in a dry run',
    () =>
      withHarness(standin, async (harness) => {
        const startedAt = Date.now();
        // A child process, in which waits are not shortened.
        await harness.planJson(
          [
            aRecord({ id: 1, email: 'a@x.com', n: 1 }),
            aRecord({ id: 1, email: 'b@x.com', was: 'a@x.com', n: 2 }),
          ],
          { catalog: withKey, config: { ...config, mappings: MAPPINGS, ...oneByOne } },
        );
        expect(Date.now() - startedAt).toBeLessThan(50_000);
      }),
    120_000,
  );
});

import { describe, expect, it } from '@jest/globals';
import { bulk, call, subscribe, withStandin } from './client.ts';
import type { Standin } from './server.ts';

const update = (standin: Standin, user: object) => call(standin, 'POST', '/api/users/update', user);
const updateEmail = (standin: Standin, change: object) =>
  call(standin, 'POST', '/api/users/updateEmail', change);

const SUCCESS = { status: 200, body: { msg: '', code: 'Success', params: null } };

describe('users/update', () => {
  it('writes one user by the rules of bulkUpdate', () =>
    withStandin({}, async (standin) => {
      expect(await update(standin, { email: 'A@x.com', dataFields: { n: 1, o: { x: 1 } } })).toEqual(SUCCESS);
      await update(standin, {
        email: 'a@x.com',
        mergeNestedObjects: true,
        dataFields: { userId: '1', n: null, o: { y: 2 } },
      });
      await update(standin, { userId: '1', createNewFields: false, dataFields: { fresh: 1, n: 2 } });
      await update(standin, { userId: '1', createNewFields: true, dataFields: { email: 'b@x.com' } });
      expect(standin.store.users()).toEqual([
        { email: 'b@x.com', userId: '1', dataFields: { n: 2, o: { x: 1, y: 2 } } },
      ]);
      expect(standin.unexpected).toEqual([]);
    }));

  it.each([
    ['a malformed address', { email: '000' }, 400, 'InvalidEmailAddressError', 'Invalid email: 000'],
    [
      'a malformed new address',
      { userId: '1', dataFields: { email: 'x' } },
      400,
      'InvalidEmailAddressError',
      'Invalid email: x',
    ],
    ['a malformed id', { userId: '1 ' }, 400, 'InvalidUserIdError', 'Invalid userId: 1 '],
    ['a forgotten address', { email: 'Gone@x.com' }, 409, 'ForgottenUserError', 'gone@x.com'],
    ['a forgotten id', { userId: 'gone' }, 409, 'ForgottenUserError', 'gone'],
    [
      'the address of another user',
      { userId: '1', dataFields: { email: 'A@x.com' } },
      400,
      'EmailAlreadyExists',
      'a@x.com',
    ],
    [
      'the id of another user',
      { email: 'a@x.com', dataFields: { userId: '1' } },
      400,
      'UserIdAlreadyExists',
      '1',
    ],
  ])('%s is an error, but no unexpected call', (_name, user, status, code, message) =>
    withStandin({}, async (standin) => {
      standin.store.forgotten.add('gone@x.com').add('gone');
      await bulk(standin, [{ email: 'a@x.com' }, { userId: '1' }]);
      const before = standin.store.users();
      const answer = await update(standin, user);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(answer.body.msg).toContain(message);
      expect(standin.store.users()).toEqual(before);
      expect(standin.unexpected).toEqual([]);
    }),
  );

  it('can answer a conflict with 409, and an erased user with 400', () =>
    withStandin({ conflictStatus: 409, forgottenStatus: 400 }, async (standin) => {
      standin.store.forgotten.add('gone@x.com');
      await bulk(standin, [{ email: 'a@x.com' }, { userId: '1' }]);
      const answer = await update(standin, { email: 'a@x.com', dataFields: { userId: '1' } });
      expect([answer.status, answer.body.code]).toEqual([409, 'UserIdAlreadyExists']);
      const forgotten = await update(standin, { email: 'gone@x.com' });
      expect([forgotten.status, forgotten.body.code]).toEqual([400, 'ForgottenUserError']);
    }));

  it('answers a property of the wrong type with BadJsonBody and its path', () =>
    withStandin({}, async (standin) => {
      expect(await update(standin, { email: 'a@x.com', preferUserId: 'yes' })).toEqual({
        status: 400,
        body: {
          msg: '[/api/users/update] Invalid JSON body',
          code: 'BadJsonBody',
          params: { 'obj.preferUserId': 'Boolean value expected' },
        },
      });
    }));

  it('refuses the call for a field beyond the project’s limit', () =>
    withStandin({ maxFields: 3 }, async (standin) => {
      const answer = await update(standin, { email: 'a@x.com', dataFields: { one: 1, two: 2 } });
      expect([answer.status, answer.body.code]).toEqual([400, 'UniqueFieldsLimitExceeded']);
      expect(standin.store.size).toBe(0);
    }));

  it('names the field and the value if the type is wrong', () =>
    withStandin({ fields: { day: 'date' } }, async (standin) => {
      expect(await update(standin, { email: 'a@x.com', dataFields: { day: 'GGG' } })).toMatchObject({
        status: 400,
        body: {
          code: 'RequestFieldsTypesMismatched',
          params: { validationErrors: { day: { expectedType: 'date', offendingValue: 'GGG' } } },
        },
      });
      expect(standin.store.size).toBe(0);
    }));

  it('email project: an unknown id needs preferUserId', () =>
    withStandin({ projectType: 'email' }, async (standin) => {
      expect((await update(standin, { userId: '1' })).body.code).toBe('UnknownUserIdError');
      expect(await update(standin, { userId: '1', preferUserId: true })).toEqual(SUCCESS);
      expect(standin.store.users()).toEqual([{ email: '1@placeholder.email', userId: '1', dataFields: {} }]);
    }));

  it.each([
    ['no identity', { dataFields: {} }],
    ['both identities', { email: 'a@x.com', userId: '1' }],
    ['an unknown property', { email: 'a@x.com', users: [] }],
    ['createNewFields of the wrong type', { email: 'a@x.com', createNewFields: 'true' }],
  ])('%s is refused', (_name, user) =>
    withStandin({}, async (standin) => {
      const answer = await update(standin, user);
      expect([answer.status, answer.body.code]).toEqual([400, 'BadParams']);
      expect(standin.unexpected).toHaveLength(1);
      expect(standin.store.size).toBe(0);
    }),
  );

  it('is limited to 500 calls a second', () =>
    withStandin({ limitScale: 0.004, now: () => 0 }, async (standin) => {
      const statuses: number[] = [];
      for (let n = 0; n < 3; n++) statuses.push((await update(standin, { email: 'a@x.com' })).status);
      expect(statuses).toEqual([200, 200, 429]);
    }));
});

describe('users/updateEmail', () => {
  it('changes the address of the profile and keeps everything else', () =>
    withStandin(
      { projectType: 'email', lists: [{ name: 'VIPs', listType: 'Standard' }] },
      async (standin) => {
        await subscribe(standin, 1, [{ email: 'old@x.com', dataFields: { userId: '1', n: 1 } }]);
        expect(await updateEmail(standin, { currentEmail: 'Old@x.com', newEmail: 'New@x.com' })).toEqual(
          SUCCESS,
        );
        expect(standin.store.users()).toEqual([{ email: 'new@x.com', userId: '1', dataFields: { n: 1 } }]);
        expect(standin.members('VIPs')).toEqual(['new@x.com']);
        expect((await call(standin, 'GET', '/api/users/old%40x.com')).body).toEqual({});
        expect(await updateEmail(standin, { currentUserId: '1', newEmail: 'third@x.com' })).toEqual(SUCCESS);
        expect(standin.members('VIPs')).toEqual(['third@x.com']);
        expect(standin.unexpected).toEqual([]);
      },
    ));

  it.each([
    [{ currentEmail: 'a@x.com', newEmail: 'B@x.com' }, 400, 'EmailAlreadyExists'],
    [{ currentEmail: 'a@x.com', newEmail: 'A@x.com' }, 400, 'EmailAlreadyExists'],
    [{ currentEmail: 'c@x.com', newEmail: 'b@x.com' }, 400, 'EmailAlreadyExists'],
    [{ currentEmail: 'c@x.com', newEmail: 'd@x.com' }, 400, 'UnknownEmailError'],
    [{ currentUserId: '1', newEmail: 'd@x.com' }, 400, 'UnknownUserIdError'],
    [{ currentEmail: 'a@x.com', newEmail: 'd' }, 400, 'InvalidEmailAddressError'],
    [{ currentEmail: 'a', newEmail: 'd@x.com' }, 400, 'InvalidEmailAddressError'],
    [{ currentUserId: '', newEmail: 'd@x.com' }, 400, 'InvalidUserIdError'],
    [{ currentEmail: 'a@x.com', newEmail: 'Gone@x.com' }, 409, 'ForgottenUserError'],
    [{ currentEmail: 'gone@x.com', newEmail: 'd@x.com' }, 409, 'ForgottenUserError'],
  ])('%j is an error, but no unexpected call', (change, status, code) =>
    withStandin({ projectType: 'email' }, async (standin) => {
      standin.store.forgotten.add('gone@x.com');
      await bulk(standin, [{ email: 'a@x.com' }, { email: 'b@x.com' }]);
      const answer = await updateEmail(standin, change);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(standin.store.users().map(({ email }) => email)).toEqual(['a@x.com', 'b@x.com']);
      expect(standin.unexpected).toEqual([]);
    }),
  );

  it.each([
    [undefined, 'EmailAlreadyExists'],
    ['newEmail', 'EmailAlreadyExists'],
    ['current', 'UnknownEmailError'],
  ] as const)('a repeated change, if %s is checked first, is %s', (updateEmailChecksFirst, code) =>
    withStandin(
      { projectType: 'email', ...(updateEmailChecksFirst ? { updateEmailChecksFirst } : {}) },
      async (standin) => {
        await update(standin, { email: 'old@x.com' });
        const change = { currentEmail: 'old@x.com', newEmail: 'new@x.com' };
        expect(await updateEmail(standin, change)).toEqual(SUCCESS);
        expect((await updateEmail(standin, change)).body.code).toBe(code);
      },
    ),
  );

  it.each([
    ['a hybrid project', 'hybrid', { currentEmail: 'a@x.com', newEmail: 'b@x.com' }],
    ['a userID-based project', 'user_id', { currentUserId: '1', newEmail: 'b@x.com' }],
    ['no new address', 'email', { currentEmail: 'a@x.com' }],
    ['no current identity', 'email', { newEmail: 'b@x.com' }],
    ['both', 'email', { currentEmail: 'a@x.com', currentUserId: '1', newEmail: 'b@x.com' }],
    ['an unknown property', 'email', { currentEmail: 'a@x.com', newEmail: 'b@x.com', merge: true }],
    ['a wrong type', 'email', { currentEmail: 'a@x.com', newEmail: null }],
  ] as const)('%s is refused', (_name, projectType, change) =>
    withStandin({ projectType }, async (standin) => {
      await bulk(standin, [{ email: 'a@x.com', dataFields: { userId: '1' } }]);
      const answer = await updateEmail(standin, change);
      expect([answer.status, answer.body.code]).toEqual([400, 'BadParams']);
      expect(standin.unexpected).toHaveLength(1);
      expect(standin.store.userByUserId('1')?.email).toBe('a@x.com');
    }),
  );

  it.each(['current@x.com', 'next@x.com'])('reports a concurrent call for %s', (email) =>
    withStandin({ projectType: 'email', latencyMs: 50, refuseMixing: false }, async (standin) => {
      await bulk(standin, [{ email: 'current@x.com' }]);
      await Promise.all([
        updateEmail(standin, { currentEmail: 'current@x.com', newEmail: 'next@x.com' }),
        bulk(standin, [{ email }]),
      ]);
      expect(standin.unexpected).toHaveLength(1);
    }),
  );
});

describe('single-user and bulk calls for one user', () => {
  const MIXED = /^users\/\w+: single-user and bulk calls for one user within \d+ ms$/;

  it.each(['old@x.com', 'new@x.com', 'New@x.com'])(
    'reports a bulkUpdate of %s soon after updateEmail',
    async (email) => {
      let now = 0;
      await withStandin({ projectType: 'email', now: () => now }, async (standin) => {
        await bulk(standin, [{ email: 'old@x.com' }, { email: 'other@x.com' }]);
        await updateEmail(standin, { currentEmail: 'old@x.com', newEmail: 'new@x.com' });
        now = 59_999;
        await bulk(standin, [{ email: 'other@x.com' }]);
        expect(standin.unexpected).toEqual([]);
        await bulk(standin, [{ email }]);
        expect(standin.unexpected).toEqual([expect.stringMatching(MIXED)]);
        now = 60_000;
        await bulk(standin, [{ email }]);
        expect(standin.unexpected).toHaveLength(1);
      });
    },
  );

  it('identifies the user by profile, and takes the window from an option', async () => {
    let now = 0;
    await withStandin({ mixWindowMs: 10, now: () => now }, async (standin) => {
      await update(standin, { email: 'a@x.com', dataFields: { userId: '1' } });
      now = 9;
      await bulk(standin, [{ userId: '1' }]);
      expect(standin.unexpected).toEqual([expect.stringMatching(MIXED)]);
      now = 10;
      await bulk(standin, [{ userId: '1' }]);
      expect(standin.unexpected).toHaveLength(1);
    });
  });

  it('does not report calls for lists, refused calls, or bulk calls before single-user calls', () =>
    withStandin({ lists: [{ name: 'VIPs', listType: 'Standard' }] }, async (standin) => {
      await bulk(standin, [{ email: 'a@x.com' }, { userId: '1' }]);
      await update(standin, { userId: '1', dataFields: { email: 'a@x.com' } });
      await bulk(standin, [{ userId: '1' }]);
      await update(standin, { userId: '1' });
      await subscribe(standin, 1, [{ userId: '1' }]);
      await update(standin, { userId: '1' });
      expect(standin.unexpected).toEqual([]);
    }));

  it.each([
    [false, 0],
    [true, 1],
    ['both', 2],
  ] as const)('with refuseMixing %s, %i of the two orders are reported', (refuseMixing, count) =>
    withStandin({ refuseMixing }, async (standin) => {
      await update(standin, { userId: '1' });
      await bulk(standin, [{ userId: '1' }]);
      await bulk(standin, [{ userId: '2' }]);
      await update(standin, { userId: '2' });
      expect(standin.unexpected).toHaveLength(count);
    }),
  );
});

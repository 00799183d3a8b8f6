import { describe, expect, it } from '@jest/globals';
import { bulk, call, failed, withStandin } from './client.ts';

describe('the stand-in is strict', () => {
  it.each([
    ['a wrong key', 'GET', '/api/lists', undefined, { 'Api-Key': 'wrong' }, 401, 'BadApiKey'],
    ['a key in the query', 'GET', '/api/lists?api_key=x', undefined, {}, 401, 'BadApiKey'],
    ['an unknown path', 'GET', '/api/nothing', undefined, {}, 404, 'NotFound'],
    ['an unknown query parameter', 'GET', '/api/lists?page=2', undefined, {}, 400, 'BadParams'],
    [
      'a duplicate query parameter',
      'GET',
      '/api/users/getByEmail?email=a&email=b',
      undefined,
      {},
      400,
      'BadParams',
    ],
    ['a path that is badly encoded', 'DELETE', '/api/users/50%', undefined, {}, 400, 'BadParams'],
    ['broken JSON', 'POST', '/api/users/bulkUpdate', '{"users":', {}, 400, 'BadJsonBody'],
    [
      'a body with the content type text',
      'POST',
      '/api/users/bulkUpdate',
      '{"users":[]}',
      { 'Content-Type': 'text/plain' },
      400,
      'BadJsonBody',
    ],
    ['an unknown property', 'POST', '/api/users/bulkUpdate', { users: [], extra: 1 }, {}, 400, 'BadParams'],
    [
      'an unknown property of a user',
      'POST',
      '/api/users/bulkUpdate',
      { users: [{ email: 'a@x.com', name: 'A' }] },
      {},
      400,
      'BadParams',
    ],
    [
      'a property of the wrong type',
      'POST',
      '/api/users/bulkUpdate',
      { users: [{ email: 5 }] },
      {},
      400,
      'BadJsonBody',
    ],
    [
      'both identities',
      'POST',
      '/api/users/bulkUpdate',
      { users: [{ email: 'a@x.com', userId: '1' }] },
      {},
      400,
      'BadParams',
    ],
    ['no identity', 'POST', '/api/users/bulkUpdate', { users: [{ dataFields: {} }] }, {}, 400, 'BadParams'],
    [
      'a managed field',
      'POST',
      '/api/users/bulkUpdate',
      { users: [{ email: 'a@x.com', dataFields: { devices: [] } }] },
      {},
      400,
      'BadParams',
    ],
    [
      '1,001 users',
      'POST',
      '/api/users/bulkUpdate',
      { users: Array.from({ length: 1001 }, (_, n) => ({ email: `${n}@x.com` })) },
      {},
      400,
      'BatchTooLarge',
    ],
    [
      'over 4 MB',
      'POST',
      '/api/users/bulkUpdate',
      { users: [{ email: 'a@x.com', dataFields: { t: 'x'.repeat(4_000_000) } }] },
      {},
      413,
      'BatchTooLarge',
    ],
  ])('%s is refused', (_name, method, path, body, headers, status, code) =>
    withStandin({}, async (standin) => {
      const answer = await call(standin, method, path, body, headers);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(standin.store.size).toBe(0);
      if (status !== 401) expect(standin.unexpected).toHaveLength(1);
    }),
  );

  it('a bad key is refused with the endpoint in the params', () =>
    withStandin({}, async (standin) => {
      expect((await call(standin, 'GET', '/api/lists', undefined, { 'Api-Key': 'wrong' })).body).toEqual({
        msg: 'Invalid API key',
        code: 'BadApiKey',
        params: { ip: '127.0.0.1', endpoint: '/api/lists' },
      });
    }));

  it.each([
    ['users/bulkUpdate', 'users', {}],
    ['lists/subscribe', 'subscribers', { listId: 1 }],
    ['lists/unsubscribe', 'subscribers', { listId: 1, channelUnsubscribe: false }],
  ])('%s: properties of a wrong type refuse the whole call, with the path of each', (path, property, rest) =>
    withStandin({ lists: [{ name: 'VIPs', listType: 'Standard' }] }, async (standin) => {
      const users = [{ email: 'a@x.com' }, { email: 'b@x.com', preferUserId: 'yes' }, { email: 5 }];
      expect(await call(standin, 'POST', `/api/${path}`, { ...rest, [property]: users })).toEqual({
        status: 400,
        body: {
          msg: `[/api/${path}] Invalid JSON body`,
          code: 'BadJsonBody',
          params: {
            [`obj.${property}[1].preferUserId`]: 'Boolean value expected',
            [`obj.${property}[2].email`]: 'String value expected',
          },
        },
      });
      expect(standin.store.size).toBe(0);
    }),
  );

  it('a simulated gateway refuses larger bodies with an HTML page', () =>
    withStandin({ gatewayMaxBytes: 100 }, async (standin) => {
      const answer = await fetch(`${standin.url}/api/users/bulkUpdate`, {
        method: 'POST',
        headers: { 'Api-Key': standin.apiKey, 'Content-Type': 'application/json' },
        body: JSON.stringify({ users: [{ email: 'a@x.com', dataFields: { text: 'x'.repeat(100) } }] }),
      });
      expect([answer.status, answer.headers.get('Content-Type')]).toEqual([413, 'text/html']);
      expect((await bulk(standin, [{ email: 'a@x.com' }])).status).toBe(200);
      expect(standin.unexpected).toEqual([]);
    }));

  it('a call over the limit gets a 429 with the time until the reset, and tokens are refilled over time', async () => {
    let now = 0;
    await withStandin({ limitScale: 1, now: () => now }, async (standin) => {
      const statuses: number[] = [];
      for (let n = 0; n < 6; n++) statuses.push((await bulk(standin, [])).status);
      expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
      expect((await bulk(standin, [])).body).toEqual({
        code: 'RateLimitExceeded',
        msg: 'Rate limit exceeded',
        params: { rateLimitLimit: 5, rateLimitRemaining: 0, rateLimitReset: 1 },
      });
      now = 200;
      expect([(await bulk(standin, [])).status, (await bulk(standin, [])).status]).toEqual([200, 429]);
    });
  });

  it('has a hidden limit of its own for endpoints whose limit is not published, and not for the others', () =>
    withStandin({ hiddenLimit: 2, now: () => 0 }, async (standin) => {
      const statusesOf = async (path: string, body: object) => {
        const statuses: number[] = [];
        for (let n = 0; n < 3; n++) statuses.push((await call(standin, 'POST', `/api/${path}`, body)).status);
        return statuses;
      };
      const list = { listId: standin.lists.create('VIP', undefined), subscribers: [] };
      const move = { currentEmail: 'a@x.com', newEmail: 'b@x.com' };
      expect((await statusesOf('lists', { name: 'New' })).at(-1)).toBe(429);
      expect(await statusesOf('lists/subscribe', list)).toEqual([200, 200, 429]);
      expect(await statusesOf('lists/unsubscribe', { ...list, channelUnsubscribe: false })).toEqual([
        200, 200, 429,
      ]);
      expect((await statusesOf('users/updateEmail', move)).at(-1)).toBe(429);
      expect(await statusesOf('users/bulkUpdate', { users: [] })).toEqual([200, 200, 200]);
    }));

  it('reports concurrent calls for one user, whichever identity they use', () =>
    withStandin({ latencyMs: 50 }, async (standin) => {
      await bulk(standin, [{ email: 'a@x.com', dataFields: { userId: '1' } }]);
      await Promise.all([bulk(standin, [{ email: 'A@x.com' }]), bulk(standin, [{ userId: '1' }])]);
      expect(standin.unexpected).toHaveLength(1);
      const isFirstIn = bulk(standin, [{ email: 'b@x.com', dataFields: { userId: '2' } }]);
      while (standin.store.size < 2) await new Promise(setImmediate);
      await Promise.all([isFirstIn, bulk(standin, [{ userId: '2' }])]);
      expect(standin.unexpected).toHaveLength(2);
      await bulk(standin, [{ email: 'a@x.com' }, { email: 'b@x.com' }]);
      expect(standin.unexpected).toHaveLength(2);
    }));

  it('reports a user twice in one call', () =>
    withStandin({}, async (standin) => {
      await bulk(standin, [{ email: 'a@x.com' }, { email: 'a@x.com' }]);
      expect(standin.unexpected).toHaveLength(1);
    }));
});

describe('the stand-in’s users', () => {
  it('the first value of a field fixes its type; for a number, its text decides', () =>
    withStandin({}, async (standin) => {
      await bulk(
        standin,
        '{"users":[{"email":"a@x.com","dataFields":{"long":5,"double":5.0,"day":"2024-01-01","o":{"x":true}}}]}',
      );
      expect(Object.fromEntries(standin.store.fields.types)).toMatchObject({
        long: 'long',
        double: 'double',
        day: 'date',
        'o.x': 'boolean',
      });
      const answer = await bulk(
        standin,
        '{"users":[{"email":"B@x.com","dataFields":{"long":5.0}},{"email":"c@x.com","dataFields":{"long":"5"}},{"email":"d@x.com","dataFields":{"double":5}}]}',
      );
      expect(failed(answer)).toEqual({ invalidDataEmails: ['b@x.com', 'c@x.com'] });
      expect([answer.body.successCount, answer.body.failCount]).toEqual([1, 2]);
    }));

  it.each([
    ['lists', ['a@x.com'], undefined],
    ['whole', [], { n: { expectedType: 'long', offendingValue: 'text' } }],
  ] as const)(
    'the first value of a new field fixes its type within the call as well: %s',
    (wrongTypeStyle, written, errors) =>
      withStandin({ wrongTypeStyle }, async (standin) => {
        const answer = await bulk(standin, [
          { email: 'a@x.com', dataFields: { n: 1 } },
          { email: 'b@x.com', dataFields: { n: 'text' } },
        ]);
        expect(standin.store.users().map(({ email }) => email)).toEqual(written);
        if (errors) expect(answer.body).toMatchObject({ params: { validationErrors: errors } });
      }),
  );

  it('a day that does not exist is not a date', () =>
    withStandin({}, async (standin) => {
      await bulk(standin, [{ email: 'a@x.com', dataFields: { day: '2024-02-29', text: '2023-02-29' } }]);
      expect(standin.store.fields.types.get('day')).toBe('date');
      expect(standin.store.fields.types.get('text')).toBe('string');
    }));

  it('a wrong type can refuse the whole request, and then no user is updated', () =>
    withStandin({ fields: { n: 'long' }, wrongTypeStyle: 'whole' }, async (standin) => {
      const answer = await bulk(standin, [
        { email: 'a@x.com', dataFields: { n: 1 } },
        { email: 'b@x.com', dataFields: { n: 'GGG' } },
      ]);
      expect(answer).toMatchObject({
        status: 400,
        body: {
          code: 'RequestFieldsTypesMismatched',
          params: { validationErrors: { n: { expectedType: 'long', offendingValue: 'GGG' } } },
        },
      });
      expect(standin.store.size).toBe(0);
    }));

  it('null removes a field, objects are replaced or merged, dates are normalised', () =>
    withStandin({}, async (standin) => {
      await bulk(standin, [
        { email: 'a@x.com', dataFields: { a: 1, o: { x: 1 }, p: { x: 1 }, day: '2020-08-19T20:50:04.000Z' } },
      ]);
      await bulk(standin, [
        { email: 'a@x.com', mergeNestedObjects: true, dataFields: { a: null, o: { y: 2 } } },
      ]);
      await bulk(standin, [{ email: 'a@x.com', dataFields: { p: { y: 2 } } }]);
      expect(standin.store.users()[0]?.dataFields).toEqual({
        o: { x: 1, y: 2 },
        p: { y: 2 },
        day: '2020-08-19 20:50:04 +00:00',
      });
    }));

  it('identities are unique according to the project type, and a conflict names the existing one', () =>
    withStandin({}, async (standin) => {
      await bulk(standin, [{ email: 'a@x.com', dataFields: { userId: '1' } }, { userId: '2' }]);
      const answer = await bulk(standin, [
        { email: 'b@x.com', dataFields: { userId: '1' } },
        { userId: '2', dataFields: { email: 'A@x.com' } },
        { userId: 'x '.padEnd(60) },
        { email: '000' },
      ]);
      expect(failed(answer)).toEqual({
        conflictUserIds: ['1'],
        conflictEmails: ['a@x.com'],
        invalidUserIds: ['x '.padEnd(60)],
        invalidEmails: ['000'],
      });
    }));

  it('a call with new fields beyond the limit is refused and names them; one that creates no fields is accepted', () =>
    withStandin({ maxFields: 5 }, async (standin) => {
      // The identities email and userId count as fields.
      await bulk(standin, [{ email: 'a@x.com', dataFields: { one: 1 } }]);
      const users = [
        { email: 'b@x.com', dataFields: { one: 1 } },
        { email: 'c@x.com', dataFields: { o: { x: 1, y: 2 } } },
      ];
      expect(await bulk(standin, users)).toMatchObject({
        status: 400,
        body: {
          code: 'UniqueFieldsLimitExceeded',
          params: { limit: 5, requestedTotal: 6, newFields: ['o', 'o.x', 'o.y'] },
        },
      });
      expect(standin.store.size).toBe(1);
      expect((await bulk(standin, users, { createNewFields: false })).status).toBe(200);
      expect((await bulk(standin, [{ email: 'd@x.com', dataFields: { o: { x: 1 } } }])).status).toBe(200);
      expect(standin.unexpected).toEqual([]);
    }));

  it.each([400, 409] as const)('an erased user can refuse the whole call with status %i', (forgottenStatus) =>
    withStandin({ forgottenStyle: 'whole', forgottenStatus }, async (standin) => {
      standin.store.forgotten.add('gone@x.com');
      const answer = await bulk(standin, [{ email: 'a@x.com' }, { email: 'Gone@x.com' }]);
      expect([answer.status, answer.body.code]).toEqual([forgottenStatus, 'ForgottenUserError']);
      expect(standin.store.size).toBe(0);
    }),
  );

  it.each([
    [undefined, 400, 'BadParams', 'User does not exist. Email:  UserId: u/1'],
    [200, 200, 'Success', ''],
    [404, 404, 'NotFound', 'unknown user'],
  ] as const)(
    'deleting an unknown id with unknownUserIdStatus %s is answered with %i',
    (unknownUserIdStatus, status, code, msg) =>
      withStandin(unknownUserIdStatus === undefined ? {} : { unknownUserIdStatus }, async (standin) => {
        expect(await call(standin, 'DELETE', '/api/users/byUserId/u%2F1')).toMatchObject({
          status,
          body: { code, msg },
        });
        expect((await call(standin, 'DELETE', '/api/users/a%40x.com')).status).toBe(200);
      }),
  );

  it('email project: an unknown id needs preferUserId, and several users may share an id', () =>
    withStandin({ projectType: 'email' }, async (standin) => {
      expect(failed(await bulk(standin, [{ userId: '1' }]))).toEqual({ notFoundUserIds: ['1'] });
      await bulk(standin, [
        { userId: '1', preferUserId: true },
        { email: 'a@x.com', dataFields: { userId: '1' } },
      ]);
      expect(standin.store.usersByUserId('1').map(({ email }) => email)).toEqual([
        '1@placeholder.email',
        'a@x.com',
      ]);
      await call(standin, 'DELETE', '/api/users/byUserId/1');
      expect(standin.store.size).toBe(0);
    }));

  it('a deletion takes effect later, and an unknown user is answered with 200 and {}', () =>
    withStandin({ lookUpsUntilGone: 1 }, async (standin) => {
      await bulk(standin, [{ email: 'a+b@x.com' }]);
      expect((await call(standin, 'DELETE', '/api/users/a%2Bb%40x.com')).body).toEqual({
        msg: '',
        code: 'Success',
        params: null,
      });
      const lookUp = () => call(standin, 'GET', '/api/users/getByEmail?email=a%2Bb%40x.com');
      expect((await lookUp()).body).toEqual({ user: { email: 'a+b@x.com', dataFields: {} } });
      expect((await lookUp()).body).toEqual({});
    }));

  it('until a deletion is finished, no other user can have the address or the id; then both are free', () =>
    withStandin({ lookUpsUntilGone: 1 }, async (standin) => {
      await bulk(standin, [{ email: 'a@x.com', dataFields: { userId: '1' } }]);
      await call(standin, 'DELETE', '/api/users/a%40x.com');
      expect(failed(await bulk(standin, [{ userId: '2', dataFields: { email: 'a@x.com' } }]))).toMatchObject({
        conflictEmails: ['a@x.com'],
      });
      expect(failed(await bulk(standin, [{ email: 'b@x.com', dataFields: { userId: '1' } }]))).toMatchObject({
        conflictUserIds: ['1'],
      });
      const lookUp = () => call(standin, 'GET', '/api/users/byUserId?userId=1');
      expect((await lookUp()).body).toMatchObject({ user: { email: 'a@x.com', userId: '1' } });
      expect((await lookUp()).body).toEqual({});
      await bulk(standin, [{ email: 'a@x.com', dataFields: { userId: '1' } }]);
      expect(standin.store.users()).toEqual([{ email: 'a@x.com', userId: '1', dataFields: {} }]);
    }));

  it.each([
    ['/api/users/getByEmail?email=000', 'InvalidEmailAddressError'],
    ['/api/users/a%40x', 'InvalidEmailAddressError'],
    [`/api/users/byUserId?userId=${'x'.repeat(53)}`, 'InvalidUserIdError'],
    ['/api/users/byUserId/a%20', 'InvalidUserIdError'],
  ])('a look-up with a malformed identity is refused: %s', (path, code) =>
    withStandin({}, async (standin) => {
      expect(await call(standin, 'GET', path)).toMatchObject({ status: 400, body: { code } });
    }),
  );

  it('look-ups accept the identity in the path as well, and long numbers keep their digits', () =>
    withStandin({}, async (standin) => {
      await bulk(
        standin,
        '{"users":[{"email":"a/b@x.com","dataFields":{"userId":"1/2","n":9007199254740993}}]}',
      );
      const user = { user: { email: 'a/b@x.com', userId: '1/2' } };
      expect((await call(standin, 'GET', '/api/users/A%2Fb%40x.com')).body).toMatchObject(user);
      expect((await call(standin, 'GET', '/api/users/byUserId/1%2F2')).body).toMatchObject(user);
      expect((await call(standin, 'GET', '/api/users/byUserId/1')).body).toEqual({});
      expect((await call(standin, 'GET', '/api/users/getSentMessages')).status).toBe(404);
      const response = await fetch(`${standin.url}/api/users/byUserId?userId=1%2F2`, {
        headers: { 'Api-Key': standin.apiKey },
      });
      expect(await response.text()).toContain('"n":9007199254740993');
    }));

  it('hybrid project: a new address for a user identified by the old one is accepted or a conflict, as configured', async () => {
    const move = [{ email: 'old@x.com', dataFields: { email: 'New@x.com' } }];
    await withStandin({}, async (standin) => {
      await bulk(standin, [{ email: 'old@x.com' }]);
      expect(failed(await bulk(standin, move))).toEqual({});
      expect(standin.store.users()).toEqual([{ email: 'new@x.com', dataFields: {} }]);
    });
    await withStandin({ emailMoveByEmail: 'conflicts' }, async (standin) => {
      await bulk(standin, [{ userId: '1', dataFields: { email: 'old@x.com' } }]);
      expect(failed(await bulk(standin, move))).toEqual({ conflictEmails: ['old@x.com'] });
      await bulk(standin, [{ userId: '1', dataFields: { email: 'new@x.com' } }]);
      expect(standin.store.userByUserId('1')?.email).toBe('new@x.com');
    });
  });

  it('unknown fields are created or dropped, and named in the answer', () =>
    withStandin({ fields: { old: 'long' } }, async (standin) => {
      const dropped = await bulk(standin, [{ email: 'a@x.com', dataFields: { old: 1, fresh: { x: 1 } } }], {
        createNewFields: false,
      });
      expect(dropped.body.filteredOutFields).toEqual(['fresh', 'fresh.x']);
      const created = await bulk(standin, [{ email: 'a@x.com', dataFields: { fresh: { x: 1 } } }], {
        createNewFields: true,
      });
      expect(created.body.createdFields).toEqual(['fresh', 'fresh.x']);
      expect(standin.store.users()[0]?.dataFields).toEqual({ old: 1, fresh: { x: 1 } });
    }));
});

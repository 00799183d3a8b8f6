import { describe, expect, it } from '@jest/globals';
import { startStandin, type Standin, type StandinOptions } from './server.ts';

async function withStandin(
  options: StandinOptions,
  test: (standin: Standin) => Promise<void>,
): Promise<void> {
  const standin = await startStandin({ limitScale: Infinity, ...options });
  try {
    await test(standin);
  } finally {
    await standin.close();
  }
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function call(
  standin: Standin,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(standin.url + path, {
    method,
    headers: { 'Api-Key': standin.apiKey, 'Content-Type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const bulk = (standin: Standin, users: unknown, rest: Record<string, unknown> = {}) =>
  call(standin, 'POST', '/api/users/bulkUpdate', typeof users === 'string' ? users : { users, ...rest });
const failed = ({ body }: Answer) =>
  Object.fromEntries(
    Object.entries(body.failedUpdates as Record<string, string[]>).filter(([, names]) => names.length > 0),
  );

describe('the stand-in is strict', () => {
  it.each([
    ['a wrong key', 'GET', '/api/lists', undefined, { 'Api-Key': 'wrong' }, 401, 'BadApiKey'],
    ['a key in the query', 'GET', '/api/lists?api_key=x', undefined, {}, 401, 'BadApiKey'],
    ['an unknown path', 'GET', '/api/nothing', undefined, {}, 404, 'NotFound'],
    ['broken JSON', 'POST', '/api/users/bulkUpdate', '{"users":', {}, 400, 'BadJsonBody'],
    [
      'a body that says it is text',
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
      'BadParams',
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

  it('a passed limit is a 429 that says when to come back, and tokens return with time', async () => {
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

  it('reports a user twice in one call', () =>
    withStandin({}, async (standin) => {
      await bulk(standin, [{ email: 'a@x.com' }, { email: 'a@x.com' }]);
      expect(standin.unexpected).toHaveLength(1);
    }));
});

describe('the stand-in’s users', () => {
  it('a field’s type is fixed by its first value, by the number’s text', () =>
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

  it('a wrong type can refuse the whole request: nobody is updated', () =>
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

  it('null removes, objects are replaced or merged, dates are normalised', () =>
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

  it('identities are unique as the project type says, and a conflict names the existing one', () =>
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

  it('email project: an unknown id needs preferUserId, and several people may share one', () =>
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

  it('a deletion shows late, and a stranger is 200 with {}', () =>
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

  it('unknown fields are created or dropped, and named', () =>
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

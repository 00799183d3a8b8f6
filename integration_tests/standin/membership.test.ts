import { describe, expect, it } from '@jest/globals';
import { bulk, call, subscribe, text, withStandin } from './client.ts';

const VIPS = { name: 'VIPs', listType: 'Standard' };

describe('membership', () => {
  it.each([
    ['email', 'emailListIds'],
    ['hybrid', 'userListIds'],
    ['user_id', 'userListIds'],
  ] as const)('shows in look-ups of %s projects as %s', (projectType, field) =>
    withStandin({ projectType, lists: [VIPS, { ...VIPS, name: 'More' }] }, async (standin) => {
      const user = { userId: '1', preferUserId: true };
      await subscribe(standin, 2, [user]);
      await subscribe(standin, 1, [{ ...user, dataFields: { n: 1 } }]);
      expect((await call(standin, 'GET', '/api/users/byUserId/1')).body).toMatchObject({
        user: { dataFields: { n: 1, [field]: [1, 2] } },
      });
      expect(standin.store.listsOf({ userId: '1' })).toEqual([1, 2]);
      expect(standin.store.users()[0]?.dataFields).toEqual({ n: 1 });
    }),
  );

  it('belongs to the profile: it survives a change of address, and ends with a deletion', () =>
    withStandin({ lists: [VIPS] }, async (standin) => {
      await subscribe(standin, 1, [{ email: 'old@x.com', dataFields: { userId: '1' } }]);
      await bulk(standin, [{ userId: '1', dataFields: { email: 'new@x.com' } }]);
      expect(standin.members('VIPs')).toEqual(['new@x.com']);
      await call(standin, 'DELETE', '/api/users/new%40x.com');
      await bulk(standin, [{ email: 'new@x.com' }]);
      expect(standin.members('VIPs')).toEqual([]);
      expect(standin.store.listsOf({ email: 'new@x.com' })).toEqual([]);
    }));

  it('is returned as text, one member per line, and as a count', () =>
    withStandin({ lists: [VIPS] }, async (standin) => {
      await subscribe(standin, 1, [{ email: 'a@x.com', dataFields: { userId: '1' } }, { userId: '2' }]);
      expect(await text(standin, '/api/lists/getUsers?listId=1')).toEqual({
        status: 200,
        type: 'text/plain; charset=utf-8',
        text: 'a@x.com\n2\n',
      });
      expect((await text(standin, '/api/lists/getUsers?listId=1&preferUserId=true')).text).toBe('1\n2\n');
      expect((await text(standin, '/api/lists/1/size')).text).toBe('2');
    }));

  it.each([
    '/api/lists/getUsers',
    '/api/lists/getUsers?listId=9',
    '/api/lists/getUsers?listId=x',
    '/api/lists/getUsers?listId=1&preferUserId=yes',
    '/api/lists/getUsers?listId=1&max=5',
    '/api/lists/9/size',
  ])('%s is refused', (path) =>
    withStandin({ lists: [VIPS] }, async (standin) => {
      expect((await call(standin, 'GET', path)).status).toBe(400);
      expect(standin.unexpected).toHaveLength(1);
    }),
  );

  it.each(['/api/lists/getUsers?listId=1', '/api/lists/1/size'])(
    '%s is limited to five calls a minute',
    async (path) => {
      let now = 0;
      await withStandin({ lists: [VIPS], limitScale: 1, now: () => now }, async (standin) => {
        const statuses: number[] = [];
        for (let n = 0; n < 6; n++) statuses.push((await text(standin, path)).status);
        expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
        expect((await call(standin, 'GET', path)).body.params).toMatchObject({ rateLimitReset: 12 });
        now = 12_000;
        expect((await text(standin, path)).status).toBe(200);
      });
    },
  );
});

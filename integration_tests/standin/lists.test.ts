import { describe, expect, it } from '@jest/globals';
import { bulk, call, failed, subscribe, unsubscribe, withStandin } from './client.ts';
import type { Standin } from './server.ts';

const VIPS = { name: 'VIPs', listType: 'Standard' };

async function create(standin: Standin, name: string): Promise<number> {
  return (await call(standin, 'POST', '/api/lists', { name })).body.listId as number;
}

/** The ids of the lists that a read of all lists shows. */
async function shownIds(standin: Standin): Promise<number[]> {
  const { body } = await call(standin, 'GET', '/api/lists');
  return (body.lists as { id: number }[]).map(({ id }) => id);
}

describe('lists', () => {
  it('are created as static lists, and names may repeat', () =>
    withStandin(
      { now: () => 1234, lists: [{ name: 'VIPs', listType: 'Dynamic', id: 7, createdAt: 5 }] },
      async (standin) => {
        const answer = await call(standin, 'POST', '/api/lists', { name: 'VIPs', description: 'the best' });
        expect(answer).toEqual({ status: 200, body: { listId: 8 } });
        expect((await call(standin, 'GET', '/api/lists')).body.lists).toEqual([
          { id: 7, name: 'VIPs', listType: 'Dynamic', createdAt: 5 },
          { id: 8, name: 'VIPs', listType: 'Standard', createdAt: 1234, description: 'the best' },
        ]);
        expect(() => standin.members('VIPs')).toThrow('2 lists have the name or id VIPs');
        expect(() => standin.members('Others')).toThrow('0 lists have the name or id Others');
        expect(standin.members(8)).toEqual([]);
      },
    ));

  it('are shown after the configured number of reads', () =>
    withStandin({ listVisibleAfterReads: 2, lists: [VIPS] }, async (standin) => {
      await create(standin, 'New');
      expect([await shownIds(standin), await shownIds(standin)]).toEqual([[1], [1]]);
      expect(await shownIds(standin)).toEqual([1, 2]);
    }));

  it.each([
    ['tries', { listUsableAfterTries: 2 }, 0],
    ['time', { listUsableAfterMs: 200 }, 100],
  ])(
    'take subscribers only after %s; earlier calls are not reported as unexpected',
    async (_name, options, tick) => {
      let now = 0;
      await withStandin({ ...options, lists: [VIPS], now: () => now }, async (standin) => {
        const id = await create(standin, 'New');
        const answers = [];
        for (let n = 0; n < 3; n++, now += tick)
          answers.push(await subscribe(standin, id, [{ userId: '1' }]));
        expect(answers.map(({ status }) => status)).toEqual([400, 400, 200]);
        expect(answers[0]?.body).toMatchObject({ code: 'BadParams', params: null });
        expect(answers[0]?.body.msg).toContain('error.lists.invalidListId');
        expect((await subscribe(standin, 1, [{ userId: '1' }])).status).toBe(200);
        expect(standin.unexpected).toEqual([]);
      });
    },
  );

  it.each([
    ['a list without a name', '', { description: 'x' }, 400, 'BadParams'],
    ['an unknown property of a list', '', { name: 'x', listType: 'Standard' }, 400, 'BadParams'],
    ['a list id that is text', '/subscribe', { listId: '1', subscribers: [] }, 400, 'BadParams'],
    ['a list id with a fraction', '/subscribe', '{"listId":1.0,"subscribers":[]}', 400, 'BadParams'],
    ['no subscribers', '/subscribe', { listId: 1 }, 400, 'BadParams'],
    [
      'createNewFields',
      '/subscribe',
      { listId: 1, subscribers: [], createNewFields: true },
      400,
      'BadParams',
    ],
    ['an unknown list', '/subscribe', { listId: 9, subscribers: [] }, 400, 'BadParams'],
    ['a dynamic list', '/subscribe', { listId: 2, subscribers: [] }, 400, 'BadParams'],
    [
      '1,001 subscribers',
      '/subscribe',
      { listId: 1, subscribers: Array.from({ length: 1001 }, (_, n) => ({ userId: `${n}` })) },
      400,
      'BatchTooLarge',
    ],
    [
      'over 4 MB',
      '/subscribe',
      { listId: 1, subscribers: [{ userId: '1', dataFields: { t: 'x'.repeat(4_000_000) } }] },
      413,
      'BatchTooLarge',
    ],
    ['unsubscribing from a dynamic list', '/unsubscribe', { listId: 2, subscribers: [] }, 400, 'BadParams'],
    [
      'data fields in unsubscribe',
      '/unsubscribe',
      { listId: 1, subscribers: [{ userId: '1', dataFields: {} }] },
      400,
      'BadParams',
    ],
    ['a campaign by name', '/unsubscribe', { listId: 1, subscribers: [], campaignId: 'x' }, 400, 'BadParams'],
  ])('%s is refused', (_name, path, body, status, code) =>
    withStandin({ lists: [VIPS, { name: 'Seen lately', listType: 'Dynamic' }] }, async (standin) => {
      const answer = await call(standin, 'POST', `/api/lists${path}`, body);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(standin.unexpected).toHaveLength(1);
      expect(standin.store.size).toBe(0);
      expect(await shownIds(standin)).toEqual([1, 2]);
    }),
  );
});

describe('lists/subscribe', () => {
  it('writes users by the rules of bulkUpdate, and adds those that were written', () =>
    withStandin({ lists: [VIPS], fields: { n: 'long' } }, async (standin) => {
      await bulk(standin, [{ email: 'a@x.com', dataFields: { n: 1, city: 'Rome' } }]);
      standin.store.forgotten.add('gone@x.com');
      const answer = await subscribe(standin, 1, [
        { email: 'A@x.com', dataFields: { n: 2, fresh: true } },
        { userId: '7' },
        { email: 'B@x.com', dataFields: { n: 'two' } },
        { email: '000' },
        { email: 'Gone@x.com' },
        { userId: '8', dataFields: { email: 'a@x.com' } },
      ]);
      expect(answer.body).toMatchObject({ successCount: 2, failCount: 4, createdFields: ['fresh'] });
      expect(failed(answer)).toEqual({
        invalidDataEmails: ['b@x.com'],
        invalidEmails: ['000'],
        forgottenEmails: ['gone@x.com'],
        conflictEmails: ['a@x.com'],
      });
      expect(standin.members('VIPs')).toEqual(['7', 'a@x.com']);
      expect(standin.store.userByEmail('a@x.com')?.dataFields).toEqual({ n: 2, city: 'Rome', fresh: true });
      expect(standin.unexpected).toEqual([]);
    }));

  it('can refuse the whole request for a wrong type, and then adds no user', () =>
    withStandin({ lists: [VIPS], fields: { n: 'long' }, wrongTypeStyle: 'whole' }, async (standin) => {
      const answer = await subscribe(standin, 1, [{ userId: '1' }, { userId: '2', dataFields: { n: 'x' } }]);
      expect([answer.status, answer.body.code]).toEqual([400, 'RequestFieldsTypesMismatched']);
      expect([standin.members('VIPs'), standin.store.size]).toEqual([[], 0]);
    }));

  it.each(['hybrid', 'user_id'] as const)(
    'skips unknown users with updateExistingUsersOnly on %s projects',
    (projectType) =>
      withStandin({ projectType, lists: [VIPS] }, async (standin) => {
        await bulk(standin, [{ userId: '1' }]);
        const answer = await subscribe(standin, 1, [{ userId: '1' }, { userId: '2' }, { email: 'S@x.com' }], {
          updateExistingUsersOnly: true,
        });
        expect(answer.body).toMatchObject({ successCount: 1, failCount: 2 });
        expect(failed(answer)).toEqual({ notFoundUserIds: ['2'], notFoundEmails: ['s@x.com'] });
        expect([standin.members('VIPs'), standin.store.size]).toEqual([['1'], 1]);
      }),
  );

  it('email project: ignores updateExistingUsersOnly, and needs preferUserId for an unknown id', () =>
    withStandin({ projectType: 'email', lists: [VIPS] }, async (standin) => {
      const answer = await subscribe(
        standin,
        1,
        [{ email: 'a@x.com' }, { userId: '1' }, { userId: '2', preferUserId: true }],
        { updateExistingUsersOnly: true },
      );
      expect(failed(answer)).toEqual({ notFoundUserIds: ['1'] });
      expect(standin.members('VIPs')).toEqual(['2@placeholder.email', 'a@x.com']);
    }));

  it('reports a user that is added to two lists concurrently, or updated at the same time', () =>
    withStandin({ lists: [VIPS, { ...VIPS, name: 'More' }], latencyMs: 50 }, async (standin) => {
      const users = [{ userId: '1' }];
      await Promise.all([subscribe(standin, 1, users), subscribe(standin, 2, users)]);
      expect(standin.unexpected).toHaveLength(1);
      await Promise.all([bulk(standin, users), unsubscribe(standin, 2, users)]);
      expect(standin.unexpected).toHaveLength(2);
      await Promise.all([subscribe(standin, 1, users), subscribe(standin, 2, [{ userId: '2' }])]);
      expect(standin.unexpected).toHaveLength(2);
    }));
});

describe('lists/unsubscribe', () => {
  it('removes members; for other users it does nothing and reports them', () =>
    withStandin({ lists: [VIPS] }, async (standin) => {
      await subscribe(standin, 1, [{ email: 'a@x.com' }, { userId: '1' }, { userId: '2' }]);
      await bulk(standin, [{ email: 'off@x.com' }]);
      const answer = await unsubscribe(standin, 1, [
        { email: 'A@x.com' },
        { userId: '1' },
        { userId: '9' },
        { email: 'Off@x.com' },
        { email: '000' },
      ]);
      expect(answer.body).toMatchObject({ successCount: 2, failCount: 3 });
      expect(failed(answer)).toEqual({
        notFoundUserIds: ['9'],
        notFoundEmails: ['off@x.com'],
        invalidEmails: ['000'],
      });
      expect(standin.members('VIPs')).toEqual(['2']);
      expect(standin.store.size).toBe(4);
      expect(standin.unexpected).toEqual([]);
    }));

  it.each([{}, { channelUnsubscribe: true }])(
    'reports %j as unexpected, since it may unsubscribe from the channel',
    (rest) =>
      withStandin({ lists: [VIPS] }, async (standin) => {
        expect((await unsubscribe(standin, 1, [], rest)).status).toBe(200);
        expect(standin.unexpected).toEqual(['lists/unsubscribe: channelUnsubscribe not false']);
      }),
  );
});

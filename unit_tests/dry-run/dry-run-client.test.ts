import { describe, expect, it } from '@jest/globals';
import { ENDPOINTS, type Endpoint } from '../../src/iterable/endpoints.ts';
import { NewFields } from '../../src/dry-run/new-fields.ts';
import { ReadingHttp, DryRunClient } from '../../src/dry-run/dry-run-client.ts';

// No server listens on port 9, so a request that is really sent fails.
const http = () => new ReadingHttp({ baseUrl: 'http://127.0.0.1:9', apiKey: 'key', attemptTimeoutMs: 1_000 });
/** Which lists were changed, for how many users. */
const aCount = (counted: unknown[][] = []) => ({
  countListUsers: ({ name }: Endpoint, listId: number, users: number) => {
    counted.push([name, listId, users]);
  },
});

describe('the Iterable client of a dry run', () => {
  it('sends nothing but GET', async () => {
    for (const endpoint of Object.values(ENDPOINTS)) {
      const sent = http().send({ endpoint, path: '/api/x' });
      await expect(sent).rejects.toThrow(endpoint.method === 'GET' ? 'ECONNREFUSED' : 'A plan only reads');
    }
  });

  it('simulates the answer to every call that writes', async () => {
    const counted: unknown[][] = [];
    const client = new DryRunClient(http(), new NewFields(), aCount(counted));
    const users = '{"users":[{"email":"a@x.com","dataFields":{}}],"createNewFields":true}';
    const members = '{"listId":1,"subscribers":[{"email":"a@x.com"},{"email":"b@x.com"}]}';
    expect(await client.bulkUpdate(Buffer.from(users)).attempt()).toMatchObject({
      successCount: 1,
      failCount: 0,
    });
    expect(await client.subscribe(Buffer.from(members)).attempt()).toMatchObject({ successCount: 2 });
    expect(await client.unsubscribe(Buffer.from(members)).attempt()).toMatchObject({ successCount: 2 });
    expect(counted).toEqual([
      ['lists/subscribe', 1, 2],
      ['lists/unsubscribe', 1, 2],
    ]);
    await expect(client.update('{"email":"a@x.com","dataFields":{}}').attempt()).resolves.toBeUndefined();
    expect(await client.updateEmail('a@x.com', 'c@x.com').attempt()).toBe('changed');
    expect(await client.createList('Red').attempt()).toBe(-1);
    expect(await client.createList('Blue').attempt()).toBe(-2);
    expect(client.createdLists).toEqual(['Red', 'Blue']);
    expect(await client.deleteByUserId('7').attempt()).toBe('deleted');
    expect(await client.deleteByEmail('z@x.com').attempt()).toBe('deleted');
  });

  it('answers a deletion by user id according to whether the user exists, as Iterable does, but not one by address', async () => {
    const asked: string[] = [];
    const client = new DryRunClient(http(), new NewFields(), aCount(), (keys) => {
      asked.push(...keys.map(({ value }) => value));
      return Promise.resolve(new Set([' 7']));
    });
    await client.bulkUpdate(Buffer.from('{"users":[{"userId":"9","dataFields":{}}]}')).attempt();
    const answers = [];
    for (const userId of ['7', '8', '9', '9']) answers.push(await client.deleteByUserId(userId).attempt());
    expect(answers).toEqual(['deleted', 'unknown', 'deleted', 'unknown']);
    expect(await client.deleteByEmail('a@x.com').attempt()).toBe('deleted');
    expect(asked).toEqual(['7', '8']);
  });

  it('no longer finds users after a simulated deletion or change of address, without a request', async () => {
    const client = new DryRunClient(http(), new NewFields(), aCount());
    await client.deleteByEmail('a@x.com').attempt();
    await client.deleteByUserId('7').attempt();
    await client.updateEmail('b@x.com', 'c@x.com').attempt();
    expect(await client.getByEmail('a@x.com').attempt()).toBeUndefined();
    expect(await client.getByUserId('7').attempt()).toBeUndefined();
    expect(await client.getByEmail('b@x.com').attempt()).toBeUndefined();
  });

  it('collects new fields, but no known ones, no identities, and no fields cleared by null', async () => {
    const fields = new NewFields();
    fields.learn(new Map([['home.city', 'string']]));
    const client = new DryRunClient(http(), fields, aCount());
    const dataFields = { home: { city: 'Turin' }, plan: 'gold', gone: null, userId: '7', email: 'a@x.com' };
    await client
      .bulkUpdate(Buffer.from(JSON.stringify({ users: [{ email: 'a@x.com', dataFields }] })))
      .attempt();
    expect(fields.names).toEqual(['plan']);
  });
});

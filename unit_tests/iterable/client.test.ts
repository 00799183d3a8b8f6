import { describe, expect, it } from '@jest/globals';
import { NoAnswerError } from '../../src/iterable/errors.ts';
import { aClient, answered, refusal, type Answer, type Ask } from '../support/fake-http.ts';

const A = 'a+b/c%d?e#f@x.com';
const JSON_TEXT = '{"users":[]}';
const BODY = Buffer.from(JSON_TEXT);

const PLAIN = { code: 'Success', msg: '' };
const BULK = { successCount: 0, failCount: 0 };
/** `limit` names the endpoint whose rate limit applies. */
const OPERATIONS: Record<string, { ask: Ask; sends: string; answer: Answer; limit: string }> = {
  getFields: {
    limit: 'users/getFields',
    ask: (client) => client.getFields(),
    sends: 'GET /api/users/getFields',
    answer: { fields: {} },
  },
  getLists: {
    limit: 'lists',
    ask: (client) => client.getLists(),
    sends: 'GET /api/lists',
    answer: { lists: [] },
  },
  createList: {
    limit: 'lists',
    ask: (client) => client.createList('Big "spenders"'),
    sends: 'POST /api/lists {"name":"Big \\"spenders\\""}',
    answer: { listId: 1 },
  },
  subscribe: {
    limit: 'lists/subscribe',
    ask: (client) => client.subscribe(BODY),
    sends: `POST /api/lists/subscribe ${JSON_TEXT}`,
    answer: BULK,
  },
  unsubscribe: {
    limit: 'lists/unsubscribe',
    ask: (client) => client.unsubscribe(BODY),
    sends: `POST /api/lists/unsubscribe ${JSON_TEXT}`,
    answer: BULK,
  },
  bulkUpdate: {
    limit: 'users/bulkUpdate',
    ask: (client) => client.bulkUpdate(BODY),
    sends: `POST /api/users/bulkUpdate ${JSON_TEXT}`,
    answer: BULK,
  },
  update: {
    limit: 'users/update',
    ask: (client) => client.update('{}'),
    sends: 'POST /api/users/update {}',
    answer: PLAIN,
  },
  updateEmail: {
    limit: 'users/updateEmail',
    ask: (client) => client.updateEmail('old@x.com', 'new@x.com'),
    sends: 'POST /api/users/updateEmail {"currentEmail":"old@x.com","newEmail":"new@x.com"}',
    answer: PLAIN,
  },
  getByEmail: {
    limit: 'users/getByEmail',
    ask: (client) => client.getByEmail(A),
    sends: `GET /api/users/getByEmail?email=${A}`,
    answer: {},
  },
  getByUserId: {
    limit: 'users/byUserId',
    ask: (client) => client.getByUserId('u 1'),
    sends: 'GET /api/users/byUserId?userId=u 1',
    answer: {},
  },
  deleteByEmail: {
    limit: 'users/{email}',
    ask: (client) => client.deleteByEmail(A),
    sends: 'DELETE /api/users/a%2Bb%2Fc%25d%3Fe%23f%40x.com',
    answer: PLAIN,
  },
  deleteByUserId: {
    limit: 'users/byUserId/{userId}',
    ask: (client) => client.deleteByUserId('u/1'),
    sends: 'DELETE /api/users/byUserId/u%2F1',
    answer: PLAIN,
  },
  exportUsers: {
    limit: 'export/data.json',
    ask: (client) => client.exportUsers(['email', 'userId'], () => ({ add: () => undefined, done: () => 0 })),
    sends: 'GET /api/export/data.json?dataTypeName=user&range=All&onlyFields=email&onlyFields=userId',
    answer: [],
  },
};

describe('each operation', () => {
  it.each(Object.entries(OPERATIONS))(
    '%s sends one call in the documented format',
    async (_name, { ask, sends, answer, limit }) => {
      const { client, calls } = aClient(answer);
      const operation = ask(client);
      expect(calls).toEqual([]);
      await operation.attempt();
      const sent = calls.map(({ endpoint, path, query, body }) => {
        const parameters = query ? `?${query.map(([name, value]) => `${name}=${value}`).join('&')}` : '';
        return `${endpoint.method} ${path}${parameters}${body === undefined ? '' : ` ${body.toString()}`}`;
      });
      expect(sent).toEqual([sends]);
      // The operation is paced by the rate limit of the endpoint that it calls.
      expect(calls[0]?.endpoint).toBe(operation.endpoint);
      expect(operation.endpoint.name).toBe(limit);
    },
  );

  it.each(Object.entries(OPERATIONS).filter(([name]) => name !== 'exportUsers'))(
    '%s fails with NoAnswerError if the answer has another format',
    async (_name, { ask }) => {
      for (const answer of [
        [],
        'text',
        null,
        { fields: 1, lists: 1, listId: 'x', code: 1, user: 1, successCount: '1' },
      ])
        expect(await answered(ask, answer)).toBeInstanceOf(NoAnswerError);
    },
  );

  it.each(Object.entries(OPERATIONS))(
    '%s throws an error that does not mean an unknown user',
    async (_name, { ask }) => {
      for (const error of [
        refusal(500, 'UnknownEmailError'),
        refusal(401, 'BadApiKey'),
        refusal(404, undefined, '', false),
        new NoAnswerError('x', 'the connection failed'),
      ])
        expect(await answered(ask, error)).toBe(error);
    },
  );
});

import { describe, expect, it } from '@jest/globals';
import { IterableClient, type Operation } from '../../src/iterable/client.ts';
import { ApiError, NoAnswerError } from '../../src/iterable/errors.ts';
import type { Call, IterableHttp } from '../../src/iterable/http.ts';

const A = 'a+b/c%d?e#f@x.com';
const JSON_TEXT = '{"users":[]}';
const BODY = Buffer.from(JSON_TEXT);

/** What Iterable answers: JSON, lines of an export, or an error. */
type Answer = unknown;

/** A client whose calls are noted, and answered in order. */
function aClient(...answers: Answer[]) {
  const calls: Call[] = [];
  const next = (call: Call) => {
    calls.push(call);
    const answer = answers.shift();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const http: Pick<IterableHttp, 'send' | 'streamLines' | 'noAnswer'> = {
    send: next,
    streamLines: async (call, onLine) => {
      for (const line of (await next(call)) as string[]) onLine(line);
    },
    noAnswer: ({ name }, what) => new NoAnswerError(name, what),
  };
  return { client: new IterableClient(http as IterableHttp), calls };
}

type Ask = (client: IterableClient) => Operation<unknown>;

async function answered(ask: Ask, answer: Answer): Promise<unknown> {
  try {
    return await ask(aClient(answer).client).attempt();
  } catch (error) {
    return error;
  }
}

function refusal(status: number, apiCode?: string, apiMessage = '', isOfIterable = true): ApiError {
  return new ApiError('x', { status, apiCode, apiMessage, isOfIterable });
}

const PLAIN = { code: 'Success', msg: '' };
const BULK = { successCount: 0, failCount: 0 };
const OPERATIONS: Record<string, { ask: Ask; sends: string; answer: Answer }> = {
  getFields: {
    ask: (client) => client.getFields(),
    sends: 'GET /api/users/getFields',
    answer: { fields: {} },
  },
  getLists: { ask: (client) => client.getLists(), sends: 'GET /api/lists', answer: { lists: [] } },
  createList: {
    ask: (client) => client.createList('Big "spenders"'),
    sends: 'POST /api/lists {"name":"Big \\"spenders\\""}',
    answer: { listId: 1 },
  },
  subscribe: {
    ask: (client) => client.subscribe(BODY),
    sends: `POST /api/lists/subscribe ${JSON_TEXT}`,
    answer: BULK,
  },
  unsubscribe: {
    ask: (client) => client.unsubscribe(BODY),
    sends: `POST /api/lists/unsubscribe ${JSON_TEXT}`,
    answer: BULK,
  },
  bulkUpdate: {
    ask: (client) => client.bulkUpdate(BODY),
    sends: `POST /api/users/bulkUpdate ${JSON_TEXT}`,
    answer: BULK,
  },
  update: { ask: (client) => client.update('{}'), sends: 'POST /api/users/update {}', answer: PLAIN },
  updateEmail: {
    ask: (client) => client.updateEmail('old@x.com', 'new@x.com'),
    sends: 'POST /api/users/updateEmail {"currentEmail":"old@x.com","newEmail":"new@x.com"}',
    answer: PLAIN,
  },
  getByEmail: {
    ask: (client) => client.getByEmail(A),
    sends: `GET /api/users/getByEmail?email=${A}`,
    answer: {},
  },
  getByUserId: {
    ask: (client) => client.getByUserId('u 1'),
    sends: 'GET /api/users/byUserId?userId=u 1',
    answer: {},
  },
  deleteByEmail: {
    ask: (client) => client.deleteByEmail(A),
    sends: 'DELETE /api/users/a%2Bb%2Fc%25d%3Fe%23f%40x.com',
    answer: PLAIN,
  },
  deleteByUserId: {
    ask: (client) => client.deleteByUserId('u/1'),
    sends: 'DELETE /api/users/byUserId/u%2F1',
    answer: PLAIN,
  },
  exportUsers: {
    ask: (client) => client.exportUsers(['email', 'userId'], () => ({ add: () => undefined, done: () => 0 })),
    sends: 'GET /api/export/data.json?dataTypeName=user&range=All&onlyFields=email&onlyFields=userId',
    answer: [],
  },
};

describe('each operation', () => {
  it.each(Object.entries(OPERATIONS))(
    '%s sends one call, as Iterable has it',
    async (_name, { ask, sends, answer }) => {
      const { client, calls } = aClient(answer);
      const operation = ask(client);
      expect(calls).toEqual([]);
      await operation.attempt();
      const sent = calls.map(({ endpoint, path, query, body }) => {
        const parameters = query ? `?${query.map(([name, value]) => `${name}=${value}`).join('&')}` : '';
        return `${endpoint.method} ${path}${parameters}${body === undefined ? '' : ` ${body.toString()}`}`;
      });
      expect(sent).toEqual([sends]);
      // The rate limit that is waited for is that of the call that is made.
      expect(calls[0]?.endpoint).toBe(operation.endpoint);
    },
  );

  it.each(Object.entries(OPERATIONS).filter(([name]) => name !== 'exportUsers'))(
    '%s takes no answer for one that is not what the API promises',
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
    '%s hands on an error that is nobody’s in particular',
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

describe('an answer', () => {
  const { createList, getByEmail, getByUserId, updateEmail, update, deleteByEmail, deleteByUserId } =
    OPERATIONS;
  const UNKNOWN = refusal(400, 'BadParams', 'User does not exist. Email:  UserId: 17');
  it.each<[string, Ask | undefined, Answer, unknown]>([
    [
      'of fields is a map',
      (client) => client.getFields(),
      { fields: { 'a.b': 'long' } },
      new Map([['a.b', 'long']]),
    ],
    ['of a list that was created is its id', createList?.ask, { listId: 7 }, 7],
    ['to an update is nothing', update?.ask, PLAIN, undefined],
    ['to a look-up is the user', getByEmail?.ask, { user: { email: 'a@x.com' } }, { email: 'a@x.com' }],
    ['to a look-up of nobody is nobody', getByEmail?.ask, {}, undefined],
    ['to a look-up of nobody may be a null', getByUserId?.ask, { user: null }, undefined],
    ['that the user is unknown is nobody', getByUserId?.ask, UNKNOWN, undefined],
    [
      'that no user can have the address is nobody',
      getByEmail?.ask,
      refusal(400, 'InvalidEmailAddressError'),
      undefined,
    ],
    ['that the parameter is bad is nobody', getByUserId?.ask, refusal(400, 'BadParams'), undefined],
    ['that the user is forgotten is nobody', getByEmail?.ask, refusal(409, 'ForgottenUserError'), undefined],
    ['to a deletion is that', deleteByEmail?.ask, PLAIN, 'deleted'],
    ['to a deletion by id is that', deleteByUserId?.ask, PLAIN, 'deleted'],
    ['to a deletion of nobody says so', deleteByUserId?.ask, UNKNOWN, 'unknown'],
    ['to a deletion of nobody may be a 404', deleteByUserId?.ask, refusal(404), 'unknown'],
    ['to a change of address is that', updateEmail?.ask, PLAIN, 'changed'],
    [
      'to a change of an unknown address says so',
      updateEmail?.ask,
      refusal(400, 'UnknownEmailError'),
      'unknown',
    ],
    [
      'to a change to an address that is there says so',
      updateEmail?.ask,
      refusal(400, 'EmailAlreadyExists'),
      'taken',
    ],
  ])('%s', async (_name, ask, answer, expected) => {
    expect(ask && (await answered(ask, answer))).toEqual(expected);
  });

  it.each<[string, Ask | undefined, ApiError]>([
    [
      'a deletion that is refused for another reason',
      deleteByUserId?.ask,
      refusal(400, 'BadParams', 'Invalid userId'),
    ],
    ['a deletion of a forgotten user', deleteByEmail?.ask, refusal(409, 'ForgottenUserError')],
    ['a change to no address', updateEmail?.ask, refusal(400, 'InvalidEmailAddressError')],
    ['an update of an unknown user', update?.ask, refusal(404, 'NotFound')],
  ])('to %s is an error', async (_name, ask, error) => {
    expect(ask && (await answered(ask, error))).toBe(error);
  });

  it.each<[string, Ask]>([
    ['is too long', (client) => client.getByUserId('u'.repeat(4_097))],
    ['has half of a surrogate pair', (client) => client.getByEmail('a\ud83d@x.com')],
  ])('is not waited for where what is looked up %s: no URL can say it', async (_name, ask) => {
    const { client, calls } = aClient();
    expect(await ask(client).attempt()).toBeUndefined();
    expect(calls).toEqual([]);
  });
});

describe('an export', () => {
  /** Gives what a fresh list of the users has at the end. */
  const collecting: Ask = (client) =>
    client.exportUsers(['email'], () => {
      const users: unknown[] = [];
      return { add: ({ email, userId }) => users.push([email, userId]), done: () => users };
    });

  it('gives each user, whatever else a line says, and passes over blank lines', async () => {
    const lines = ['{"email":"a@x.com","x":1}', '', ' ', '{"userId":"u1","email":null}', '{}'];
    expect(await answered(collecting, lines)).toEqual([['a@x.com', undefined], [null, 'u1'], [undefined, undefined]]); // prettier-ignore
  });

  it.each([['{"email":'], ['[]'], ['{"email":7}']])('has no usable answer with the line %s', async (line) => {
    const { message } = (await answered(collecting, ['{"email":"a@x.com"}', line])) as Error;
    expect(message).toBe(
      'Iterable gave no usable answer to export/data.json: a line of the answer is not what the API promises',
    );
  });

  it('begins anew with each attempt', async () => {
    const { client } = aClient(['{"email":"a@x.com"}', '?'], ['{"email":"b@x.com"}']);
    const operation = collecting(client);
    await expect(operation.attempt()).rejects.toThrow(NoAnswerError);
    expect(await operation.attempt()).toEqual([['b@x.com', undefined]]);
  });
});

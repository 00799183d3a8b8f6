import { describe, expect, it } from '@jest/globals';
import { NoAnswerError, type ApiError } from '../../src/iterable/errors.ts';
import { aClient, answered, refusal, type Answer, type Ask } from '../support/fake-http.ts';

const PLAIN = { code: 'Success', msg: '' };
const createList: Ask = (client) => client.createList('VIP');
const getByEmail: Ask = (client) => client.getByEmail('a@x.com');
const getByUserId: Ask = (client) => client.getByUserId('17');
const updateEmail: Ask = (client) => client.updateEmail('old@x.com', 'new@x.com');
const update: Ask = (client) => client.update('{}');
const deleteByEmail: Ask = (client) => client.deleteByEmail('a@x.com');
const deleteByUserId: Ask = (client) => client.deleteByUserId('17');

describe('an answer', () => {
  const UNKNOWN = refusal(400, 'BadParams', 'User does not exist. Email:  UserId: 17');
  it.each<[string, Ask, Answer, unknown]>([
    [
      'with fields is a map',
      (client) => client.getFields(),
      { fields: { 'a.b': 'long' } },
      new Map([['a.b', 'long']]),
    ],
    ['to the creation of a list is its id', createList, { listId: 7 }, 7],
    ['to an update is undefined', update, PLAIN, undefined],
    ['to a look-up is the user', getByEmail, { user: { email: 'a@x.com' } }, { email: 'a@x.com' }],
    ['to a look-up without a user is undefined', getByEmail, {}, undefined],
    ['to a look-up with a null user is undefined', getByUserId, { user: null }, undefined],
    ['that the user is unknown is undefined', getByUserId, UNKNOWN, undefined],
    ['that the address is unknown is undefined', getByEmail, refusal(400, 'UnknownEmailError'), undefined],
    ['to a look-up with status 404 is undefined', getByUserId, refusal(404), undefined],
    [
      'that the address is malformed is undefined',
      getByEmail,
      refusal(400, 'InvalidEmailAddressError'),
      undefined,
    ],
    ['that the parameter is bad is undefined', getByUserId, refusal(400, 'BadParams'), undefined],
    ['that the user is forgotten is undefined', getByEmail, refusal(409, 'ForgottenUserError'), undefined],
    ['to a deletion is "deleted"', deleteByEmail, PLAIN, 'deleted'],
    ['to a deletion by id is "deleted"', deleteByUserId, PLAIN, 'deleted'],
    ['to a deletion of an unknown user is "unknown"', deleteByUserId, UNKNOWN, 'unknown'],
    ['to a deletion with status 404 is "unknown"', deleteByUserId, refusal(404), 'unknown'],
    ['to a change of address is "changed"', updateEmail, PLAIN, 'changed'],
    [
      'to a change of an unknown address is "unknown"',
      updateEmail,
      refusal(400, 'UnknownEmailError'),
      'unknown',
    ],
    [
      'to a change to an existing address is "taken"',
      updateEmail,
      refusal(400, 'EmailAlreadyExists'),
      'taken',
    ],
  ])('%s', async (_name, ask, answer, expected) => {
    expect(await answered(ask, answer)).toEqual(expected);
  });

  it.each<[string, Ask, ApiError]>([
    [
      'a deletion that is refused for another reason',
      deleteByUserId,
      refusal(400, 'BadParams', 'Invalid userId'),
    ],
    ['a deletion of a forgotten user', deleteByEmail, refusal(409, 'ForgottenUserError')],
    ['a change to a malformed address', updateEmail, refusal(400, 'InvalidEmailAddressError')],
    ['an update of an unknown user', update, refusal(404, 'NotFound')],
  ])('to %s is an error', async (_name, ask, error) => {
    expect(await answered(ask, error)).toBe(error);
  });

  it.each<[string, Ask]>([
    ['is too long', (client) => client.getByUserId('u'.repeat(4_097))],
    ['has half of a surrogate pair', (client) => client.getByEmail('a\ud83d@x.com')],
  ])('needs no call if the value to look up %s, which no URL can hold', async (_name, ask) => {
    const { client, calls } = aClient();
    expect(await ask(client).attempt()).toBeUndefined();
    expect(calls).toEqual([]);
  });
});

describe('an export', () => {
  /** Collects the identities of all users in a list. */
  const collecting: Ask = (client) =>
    client.exportUsers(['email'], () => {
      const users: unknown[] = [];
      return { add: ({ email, userId }) => users.push([email, userId]), done: () => users };
    });

  it('passes on each user, ignoring other properties and blank lines', async () => {
    const lines = ['{"email":"a@x.com","x":1}', '', ' ', '{"userId":"u1","email":null}', '{}'];
    expect(await answered(collecting, lines)).toEqual([['a@x.com', undefined], [null, 'u1'], [undefined, undefined]]); // prettier-ignore
  });

  it.each([['{"email":'], ['[]'], ['{"email":7}']])('has no usable answer with the line %s', async (line) => {
    const { message } = (await answered(collecting, ['{"email":"a@x.com"}', line])) as Error;
    expect(message).toBe(
      'Iterable gave no usable answer to export/data.json: a line of the answer is not what the API promises',
    );
  });

  it('starts with a fresh collector in each attempt', async () => {
    const { client } = aClient(['{"email":"a@x.com"}', '?'], ['{"email":"b@x.com"}']);
    const operation = collecting(client);
    await expect(operation.attempt()).rejects.toThrow(NoAnswerError);
    expect(await operation.attempt()).toEqual([['b@x.com', undefined]]);
  });
});

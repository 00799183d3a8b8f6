import { describe, expect, it } from '@jest/globals';
import { TextPages } from '../../src/batching/text-pages.ts';
import type { UserRequest } from '../../src/batching/user-request.ts';
import { readBulkAnswer } from '../../src/delivery/read-bulk-answer.ts';
import { readRefusal } from '../../src/delivery/refusals.ts';
import { ApiError } from '../../src/iterable/errors.ts';
import { bulkAnswerSchema } from '../../src/iterable/schemas.ts';

function aUser(email: string, dataFields: Record<string, unknown> = {}): UserRequest {
  const { email: newEmail, userId: newUserId } = dataFields;
  return {
    key: { kind: 'email', value: email },
    ...new TextPages().store(JSON.stringify({ email, dataFields })),
    ...(typeof newEmail === 'string' ? { newEmail } : {}),
    ...(typeof newUserId === 'string' ? { newUserId } : {}),
  };
}

const [A, B, C] = [aUser('a@x', { userId: '1' }), aUser('b@x'), aUser('c@x', { email: 'new@x' })];
const GROUP = [A, B, C];

/** The outcome that is read from the answer: its kind, and the code for each user that it names. */
function read(answer: Record<string, unknown>) {
  const outcome = readBulkAnswer(GROUP, bulkAnswerSchema.parse(answer));
  const named = outcome.kind === 'refused' ? outcome.guilty : outcome.rejected;
  return [outcome.kind, Object.fromEntries([...named].map(([user, { code }]) => [user.key.value, code]))];
}

describe('readBulkAnswer', () => {
  it.each([
    ['all delivered', { successCount: 3, failCount: 0 }, ['settled', {}]],
    [
      'a list names a failed user',
      { successCount: 2, failCount: 1, failedUpdates: { invalidEmails: ['B@x'] } },
      ['settled', { 'b@x': 'invalid_email' }],
    ],
    [
      'a deprecated list alone',
      { successCount: 2, failCount: 1, invalidEmails: ['b@x'] },
      ['settled', { 'b@x': 'invalid_email' }],
    ],
    [
      'a deprecated list beside the reason',
      { successCount: 2, failCount: 1, invalidEmails: ['b@x'], failedUpdates: { forgottenEmails: ['b@x'] } },
      ['settled', { 'b@x': 'forgotten' }],
    ],
    [
      'a malformed address in the data fields',
      { successCount: 2, failCount: 1, failedUpdates: { invalidEmails: ['new@x'] } },
      ['settled', { 'c@x': 'invalid_email' }],
    ],
    [
      'a conflict names the new id of a user',
      { successCount: 2, failCount: 1, failedUpdates: { conflictUserIds: ['1'] } },
      ['settled', { 'a@x': 'conflict' }],
    ],
    [
      'a conflict names a user of the batch that did not cause it',
      { successCount: 2, failCount: 1, failedUpdates: { conflictEmails: ['b@x'] } },
      ['unexplained', {}],
    ],
    ['a count that no list explains', { successCount: 2, failCount: 1 }, ['unexplained', {}]],
    [
      'a count larger than the lists',
      { successCount: 1, failCount: 2, failedUpdates: { forgottenEmails: ['a@x'] } },
      ['unexplained', { 'a@x': 'forgotten' }],
    ],
    ['fewer successes than users, and no failure', { successCount: 2, failCount: 0 }, ['unexplained', {}]],
    [
      'a list that names a user outside the batch',
      { successCount: 2, failCount: 1, failedUpdates: { invalidDataEmails: ['z@x'] } },
      ['unexplained', {}],
    ],
  ])('%s', (_name, answer, expected) => {
    expect(read(answer)).toEqual(expected);
  });
});

describe('readRefusal', () => {
  const refusal = (params: unknown) =>
    new ApiError('users/bulkUpdate', {
      status: 400,
      apiCode: 'RequestFieldsTypesMismatched',
      apiMessage: 'no',
      params,
    });
  const users = [
    aUser('a@x', { plan: { level: 'high' } }),
    aUser('b@x', { plan: { level: 3 } }),
    aUser('c@x', { plan: { level: ['low', 'high'] } }),
  ];

  it('names the users whose field holds the offending value, also inside an array', () => {
    const outcome = readRefusal(
      users,
      refusal({ validationErrors: { 'plan.level': { expectedType: 'long', offendingValue: 'high' } } }),
    );
    expect([...outcome.guilty.keys()].map(({ key }) => key.value)).toEqual(['a@x', 'c@x']);
  });

  it('names no user if the answer has no offending value, but names the field', () => {
    const outcome = readRefusal(
      users,
      refusal({ validationErrors: { 'plan.level': { expectedType: 'long' } } }),
    );
    expect(outcome).toMatchObject({
      kind: 'refused',
      guilty: new Map(),
      reason: { code: 'invalid_data', field: 'plan.level' },
    });
  });
});

import { describe, expect, it } from '@jest/globals';
import { TextPages } from '../../src/batching/text-pages.ts';
import { buildUserRequest } from '../../src/batching/user-request.ts';
import { readRefusal, rejectionOf } from '../../src/delivery/refusals.ts';
import { ApiError } from '../../src/iterable/errors.ts';

const users = ['a', 'b', 'c'].map((name) =>
  buildUserRequest(
    { kind: 'email', value: `${name}@x.com` },
    {},
    { mergeNestedObjects: true, preferUserId: false },
    new TextPages(),
  ),
);

function failure(apiCode: string | undefined, params?: unknown, status = 400): ApiError {
  return new ApiError('users/bulkUpdate', { status, apiCode, apiMessage: 'said', params });
}

/** The positions of the guilty users, each with its rejection. */
function guiltyOf(params: unknown, group = users) {
  const { guilty } = readRefusal(group, failure('BadJsonBody', params));
  return [...guilty].map(([user, { code, field, answer }]) => [group.indexOf(user), code, field, answer]);
}

describe('a body that Iterable can’t read', () => {
  it.each([
    [
      'the path of a flag',
      { 'obj.users[1].preferUserId': 'Boolean value expected' },
      [[1, 'refused', undefined, 'obj.users[1].preferUserId: Boolean value expected']],
    ],
    [
      'several paths, of a list call',
      { 'obj.subscribers[0].email': 'no', 'obj.subscribers[2]': 'no' },
      [
        [0, 'refused', undefined, 'obj.subscribers[0].email: no'],
        [2, 'refused', undefined, 'obj.subscribers[2]: no'],
      ],
    ],
    [
      'a data field',
      { 'obj.users[2].dataFields.address.n': 'no' },
      [[2, 'invalid_data', 'address.n', 'obj.users[2].dataFields.address.n: no']],
    ],
    [
      'one user twice',
      { 'obj.users[0].userId': 'no', 'obj.users[0].email': 'no' },
      [[0, 'refused', undefined, 'obj.users[0].userId: no']],
    ],
    ['a position beyond the group', { 'obj.users[3].email': 'no' }, []],
    ['a property of the call', { 'obj.createNewFields': 'no' }, []],
    ['an array inside another property', { 'obj.meta.users[0]': 'no' }, []],
    ['no path', null, []],
    ['params in another format', ['obj.users[0]'], []],
  ])('%s', (_name, params, expected) => {
    expect(guiltyOf(params)).toEqual(expected);
  });

  it('reads the path without a position that a call for one user has', () => {
    expect(guiltyOf({ 'obj.dataFields.level': 'no' }, users.slice(0, 1))).toEqual([
      [0, 'invalid_data', 'level', 'obj.dataFields.level: no'],
    ]);
    expect(guiltyOf({ 'obj.dataFields.level': 'no' })).toEqual([]);
    expect(guiltyOf({ 'obj.createNewFields': 'no' }, users.slice(0, 1))).toEqual([]);
  });
});

describe('rejectionOf', () => {
  it.each([
    [
      'ForgottenUserError',
      400,
      'forgotten',
      'Iterable answered users/bulkUpdate with HTTP 400 (ForgottenUserError)',
    ],
    [
      'ForgottenUserError',
      409,
      'forgotten',
      'Iterable answered users/bulkUpdate with HTTP 409 (ForgottenUserError)',
    ],
    [
      'EmailAlreadyExists',
      400,
      'conflict',
      'Iterable answered users/bulkUpdate with HTTP 400 (EmailAlreadyExists)',
    ],
    [
      'ExternalKeyConflict',
      409,
      'conflict',
      'Iterable answered users/bulkUpdate with HTTP 409 (ExternalKeyConflict)',
    ],
    [undefined, 413, 'too_large', 'Iterable answered users/bulkUpdate with HTTP 413'],
    [
      'BrandNew',
      400,
      'refused',
      'Iterable answered users/bulkUpdate with HTTP 400 (BrandNew), a code that this version of the connector does not know',
    ],
    [
      undefined,
      409,
      'refused',
      'Iterable answered users/bulkUpdate with HTTP 409, without a code that says why',
    ],
  ])('%s with %i: %s', (apiCode, status, code, reason) => {
    expect(rejectionOf(failure(apiCode, undefined, status))).toEqual({ code, reason, answer: 'said' });
  });
});

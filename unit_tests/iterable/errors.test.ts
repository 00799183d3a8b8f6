import { describe, expect, it } from '@jest/globals';
import {
  ApiError,
  isApiCode,
  isImpossibleUser,
  isUnknownUser,
  NoAnswerError,
} from '../../src/iterable/errors.ts';

function failure(status: number, apiCode?: string, apiMessage = '', isOfIterable = true): ApiError {
  return new ApiError('users/{email}', { status, apiCode, apiMessage, isOfIterable });
}

const RECORDED = 'User does not exist. Email:  UserId: 17';

describe('isUnknownUser', () => {
  it.each([
    ['the codes that say so', failure(400, 'UnknownEmailError'), true],
    ['the codes that say so', failure(400, 'UnknownUserIdError'), true],
    ['a 404 from Iterable', failure(404, 'NotFound'), true],
    ['a 404 from Iterable without a code', failure(404, undefined, 'no'), true],
    ['the recorded 400', failure(400, 'BadParams', RECORDED), true],
    ['a 404 from something else', failure(404, undefined, '', false), false],
    ['a 400 with another message', failure(400, 'BadParams', 'Invalid userId: 17'), false],
    ['a 400 without a message', failure(400, 'BadParams'), false],
    ['the recorded message with another code', failure(400, 'GenericError', RECORDED), false],
    ['the recorded message with another status', failure(403, 'BadParams', RECORDED), false],
    ['an outage', failure(500, 'UnknownEmailError', RECORDED), false],
    ['an erased user', failure(409, 'ForgottenUserError', 'User has been forgotten'), false],
    ['a conflict', failure(400, 'EmailAlreadyExists'), false],
    ['an unknown code', failure(400, 'BrandNew', 'no'), false],
  ])('%s: %s', (_name, error, expected) => {
    expect(isUnknownUser(error)).toBe(expected);
  });
});

describe('isImpossibleUser', () => {
  it.each([
    [failure(400, 'BadParams'), true],
    [failure(400, 'InvalidEmailAddressError'), true],
    [failure(400, 'InvalidUserIdError'), true],
    [failure(400, 'ForgottenUserError'), true],
    [failure(409, 'ForgottenUserError'), true],
    [failure(409, 'BadParams'), false],
    [failure(500, 'ForgottenUserError'), false],
    [failure(400, 'BrandNew'), false],
    [failure(400, undefined, '', false), false],
  ])('%s: %s', (error, expected) => {
    expect(isImpossibleUser(error)).toBe(expected);
  });
});

describe('an error’s message', () => {
  it.each<[string, Error, string]>([
    [
      'names the code',
      failure(400, 'BadParams', 'secret@x.com'),
      'Iterable answered users/{email} with HTTP 400 (BadParams)',
    ],
    [
      'leaves out a missing code',
      failure(500, undefined, 'secret@x.com'),
      'Iterable answered users/{email} with HTTP 500',
    ],
    [
      'says that the answer is not from Iterable',
      failure(403, undefined, '', false),
      "The answer to users/{email} was HTTP 403, without Iterable's own body",
    ],
    [
      'names the proxy',
      new ApiError('lists', { status: 502, apiMessage: '', via: ' through the proxy p:1' }),
      'Iterable answered lists through the proxy p:1 with HTTP 502',
    ],
    [
      'names the proxy, also if the answer is not from Iterable',
      new ApiError('lists', {
        status: 502,
        apiMessage: '',
        isOfIterable: false,
        via: ' through the proxy p:1',
      }),
      "The answer to lists through the proxy p:1 was HTTP 502, without Iterable's own body",
    ],
    [
      'says what came instead of an answer',
      new NoAnswerError('lists', 'the connection failed'),
      'Iterable gave no usable answer to lists: the connection failed',
    ],
  ])('%s, and does not quote the answer', (_name, { message }, expected) => {
    expect(message).toBe(expected);
  });
});

it.each([
  ['BadParams', true],
  ['Success', true],
  ['badparams', false],
  ['', false],
  [undefined, false],
  [7, false],
])('%s is a code of Iterable: %s', (code, expected) => {
  expect(isApiCode(code)).toBe(expected);
});

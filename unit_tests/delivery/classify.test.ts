import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { classify, mayBeWrongHost, meaningOf } from '../../src/delivery/classify.ts';
import { API_CODES, ApiError, NoAnswerError } from '../../src/iterable/errors.ts';

/** From Iterable's documentation: the statuses that each code comes with. `Success` comes with any. */
const CODES: readonly [code: string, statuses: readonly number[], cause: string, action: string][] = [
  ['BadApiKey', [401], 'key', 'stop'],
  ['BadAuthorizationHeader', [401], 'key', 'stop'],
  ['BadJsonBody', [400], 'call', 'narrow'],
  ['BadParams', [400], 'record', 'narrow'],
  ['BatchTooLarge', [400, 413], 'call', 'halve'],
  ['DatabaseError', [400, 500], 'transient', 'retry'],
  ['EmailAlreadyExists', [400, 409], 'record', 'narrow'],
  ['ExternalKeyConflict', [409], 'record', 'narrow'],
  ['Forbidden', [400, 403], 'key', 'stop'],
  ['ForbiddenParamsError', [403], 'key', 'stop'],
  ['ForgottenUserError', [400, 409], 'record', 'narrow'],
  ['GenericError', [400, 409, 422], 'unknown', 'narrow'],
  ['GenericError', [500, 502, 503], 'transient', 'retry'],
  ['InvalidEmailAddressError', [400], 'record', 'narrow'],
  ['InvalidJwtPayload', [400, 401], 'key', 'stop'],
  ['InvalidUserIdError', [400], 'record', 'narrow'],
  ['JwtUserIdentifiersMismatched', [400, 401], 'key', 'stop'],
  ['NotFound', [404], 'project', 'stop'],
  ['QueueEmailError', [400, 500], 'transient', 'retry'],
  ['RateLimitExceeded', [429], 'transient', 'retry'],
  ['RequestFieldsTypesMismatched', [400], 'record', 'narrow'],
  ['Success', [400, 409], 'unknown', 'narrow'],
  ['Success', [401, 403], 'key', 'stop'],
  ['Success', [500], 'transient', 'retry'],
  ['Unauthorized', [401], 'key', 'stop'],
  ['UniqueFieldsLimitExceeded', [400], 'project', 'stop'],
  ['UnknownEmailError', [400], 'record', 'narrow'],
  ['UnknownUserIdError', [400], 'record', 'narrow'],
  ['UserIdAlreadyExists', [400, 409], 'record', 'narrow'],
  // A code that a future version of Iterable might add.
  ['BrandNewError', [400, 402, 409, 422, 499], 'unknown', 'narrow'],
  ['BrandNewError', [401, 403], 'key', 'stop'],
  ['BrandNewError', [404], 'project', 'stop'],
  ['BrandNewError', [500, 503], 'transient', 'retry'],
];

/** Answers without a code: in Iterable's format, and in any other. */
const STATUSES: readonly [status: number, ofIterable: string, ofOthers: string][] = [
  [301, 'project stop', 'intermediary retry'],
  [302, 'project stop', 'intermediary retry'],
  [304, 'project stop', 'intermediary retry'],
  [307, 'project stop', 'intermediary retry'],
  [308, 'project stop', 'intermediary retry'],
  [400, 'unknown narrow', 'intermediary retry'],
  [401, 'key stop', 'intermediary retry'],
  [402, 'unknown narrow', 'intermediary retry'],
  [403, 'key stop', 'intermediary retry'],
  [404, 'project stop', 'intermediary retry'],
  [405, 'project stop', 'intermediary retry'],
  [407, 'unknown narrow', 'intermediary retry'],
  [408, 'transient retry', 'transient retry'],
  [409, 'unknown narrow', 'intermediary retry'],
  [411, 'unknown narrow', 'intermediary retry'],
  [413, 'call halve', 'call halve'],
  [414, 'unknown narrow', 'intermediary retry'],
  [415, 'unknown narrow', 'intermediary retry'],
  [422, 'unknown narrow', 'intermediary retry'],
  [425, 'transient retry', 'transient retry'],
  [429, 'transient retry', 'transient retry'],
  [431, 'unknown narrow', 'intermediary retry'],
  [451, 'unknown narrow', 'intermediary retry'],
  [500, 'transient retry', 'transient retry'],
  [502, 'transient retry', 'transient retry'],
  [503, 'transient retry', 'transient retry'],
  [504, 'transient retry', 'transient retry'],
  [520, 'transient retry', 'transient retry'],
];

function failure(status: number, apiCode?: string, isOfIterable = true): ApiError {
  return new ApiError('users/bulkUpdate', { status, apiCode, isOfIterable, apiMessage: 'no' });
}

function meaningText(error: ApiError): string {
  const meaning = meaningOf(error);
  return `${meaning?.cause} ${meaning?.action}`;
}

describe('the meaning of a failed call', () => {
  it('is tested for every code of Iterable, and for no other', () => {
    const known = new Set(CODES.map(([code]) => code));
    known.delete('BrandNewError');
    expect([...known].sort()).toEqual([...API_CODES].sort());
    expect(API_CODES).toHaveLength(26);
  });

  it.each(
    CODES.flatMap(([code, statuses, cause, action]) =>
      statuses.map((status) => [status, code, `${cause} ${action}`] as const),
    ),
  )('%i %s: %s', (status, code, expected) => {
    expect(meaningText(failure(status, code))).toBe(expected);
  });

  it.each(STATUSES)('%i without a code: %s; not from Iterable: %s', (status, ofIterable, ofOthers) => {
    expect(meaningText(failure(status))).toBe(ofIterable);
    expect(meaningText(failure(status, undefined, false))).toBe(ofOthers);
  });

  it('ignores the code if the answer is not from Iterable', () => {
    expect(meaningText(failure(403, 'Forbidden', false))).toBe('intermediary retry');
  });

  it('a missing answer is transient, and a bug of ours has no meaning', () => {
    expect(meaningOf(new NoAnswerError('x', 'reset'))).toEqual({ cause: 'transient', action: 'retry' });
    expect(classify(new TypeError('x is not a function'))).toBeUndefined();
  });

  it.each([
    [301, true],
    [302, true],
    [307, true],
    [404, true],
    [405, true],
    [400, false],
    [401, false],
    [403, false],
    [503, false],
  ])('a page with %i may come from a wrong host: %s', (status, expected) => {
    expect(mayBeWrongHost(failure(status, undefined, false))).toBe(expected);
    expect(mayBeWrongHost(failure(status))).toBe(false);
  });

  it('docs/errors.md has a row for each code', () => {
    const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('|'));
    const missing = API_CODES.filter((code) => !rows.some((row) => row.includes(`\`${code}\``)));
    expect(missing).toEqual([]);
  });
});

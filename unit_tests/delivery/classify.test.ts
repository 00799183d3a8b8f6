import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { classify, mayBeWrongHost, meaningOf } from '../../src/delivery/classify.ts';
import { API_CODES, ApiError, NoAnswerError } from '../../src/iterable/errors.ts';

/** Of Iterable's page: the statuses that each code comes with. `Success` comes with any. */
const CODES: readonly [code: string, statuses: readonly number[], speaksOf: string, verdict: string][] = [
  ['BadApiKey', [401], 'key', 'stop'],
  ['BadAuthorizationHeader', [401], 'key', 'stop'],
  ['BadJsonBody', [400], 'call', 'narrow'],
  ['BadParams', [400], 'record', 'narrow'],
  ['BatchTooLarge', [400, 413], 'call', 'halve'],
  ['DatabaseError', [400, 500], 'passing', 'retry'],
  ['EmailAlreadyExists', [400, 409], 'record', 'narrow'],
  ['ExternalKeyConflict', [409], 'record', 'narrow'],
  ['Forbidden', [400, 403], 'key', 'stop'],
  ['ForbiddenParamsError', [403], 'key', 'stop'],
  ['ForgottenUserError', [400, 409], 'record', 'narrow'],
  ['GenericError', [400, 409, 422], 'unknown', 'narrow'],
  ['GenericError', [500, 502, 503], 'passing', 'retry'],
  ['InvalidEmailAddressError', [400], 'record', 'narrow'],
  ['InvalidJwtPayload', [400, 401], 'key', 'stop'],
  ['InvalidUserIdError', [400], 'record', 'narrow'],
  ['JwtUserIdentifiersMismatched', [400, 401], 'key', 'stop'],
  ['NotFound', [404], 'project', 'stop'],
  ['QueueEmailError', [400, 500], 'passing', 'retry'],
  ['RateLimitExceeded', [429], 'passing', 'retry'],
  ['RequestFieldsTypesMismatched', [400], 'record', 'narrow'],
  ['Success', [400, 409], 'unknown', 'narrow'],
  ['Success', [401, 403], 'key', 'stop'],
  ['Success', [500], 'passing', 'retry'],
  ['Unauthorized', [401], 'key', 'stop'],
  ['UniqueFieldsLimitExceeded', [400], 'project', 'stop'],
  ['UnknownEmailError', [400], 'record', 'narrow'],
  ['UnknownUserIdError', [400], 'record', 'narrow'],
  ['UserIdAlreadyExists', [400, 409], 'record', 'narrow'],
  // A code of tomorrow.
  ['BrandNewError', [400, 402, 409, 422, 499], 'unknown', 'narrow'],
  ['BrandNewError', [401, 403], 'key', 'stop'],
  ['BrandNewError', [404], 'project', 'stop'],
  ['BrandNewError', [500, 503], 'passing', 'retry'],
];

/** Without a code: of Iterable's own form, and of any other. */
const STATUSES: readonly [status: number, ofIterable: string, ofOthers: string][] = [
  [301, 'project stop', 'nobody retry'],
  [302, 'project stop', 'nobody retry'],
  [304, 'project stop', 'nobody retry'],
  [307, 'project stop', 'nobody retry'],
  [308, 'project stop', 'nobody retry'],
  [400, 'unknown narrow', 'nobody retry'],
  [401, 'key stop', 'nobody retry'],
  [402, 'unknown narrow', 'nobody retry'],
  [403, 'key stop', 'nobody retry'],
  [404, 'project stop', 'nobody retry'],
  [405, 'project stop', 'nobody retry'],
  [407, 'unknown narrow', 'nobody retry'],
  [408, 'passing retry', 'passing retry'],
  [409, 'unknown narrow', 'nobody retry'],
  [411, 'unknown narrow', 'nobody retry'],
  [413, 'call halve', 'call halve'],
  [414, 'unknown narrow', 'nobody retry'],
  [415, 'unknown narrow', 'nobody retry'],
  [422, 'unknown narrow', 'nobody retry'],
  [425, 'passing retry', 'passing retry'],
  [429, 'passing retry', 'passing retry'],
  [431, 'unknown narrow', 'nobody retry'],
  [451, 'unknown narrow', 'nobody retry'],
  [500, 'passing retry', 'passing retry'],
  [502, 'passing retry', 'passing retry'],
  [503, 'passing retry', 'passing retry'],
  [504, 'passing retry', 'passing retry'],
  [520, 'passing retry', 'passing retry'],
];

function failure(status: number, apiCode?: string, isOfIterable = true): ApiError {
  return new ApiError('users/bulkUpdate', { status, apiCode, isOfIterable, apiMessage: 'no' });
}

function said(error: ApiError): string {
  const meaning = meaningOf(error);
  return `${meaning?.speaksOf} ${meaning?.verdict}`;
}

describe('what a failed call speaks of', () => {
  it('is written down for every code of Iterable, and for no other', () => {
    const known = new Set(CODES.map(([code]) => code));
    known.delete('BrandNewError');
    expect([...known].sort()).toEqual([...API_CODES].sort());
    expect(API_CODES).toHaveLength(26);
  });

  it.each(
    CODES.flatMap(([code, statuses, speaksOf, verdict]) =>
      statuses.map((status) => [status, code, `${speaksOf} ${verdict}`] as const),
    ),
  )('%i %s: %s', (status, code, expected) => {
    expect(said(failure(status, code))).toBe(expected);
  });

  it.each(STATUSES)('%i without a code: %s; not of Iterable: %s', (status, ofIterable, ofOthers) => {
    expect(said(failure(status))).toBe(ofIterable);
    expect(said(failure(status, undefined, false))).toBe(ofOthers);
  });

  it('no code counts where the answer is not Iterable’s', () => {
    expect(said(failure(403, 'Forbidden', false))).toBe('nobody retry');
  });

  it('no answer passes, and a bug of ours has no meaning', () => {
    expect(meaningOf(new NoAnswerError('x', 'reset'))).toEqual({ speaksOf: 'passing', verdict: 'retry' });
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
  ])('a page with %i may be a wrong host’s: %s', (status, expected) => {
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

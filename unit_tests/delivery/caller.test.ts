import { describe, expect, it } from '@jest/globals';
import { Caller, backoffMs } from '../../src/delivery/caller.ts';
import { classify } from '../../src/delivery/classify.ts';
import { ConfigError, TransientError } from '../../src/errors.ts';
import type { Operation } from '../../src/iterable/client.ts';
import { ApiError, NoAnswerError } from '../../src/iterable/errors.ts';
import { HandClock } from '../support/hand-clock.ts';

const ENDPOINT = { name: 'users/bulkUpdate', method: 'POST', requestsPerSecond: 5 } as const;

function failure(status: number, apiCode?: string, retryAfterMs?: number): ApiError {
  return new ApiError(ENDPOINT.name, { status, apiCode, apiMessage: 'no', retryAfterMs });
}

/** Fails with each error in turn, then answers. */
function operation(...errors: Error[]): Operation<string> & { attempts: number } {
  const made = {
    endpoint: ENDPOINT,
    attempts: 0,
    attempt: () => {
      const error = errors[made.attempts++];
      return error ? Promise.reject(error) : Promise.resolve('answer');
    },
  };
  return made;
}

function aCaller(clock: HandClock, options: { callBudgetMs?: number; stop?: AbortSignal } = {}) {
  return new Caller({ clock, rateOf: () => 1000, callBudgetMs: 60_000, ...options });
}

describe('classify', () => {
  it.each([
    ['a network failure', new NoAnswerError('x', 'reset'), 'retry'],
    ['408', failure(408), 'retry'],
    ['429', failure(429, 'RateLimitExceeded'), 'retry'],
    ['500', failure(500), 'retry'],
    ['502 from a gateway', failure(502), 'retry'],
    ['503', failure(503), 'retry'],
    ['a database error with a 400', failure(400, 'DatabaseError'), 'retry'],
    ['401', failure(401, 'BadApiKey'), 'stop'],
    ['403', failure(403, 'Forbidden'), 'stop'],
    ['a 404 of an endpoint', failure(404), 'stop'],
    ['a redirect', failure(302), 'stop'],
    ['400 BadParams', failure(400, 'BadParams'), 'narrow'],
    ['400 with the wrong types', failure(400, 'RequestFieldsTypesMismatched'), 'narrow'],
    ['409', failure(409), 'narrow'],
    [
      'a 400 without Iterable’s own body',
      new ApiError(ENDPOINT.name, { status: 400, apiMessage: '' }),
      'retry',
    ],
    ['413', failure(413), 'halve'],
    ['400 BatchTooLarge', failure(400, 'BatchTooLarge'), 'halve'],
    ['a bug of ours', new TypeError('x is not a function'), undefined],
  ])('%s', (_name, error, verdict) => {
    expect(classify(error)).toBe(verdict);
  });
});

describe('Caller', () => {
  it('repeats a call through outages and counts its retries', async () => {
    const clock = new HandClock();
    const caller = aCaller(clock);
    const flaky = operation(failure(503), new NoAnswerError('x', 'reset'), failure(429, 'RateLimitExceeded'));
    const answer = caller.call(flaky);
    await clock.advance(60_000);
    expect(await answer).toBe('answer');
    expect(caller.counts).toEqual({ calls: 4, retries: 3 });
  });

  it.each(['narrow', 'halve'])(
    'leaves a refusal of the content (%s) to whoever knows the content',
    async (verdict) => {
      const error = verdict === 'narrow' ? failure(400, 'BadParams') : failure(413);
      const refused = operation(error);
      await expect(aCaller(new HandClock()).call(refused)).rejects.toBe(error);
      expect(refused.attempts).toBe(1);
    },
  );

  it.each([
    [401, 'BadApiKey', 'api_key_refused'],
    [403, 'Forbidden', 'api_key_forbidden'],
    [404, undefined, 'api_not_found'],
  ])('stops at once at %s with a config_error', async (status, apiCode, code) => {
    const refused = operation(failure(status, apiCode));
    const error: unknown = await aCaller(new HandClock())
      .call(refused)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).code).toBe(code);
    expect(refused.attempts).toBe(1);
  });

  it('gives up as transient when the budget is used up', async () => {
    const clock = new HandClock();
    const down = operation(...Array.from({ length: 100 }, () => failure(503)));
    const answer = aCaller(clock, { callBudgetMs: 30 * 60_000 })
      .call(down)
      .catch((thrown: unknown) => thrown);
    await clock.advance(29 * 60_000);
    expect(down.attempts).toBeLessThan(100);
    await clock.advance(60_000);
    const error = await answer;
    expect(error).toBeInstanceOf(TransientError);
    expect((error as TransientError).message).toBe(
      'Iterable did not accept a call for 30 minutes; the last try: Iterable answered users/bulkUpdate with HTTP 503. Run the sync again later.',
    );
  });

  it('does not count the wait for a turn', async () => {
    const clock = new HandClock();
    const caller = new Caller({ clock, rateOf: () => 0.01, callBudgetMs: 30_000 });
    const calls = [operation(), operation(failure(503))].map((each) => caller.call(each));
    await clock.advance(400_000);
    expect(await Promise.all(calls)).toEqual(['answer', 'answer']);
  });

  it('gives up at once when the server asks for more time than there is, and says so', async () => {
    const clock = new HandClock();
    const busy = operation(failure(429, 'RateLimitExceeded', 3_600_000));
    const error = await aCaller(clock, { callBudgetMs: 30 * 60_000 })
      .call(busy)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TransientError);
    expect((error as TransientError).message).toBe(
      'Iterable asks for a pause of more than the 30 minutes for which a call is tried; the last try: Iterable answered users/bulkUpdate with HTTP 429 (RateLimitExceeded). Run the sync again later.',
    );
  });

  it('makes all calls of an endpoint share the pause after a 429', async () => {
    const clock = new HandClock();
    const caller = aCaller(clock);
    const first = caller.call(operation(failure(429, 'RateLimitExceeded', 5_000)));
    await clock.advance(100);
    const other = operation();
    const second = caller.call(other);
    await clock.advance(5_000);
    expect(other.attempts).toBe(0);
    await clock.advance(1_000);
    expect(await Promise.all([first, second])).toEqual(['answer', 'answer']);
  });

  it('ends a wait when it is told to stop', async () => {
    const clock = new HandClock();
    const stop = new AbortController();
    const waiting = aCaller(clock, { stop: stop.signal }).call(operation(failure(503)));
    await clock.advance(0);
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
  });
});

describe('backoffMs', () => {
  it.each([
    ['full jitter: any part of the cap', 1, failure(500), 0.25, 250],
    ['the cap doubles', 4, failure(500), 0.999, 7_992],
    ['the cap ends at a minute', 20, failure(500), 0.5, 30_000],
    [
      'what the server asks for is waited out, plus up to a second',
      1,
      failure(429, undefined, 7_000),
      0.5,
      7_500,
    ],
  ])('%s', (_name, attempt, error, random, expected) => {
    expect(backoffMs(attempt, error, random)).toBe(expected);
  });
});

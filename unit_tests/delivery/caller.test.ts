import { describe, expect, it } from '@jest/globals';
import { Caller, backoffMs } from '../../src/delivery/caller.ts';
import { ConfigError, TransientError } from '../../src/errors.ts';
import type { Operation } from '../../src/iterable/client.ts';
import { ApiError, NoAnswerError } from '../../src/iterable/errors.ts';
import { HandClock } from '../support/hand-clock.ts';

const ENDPOINT = { name: 'users/bulkUpdate', method: 'POST', requestsPerSecond: 5 } as const;

function failure(status: number, apiCode?: string, retryAfterMs?: number): ApiError {
  return new ApiError(ENDPOINT.name, { status, apiCode, apiMessage: 'no', retryAfterMs });
}

/** An HTML page, such as a gateway or another host answers. */
function page(status: number): ApiError {
  return new ApiError(ENDPOINT.name, { status, isOfIterable: false, apiMessage: '' });
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

describe('Caller', () => {
  it('retries a call through outages and counts the retries', async () => {
    const clock = new HandClock();
    const caller = aCaller(clock);
    const flaky = operation(failure(503), new NoAnswerError('x', 'reset'), failure(429, 'RateLimitExceeded'));
    const answer = caller.call(flaky);
    await clock.advance(60_000);
    expect(await answer).toBe('answer');
    expect(caller.counts).toEqual({ calls: 4, retries: 3 });
  });

  it.each(['narrow', 'halve'])('throws a refusal of the content (%s) to its caller', async (action) => {
    const error = action === 'narrow' ? failure(400, 'BadParams') : failure(413);
    const refused = operation(error);
    await expect(aCaller(new HandClock()).call(refused)).rejects.toBe(error);
    expect(refused.attempts).toBe(1);
  });

  it.each([
    [401, 'BadApiKey', 'api_key_refused'],
    [403, 'Forbidden', 'api_key_forbidden'],
    [403, 'BadApiKey', 'api_key_refused'],
    [403, undefined, 'api_key_forbidden'],
    [400, 'ForbiddenParamsError', 'api_key_forbidden'],
    [400, 'InvalidJwtPayload', 'api_key_refused'],
    [404, 'NotFound', 'api_not_found'],
    [404, undefined, 'api_not_found'],
    [302, undefined, 'api_not_found'],
    [400, 'UniqueFieldsLimitExceeded', 'too_many_fields'],
  ])('stops at once at %s with a config_error', async (status, apiCode, code) => {
    const refused = operation(failure(status, apiCode));
    const error: unknown = await aCaller(new HandClock())
      .call(refused)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).code).toBe(code);
    expect(refused.attempts).toBe(1);
  });

  it('retries answers of a gateway, whatever the status, and names the gateway when the budget is used up', async () => {
    const clock = new HandClock();
    const pages = operation(
      ...Array.from({ length: 100 }, (_, index) => page([403, 404, 302, 401, 400][index % 5] ?? 0)),
    );
    const caller = aCaller(clock, { callBudgetMs: 30 * 60_000 });
    await caller.call(operation());
    const answer = caller.call(pages).catch((thrown: unknown) => thrown);
    await clock.advance(31 * 60_000);
    const error = (await answer) as TransientError;
    expect(error).toBeInstanceOf(TransientError);
    expect(error.code).toBe('gateway_refuses');
    expect(error.message).toMatch(
      /^Something between the connector and Iterable refuses calls, and did so for 30 minutes: a proxy, firewall or gateway answered users\/bulkUpdate with HTTP \d{3}, without Iterable's own answer\. /,
    );
    expect(pages.attempts).toBeGreaterThan(10);
  });

  it.each([302, 404, 405])(
    'reports a wrong host when a page with %i comes before the first answer of Iterable',
    async (status) => {
      const refused = operation(page(status));
      const caller = aCaller(new HandClock());
      const error: unknown = await caller.call(refused).catch((thrown: unknown) => thrown);
      expect([error instanceof ConfigError, (error as ConfigError).code]).toEqual([true, 'api_not_found']);
      expect(refused.attempts).toBe(1);
    },
  );

  it.each([
    ['an answer', () => operation()],
    ['a refusal of Iterable’s own', () => operation(failure(400, 'BadParams'))],
  ])('retries such a page as an outage after %s', async (_name, first) => {
    const clock = new HandClock();
    const caller = aCaller(clock);
    await caller.call(first()).catch(() => undefined);
    const answer = caller.call(operation(page(404)));
    await clock.advance(10_000);
    expect(await answer).toBe('answer');
  });

  it('names the fields that exceed the project’s limit, and the limit', async () => {
    const newFields = Array.from({ length: 22 }, (_, index) => `field${index + 1}`);
    const error = new ApiError(ENDPOINT.name, {
      status: 400,
      apiCode: 'UniqueFieldsLimitExceeded',
      apiMessage: 'no',
      params: { limit: 1000, requestedTotal: 1022, newFields },
    });
    const thrown = (await aCaller(new HandClock())
      .call(operation(error))
      .catch((reason: unknown) => reason)) as ConfigError;
    expect([thrown instanceof ConfigError, thrown.code]).toEqual([true, 'too_many_fields']);
    expect(thrown.message).toContain('(it may have 1000, it would have 1022). New are: field1, field2,');
    expect(thrown.message).toContain('field20, and 2 more. ');
  });

  it('leaves the limit out of the message if the answer does not state it', async () => {
    const thrown = (await aCaller(new HandClock())
      .call(operation(failure(400, 'UniqueFieldsLimitExceeded')))
      .catch((reason: unknown) => reason)) as ConfigError;
    expect(thrown.message).toMatch(/^Iterable has no room for more user fields in the project\. No record /);
  });

  it('fails when one user after the other is refused with an unknown code, and names the code', async () => {
    const one = { ...ENDPOINT, name: 'users/update', isOfOneUser: true } as const;
    const reported: (string | undefined)[] = [];
    const caller = new Caller({
      clock: new HandClock(),
      rateOf: () => 1000,
      callBudgetMs: 60_000,
      onUnknownRefusal: ({ apiCode }) => reported.push(apiCode),
    });
    const refuse = () =>
      caller
        .call({
          ...operation(new ApiError(one.name, { status: 400, apiCode: 'BrandNew', apiMessage: '' })),
          endpoint: one,
        })
        .catch((thrown: unknown) => thrown as Error);
    for (let n = 1; n <= 9; n++) expect(await refuse()).toBeInstanceOf(ApiError);
    await caller.call({ ...operation(), endpoint: one });
    for (let n = 1; n <= 9; n++) expect(await refuse()).toBeInstanceOf(ApiError);
    const last = (await refuse()) as TransientError;
    expect([last instanceof TransientError, last.code]).toEqual([true, 'iterable_refuses']);
    expect(last.message).toContain('BrandNew (HTTP 400, users/update)');
    expect(reported).toEqual(['BrandNew']);
  });

  it('fails at once when a call without records is refused with an unknown code', async () => {
    const read = { ...ENDPOINT, method: 'GET' } as const;
    const error = (await aCaller(new HandClock())
      .call({ ...operation(failure(400, 'BrandNew')), endpoint: read })
      .catch((thrown: unknown) => thrown)) as TransientError;
    expect([error instanceof TransientError, error.code]).toEqual([true, 'iterable_refuses']);
  });

  it('gives up with a TransientError when the budget is used up', async () => {
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

  it('does not count the wait in the rate limiter towards the budget', async () => {
    const clock = new HandClock();
    const caller = new Caller({ clock, rateOf: () => 0.01, callBudgetMs: 30_000 });
    const calls = [operation(), operation(failure(503))].map((each) => caller.call(each));
    await clock.advance(400_000);
    expect(await Promise.all(calls)).toEqual(['answer', 'answer']);
  });

  it('gives up at once when the server asks for a pause longer than the budget, and says so', async () => {
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

  it('ends a wait when the stop signal is aborted', async () => {
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
    ['full jitter: a random share of the cap', 1, failure(500), 0.25, 250],
    ['the cap doubles', 4, failure(500), 0.999, 7_992],
    ['the cap is at most a minute', 20, failure(500), 0.5, 30_000],
    [
      'the pause that the server asks for, plus up to a second',
      1,
      failure(429, undefined, 7_000),
      0.5,
      7_500,
    ],
  ])('%s', (_name, attempt, error, random, expected) => {
    expect(backoffMs(attempt, error, random)).toBe(expected);
  });
});

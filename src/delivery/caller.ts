/**
 * Makes a call last until it is answered: paced by its endpoint's limit, retried through outages with jittered backoff
 * that honours what the server says, and given up only after a time budget.
 */
import pRetry from 'p-retry';
import type { Clock } from '../clock.ts';
import { ConfigError, TransientError } from '../errors.ts';
import type { Operation } from '../iterable/client.ts';
import type { Endpoint } from '../iterable/endpoints.ts';
import { ApiError } from '../iterable/errors.ts';
import { classify } from './classify.ts';
import { RateLimiter } from './rate-limiter.ts';

export interface CallerOptions {
  readonly clock: Clock;
  /** Requests per second of an endpoint. */
  readonly rateOf: (endpoint: Endpoint) => number;
  /** How long one call is tried for, waits included, before a TransientError. */
  readonly callBudgetMs: number;
  /** Told before each wait, so that a log can say why nothing moves. */
  readonly onRetry?: (retry: Retry) => void;
  /** Ends all waiting and all calls. */
  readonly stop?: AbortSignal;
}

export interface Retry {
  readonly endpoint: Endpoint;
  /** Of this call: 1 for its first failed attempt. */
  readonly attempt: number;
  readonly error: Error;
  readonly waitMs: number;
}

const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;

export class Caller {
  readonly #options: CallerOptions;
  readonly #limiters = new Map<string, RateLimiter>();
  #calls = 0;
  #inFlight = 0;
  #retries = 0;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** Requests sent so far, and how many of them repeated an earlier one. */
  get counts(): { readonly calls: number; readonly retries: number } {
    return { calls: this.#calls, retries: this.#retries };
  }

  /** Requests sent that are not answered yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Gives the operation's answer. Throws ConfigError when no call will pass before the operator acts, TransientError when
   * the budget is used up, the ApiError itself when its content was refused (verdicts `narrow` and `halve`), or the stop
   * signal's reason.
   */
  async call<T>(operation: Operation<T>): Promise<T> {
    const { clock, stop } = this.#options;
    const limiter = this.#limiterOf(operation.endpoint);
    let startedAt = clock.now();
    return pRetry(
      async (attempt) => {
        await limiter.acquire(stop);
        // To wait in line is no refusal, and at a low rate may take longer than a call is tried for.
        if (attempt === 1) startedAt = clock.now();
        this.#calls++;
        if (attempt > 1) this.#retries++;
        this.#inFlight++;
        try {
          const answer = await operation.attempt(stop);
          limiter.onAccepted();
          return answer;
        } finally {
          this.#inFlight--;
        }
      },
      {
        retries: Infinity,
        minTimeout: 0,
        ...(stop ? { signal: stop } : {}),
        onFailedAttempt: ({ error, attemptNumber }) =>
          this.#waitOrThrow(operation.endpoint, error, attemptNumber, startedAt),
      },
    );
  }

  async #waitOrThrow(endpoint: Endpoint, error: Error, attempt: number, startedAt: number): Promise<void> {
    const { clock, stop, callBudgetMs, onRetry } = this.#options;
    const verdict = classify(error);
    if (verdict === 'stop' && error instanceof ApiError) throw explainStop(error);
    if (verdict !== 'retry') throw error;
    const waitMs = backoffMs(attempt, error, clock.random());
    if (clock.now() + waitMs - startedAt > callBudgetMs) {
      const minutes = Math.round(callBudgetMs / 60_000);
      const span = minutes >= 1 ? `${minutes} minutes` : `${callBudgetMs / 1000} seconds`;
      const isTooLong = error instanceof ApiError && (error.retryAfterMs ?? 0) > callBudgetMs;
      const what = isTooLong
        ? `Iterable asks for a pause of more than the ${span} for which a call is tried`
        : `Iterable did not accept a call for ${span}`;
      throw new TransientError(
        'iterable_unavailable',
        `${what}; the last try: ${error.message}. Run the sync again later.`,
        {
          cause: error,
        },
      );
    }
    onRetry?.({ endpoint, attempt, error, waitMs });
    if (error instanceof ApiError && error.status === 429) this.#limiterOf(endpoint).onRefused(waitMs);
    else await clock.sleep(waitMs, stop);
  }

  #limiterOf(endpoint: Endpoint): RateLimiter {
    let limiter = this.#limiters.get(endpoint.name + endpoint.method);
    if (!limiter) {
      limiter = new RateLimiter(this.#options.rateOf(endpoint), this.#options.clock);
      this.#limiters.set(endpoint.name + endpoint.method, limiter);
    }
    return limiter;
  }
}

/**
 * How long to wait after a failed attempt (1, 2, …): what the server asked for plus up to a second, else full jitter under
 * an exponential cap. `random` is uniform in [0, 1).
 */
export function backoffMs(attempt: number, error: unknown, random: number): number {
  const asked = error instanceof ApiError ? error.retryAfterMs : undefined;
  if (asked !== undefined) return asked + random * 1_000;
  return random * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempt - 1));
}

/** A refusal that only the operator can end, in words that name the setting. */
function explainStop(error: ApiError): ConfigError {
  const answer = `HTTP ${error.status}${error.apiCode === undefined ? '' : `, ${error.apiCode}`}`;
  const code = error.apiCode ?? '';
  const isBadKey =
    error.status === 401 ||
    code === 'BadApiKey' ||
    code === 'Unauthorized' ||
    code === 'BadAuthorizationHeader';
  if (isBadKey) {
    return new ConfigError(
      [
        `api_key: Iterable refused the key (${answer}). Check that it is a server-side key, copied whole, and that data_center is the project's.`,
      ],
      { code: 'api_key_refused', cause: error },
    );
  }
  if (error.status === 403 || code.startsWith('Forbidden')) {
    return new ConfigError(
      [`api_key: the key lacks a permission (${answer}). Use a server-side (standard) key of the project.`],
      {
        code: 'api_key_forbidden',
        cause: error,
      },
    );
  }
  return new ConfigError([`${error.message}. Check api_url, if it is set, and data_center.`], {
    code: 'api_not_found',
    cause: error,
  });
}

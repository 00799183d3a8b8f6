/**
 * Makes API calls: paced by the endpoint's rate limit, retried through outages with jittered backoff that honours the
 * server's `Retry-After`, and given up only after a time budget.
 */
import type { Clock } from '../clock.ts';
import type { Operation } from '../iterable/client.ts';
import type { Endpoint } from '../iterable/endpoints.ts';
import { ApiError } from '../iterable/errors.ts';
import { retry } from '../retry.ts';
import { mayBeWrongHost, meaningOf } from './classify.ts';
import { explainGivingUp, explainStop } from './explain-failure.ts';
import { RateLimiter } from './rate-limiter.ts';
import { explainRefusal, UnknownRefusals } from './unknown-refusals.ts';

export interface CallerOptions {
  readonly clock: Clock;
  /** The rate limit of an endpoint, in requests per second. */
  readonly rateOf: (endpoint: Endpoint) => number;
  /** For endpoints without a published limit: the highest rate to try. */
  readonly highestRateOf?: ((endpoint: Endpoint) => number) | undefined;
  /** How long one call is retried, waits included, before it fails with a TransientError. */
  readonly callBudgetMs: number;
  /** Called before each backoff, so that a log can say why nothing is happening. */
  readonly onRetry?: (retry: Retry) => void;
  /** Called the first time that Iterable answers with an error code unknown to this version; once per code. */
  readonly onUnknownRefusal?: (error: ApiError) => void;
  /** True when Iterable has already answered another caller of this run, which proves that the host is right. */
  readonly isHostProven?: boolean;
  /** Aborts all waits and all calls. */
  readonly stop?: AbortSignal;
}

export interface Retry {
  readonly endpoint: Endpoint;
  /** Counts the failed attempts of this call, from 1. */
  readonly attempt: number;
  readonly error: Error;
  readonly waitMs: number;
}

const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;

export class Caller {
  readonly #options: CallerOptions;
  readonly #limiters = new Map<string, RateLimiter>();
  /**
   * Gets every refusal from this class. Only users that a bulk call refused alone must be noted by the sender of that call
   * ({@link UnknownRefusals.noteAlone}).
   */
  readonly unknownRefusals: UnknownRefusals;
  #calls = 0;
  #inFlight = 0;
  #retries = 0;
  /** At least one answer came from Iterable itself. */
  #isHostProven: boolean;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#isHostProven = options.isHostProven ?? false;
    this.unknownRefusals = new UnknownRefusals(options.onUnknownRefusal ?? (() => undefined));
  }

  /** Requests sent so far, and how many of them were retries. */
  get counts(): { readonly calls: number; readonly retries: number } {
    return { calls: this.#calls, retries: this.#retries };
  }

  /** Requests that are sent but not answered yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Calls a second that the endpoint gets at present. */
  currentRate(endpoint: Endpoint): number {
    return this.#limiterOf(endpoint).rate;
  }

  /** Resolves when a call of the endpoint could be sent at once, so that what it carries can be chosen as late as possible. */
  untilTurn(endpoint: Endpoint): Promise<void> {
    return this.#limiterOf(endpoint).untilTurn(this.#options.stop);
  }

  /**
   * Returns the operation's answer. Throws ConfigError when no call can succeed before the operator changes something,
   * TransientError when the time budget is used up or when the refusal can't be blamed on a record, the ApiError itself
   * when the content of the call was refused (actions `narrow` and `halve`), or the stop signal's reason.
   */
  async call<T>(operation: Operation<T>): Promise<T> {
    const { clock, stop } = this.#options;
    const limiter = this.#limiterOf(operation.endpoint);
    let startedAt = clock.now();
    return retry(
      async (attempt) => {
        await limiter.acquire(stop);
        // The budget starts after the rate limiter's queue, which at a low rate may itself take longer than the budget.
        if (attempt === 1) startedAt = clock.now();
        this.#calls++;
        if (attempt > 1) this.#retries++;
        this.#inFlight++;
        try {
          const answer = await operation.attempt(stop);
          limiter.onAccepted();
          this.#isHostProven = true;
          this.unknownRefusals.noteAccepted(operation.endpoint.name);
          return answer;
        } finally {
          this.#inFlight--;
        }
      },
      {
        signal: stop,
        afterFailure: (error, attempt) => this.#waitOrThrow(operation.endpoint, error, attempt, startedAt),
      },
    );
  }

  async #waitOrThrow(endpoint: Endpoint, error: Error, attempt: number, startedAt: number): Promise<void> {
    const { clock, stop, callBudgetMs, onRetry } = this.#options;
    if (error instanceof ApiError) this.#throwRefusal(endpoint, error);
    if (meaningOf(error)?.action !== 'retry') throw error;
    const waitMs = backoffMs(attempt, error, clock.random());
    if (clock.now() + waitMs - startedAt > callBudgetMs) throw explainGivingUp(error, callBudgetMs);
    onRetry?.({ endpoint, attempt, error, waitMs });
    if (error instanceof ApiError && error.status === 429) this.#limiterOf(endpoint).onRefused(waitMs);
    else await clock.sleep(waitMs, stop);
  }

  /** Throws if the refusal ends the whole run. */
  #throwRefusal(endpoint: Endpoint, error: ApiError): void {
    if (error.isOfIterable) this.#isHostProven = true;
    const { cause, action } = meaningOf(error) ?? {};
    // Iterable has answered no call yet, and an outage does not produce such an answer.
    const isWrongHost = !this.#isHostProven && mayBeWrongHost(error);
    if (action === 'stop' || isWrongHost) throw explainStop(error);
    this.unknownRefusals.note(error);
    if (cause !== 'unknown') return;
    if (endpoint.isOfOneUser === true) this.unknownRefusals.noteAlone(error);
    // A GET carries no record that could be the cause.
    if (endpoint.method === 'GET') throw explainRefusal(error, 'a call');
  }

  #limiterOf(endpoint: Endpoint): RateLimiter {
    let limiter = this.#limiters.get(endpoint.name + endpoint.method);
    if (!limiter) {
      limiter = new RateLimiter(
        this.#options.rateOf(endpoint),
        this.#options.clock,
        this.#options.highestRateOf?.(endpoint),
      );
      this.#limiters.set(endpoint.name + endpoint.method, limiter);
    }
    return limiter;
  }
}

/**
 * Backoff after a failed attempt (1, 2, …): the server's `Retry-After` plus up to a second, or else full jitter with an
 * exponential cap. `random` is uniform in [0, 1).
 */
export function backoffMs(attempt: number, error: unknown, random: number): number {
  const asked = error instanceof ApiError ? error.retryAfterMs : undefined;
  if (asked !== undefined) return asked + random * 1_000;
  return random * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempt - 1));
}

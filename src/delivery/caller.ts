/**
 * Makes a call last until it is answered: paced by its endpoint's limit, retried through outages with jittered backoff
 * that honours what the server says, and given up only after a time budget.
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
  /** Requests per second of an endpoint. */
  readonly rateOf: (endpoint: Endpoint) => number;
  /** How long one call is tried for, waits included, before a TransientError. */
  readonly callBudgetMs: number;
  /** Told before each wait, so that a log can say why nothing moves. */
  readonly onRetry?: (retry: Retry) => void;
  /** Called at the first refusal by each code that this version does not know. */
  readonly onUnknownRefusal?: (error: ApiError) => void;
  /** True when Iterable has answered others of this run: then the host is the right one. */
  readonly isHostProven?: boolean;
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
  /** Hears from here of every refusal, but for the users that a bulk call refuses alone: that is for its sender to say. */
  readonly unknownRefusals: UnknownRefusals;
  #calls = 0;
  #inFlight = 0;
  #retries = 0;
  /** Something was answered by Iterable itself. */
  #isHostProven: boolean;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#isHostProven = options.isHostProven ?? false;
    this.unknownRefusals = new UnknownRefusals(options.onUnknownRefusal ?? (() => undefined));
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
   * the budget is used up or a refusal is about no record, the ApiError itself when its content was refused (verdicts
   * `narrow` and `halve`), or the stop signal's reason.
   */
  async call<T>(operation: Operation<T>): Promise<T> {
    const { clock, stop } = this.#options;
    const limiter = this.#limiterOf(operation.endpoint);
    let startedAt = clock.now();
    return retry(
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
    if (meaningOf(error)?.verdict !== 'retry') throw error;
    const waitMs = backoffMs(attempt, error, clock.random());
    if (clock.now() + waitMs - startedAt > callBudgetMs) throw explainGivingUp(error, callBudgetMs);
    onRetry?.({ endpoint, attempt, error, waitMs });
    if (error instanceof ApiError && error.status === 429) this.#limiterOf(endpoint).onRefused(waitMs);
    else await clock.sleep(waitMs, stop);
  }

  /** Throws what a refusal means for the whole run, if it means something for it. */
  #throwRefusal(endpoint: Endpoint, error: ApiError): void {
    if (error.isOfIterable) this.#isHostProven = true;
    const { speaksOf, verdict } = meaningOf(error) ?? {};
    // Nothing was sent yet, and no outage looks like that.
    const isWrongHost = !this.#isHostProven && mayBeWrongHost(error);
    if (verdict === 'stop' || isWrongHost) throw explainStop(error);
    this.unknownRefusals.note(error);
    if (speaksOf !== 'unknown') return;
    if (endpoint.isOfOneUser === true) this.unknownRefusals.noteAlone(error);
    // There is no record that it could be about.
    if (endpoint.method === 'GET') throw explainRefusal(error, 'a call');
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

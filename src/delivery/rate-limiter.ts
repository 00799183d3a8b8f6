/**
 * Paces the calls of one endpoint: evenly spaced, first come first served. A 429 pauses all of them and halves the rate,
 * which then rises again: quickly to just under the rate that was refused, slowly beyond. Where no limit is published, the rate
 * rises until a 429 shows one.
 */
import type { Clock } from '../clock.ts';

/** The share of a refused rate that counts as safe. */
const SAFE_SHARE = 0.9;
/** How much each accepted call raises the rate, as a share of the full rate: quickly below the safe rate, slowly above. */
const QUICK_RISE = 0.05;
const SLOW_RISE = 0.001;
/** Where no limit is published: above the rate that was refused, more slowly still, since each 429 costs a pause. */
const CAREFUL_RISE = 0.0002;
/** Where no limit is known yet: the rate rises by so many calls a second with each accepted call, after a first run of them. */
const TRIAL_RISE = 0.04;
const CALLS_BEFORE_TRIAL = 20;
/** The rate never falls below this share of the full rate. */
const FLOOR_SHARE = 1 / 64;
/** A timer that fires late by up to this much does not delay later calls. */
const MAX_CATCH_UP_MS = 20;

export class RateLimiter {
  readonly #clock: Clock;
  readonly #fullRate: number;
  readonly #slowRise: number;
  /** Successful answers in a row since the start, while no limit is known; undefined once a 429 has shown it. */
  #withoutRefusal: number | undefined;
  #rate: number;
  #safeRate: number;
  #nextAt = 0;
  #pausedUntil = 0;
  /** Resolves when all earlier callers have had their turn. */
  #queue: Promise<void> = Promise.resolve();

  /**
   * @param requestsPerSecond the full rate, which is never exceeded
   * @param highestRate where no limit is published: the full rate instead, which is tried slowly
   */
  constructor(requestsPerSecond: number, clock: Clock, highestRate = requestsPerSecond) {
    this.#clock = clock;
    const isKnown = highestRate <= requestsPerSecond;
    this.#fullRate = isKnown ? requestsPerSecond : highestRate;
    this.#slowRise = isKnown ? SLOW_RISE : CAREFUL_RISE;
    this.#withoutRefusal = isKnown ? undefined : 0;
    this.#rate = requestsPerSecond;
    this.#safeRate = requestsPerSecond;
  }

  /** The current rate in requests per second. */
  get rate(): number {
    return this.#rate;
  }

  /** Resolves when a request could be sent at once: to be followed by {@link acquire} at the same moment. */
  untilTurn(signal?: AbortSignal): Promise<void> {
    return this.#queue.then(() => this.#waitForTurn(signal));
  }

  /** Resolves when the caller may send one request. Rejects with the signal's reason when it is aborted. */
  acquire(signal?: AbortSignal): Promise<void> {
    const turn = this.#queue.then(() => this.#takeTurn(signal));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** To be called after a 429: all calls wait for `pauseMs`. The rate falls only once for calls that were in flight together. */
  onRefused(pauseMs: number): void {
    const now = this.#clock.now();
    this.#withoutRefusal = undefined;
    if (now >= this.#pausedUntil) {
      this.#safeRate = this.#rate * SAFE_SHARE;
      this.#rate = Math.max(this.#rate / 2, this.#fullRate * FLOOR_SHARE);
    }
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseMs);
  }

  /** To be called after each successful answer. */
  onAccepted(): void {
    if (this.#rate >= this.#fullRate || this.#clock.now() < this.#pausedUntil) return;
    if (this.#withoutRefusal !== undefined) {
      if (++this.#withoutRefusal > CALLS_BEFORE_TRIAL)
        this.#rate = Math.min(this.#fullRate, this.#rate + TRIAL_RISE);
      return;
    }
    const rise = this.#rate < this.#safeRate ? QUICK_RISE : this.#slowRise;
    const ceiling = this.#rate < this.#safeRate ? this.#safeRate : this.#fullRate;
    this.#rate = Math.min(ceiling, this.#rate + this.#fullRate * rise);
  }

  async #takeTurn(signal?: AbortSignal): Promise<void> {
    await this.#waitForTurn(signal);
    // Counted from the slot, not from now: a timer that fires a little late must not lower the rate.
    this.#nextAt = Math.max(this.#nextAt, this.#clock.now() - MAX_CATCH_UP_MS) + 1000 / this.#rate;
  }

  async #waitForTurn(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    for (;;) {
      const now = this.#clock.now();
      const waitMs = Math.max(this.#nextAt, this.#pausedUntil) - now;
      if (waitMs <= 0) break;
      await this.#clock.sleep(waitMs, signal);
    }
  }
}

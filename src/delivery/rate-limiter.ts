/**
 * Paces the calls of one endpoint: evenly spaced, first come first served. A 429 pauses all of them and halves the rate,
 * which then rises again: quickly to just under the rate that was refused, slowly beyond.
 */
import type { Clock } from '../clock.ts';

/** The share of a refused rate that counts as safe. */
const SAFE_SHARE = 0.9;
/** How much each accepted call raises the rate, as a share of the full rate: quickly below the safe rate, slowly above. */
const QUICK_RISE = 0.05;
const SLOW_RISE = 0.001;
/** The rate never falls below this share of the full rate. */
const FLOOR_SHARE = 1 / 64;
/** A timer that fires late by up to this much does not delay later calls. */
const MAX_CATCH_UP_MS = 20;

export class RateLimiter {
  readonly #clock: Clock;
  readonly #fullRate: number;
  #rate: number;
  #safeRate: number;
  #nextAt = 0;
  #pausedUntil = 0;
  /** Resolves when all earlier callers have had their turn. */
  #queue: Promise<void> = Promise.resolve();

  /** @param requestsPerSecond the full rate, which is never exceeded */
  constructor(requestsPerSecond: number, clock: Clock) {
    this.#clock = clock;
    this.#fullRate = requestsPerSecond;
    this.#rate = requestsPerSecond;
    this.#safeRate = requestsPerSecond;
  }

  /** The current rate in requests per second. */
  get rate(): number {
    return this.#rate;
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
    if (now >= this.#pausedUntil) {
      this.#safeRate = this.#rate * SAFE_SHARE;
      this.#rate = Math.max(this.#rate / 2, this.#fullRate * FLOOR_SHARE);
    }
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseMs);
  }

  /** To be called after each successful answer. */
  onAccepted(): void {
    if (this.#rate >= this.#fullRate || this.#clock.now() < this.#pausedUntil) return;
    const rise = this.#rate < this.#safeRate ? QUICK_RISE : SLOW_RISE;
    const ceiling = this.#rate < this.#safeRate ? this.#safeRate : this.#fullRate;
    this.#rate = Math.min(ceiling, this.#rate + this.#fullRate * rise);
  }

  async #takeTurn(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    for (;;) {
      const now = this.#clock.now();
      const waitMs = Math.max(this.#nextAt, this.#pausedUntil) - now;
      if (waitMs <= 0) break;
      await this.#clock.sleep(waitMs, signal);
    }
    // Counted from the planned time, not from now: a timer that fires a little late must not lower the rate.
    this.#nextAt = Math.max(this.#nextAt, this.#clock.now() - MAX_CATCH_UP_MS) + 1000 / this.#rate;
  }
}

/**
 * Paces the calls of one endpoint: evenly spaced at a rate, first come first served. A 429 pauses all of them together
 * and halves the rate, which then rises again: quickly to just under the rate that was refused, slowly beyond.
 */
import type { Clock } from '../clock.ts';

/** A share of the refused rate that is taken as safe. */
const SAFE_SHARE = 0.9;
/** Part of the full rate that each granted call adds below, and above, the safe rate. */
const QUICK_RISE = 0.05;
const SLOW_RISE = 0.001;
/** The rate never falls below this part of the full rate. */
const FLOOR_SHARE = 1 / 64;
/** How much lateness of a timer is made up for. */
const MAX_CATCH_UP_MS = 20;

export class RateLimiter {
  readonly #clock: Clock;
  readonly #fullRate: number;
  #rate: number;
  #safeRate: number;
  #nextAt = 0;
  #pausedUntil = 0;
  #line: Promise<void> = Promise.resolve();

  /** @param requestsPerSecond the rate that is never passed */
  constructor(requestsPerSecond: number, clock: Clock) {
    this.#clock = clock;
    this.#fullRate = requestsPerSecond;
    this.#rate = requestsPerSecond;
    this.#safeRate = requestsPerSecond;
  }

  /** Requests per second granted at present. */
  get rate(): number {
    return this.#rate;
  }

  /** Resolves when the caller may send one request. Rejects with the signal's reason when stopped while waiting. */
  acquire(signal?: AbortSignal): Promise<void> {
    const turn = this.#line.then(() => this.#takeTurn(signal));
    this.#line = turn.catch(() => undefined);
    return turn;
  }

  /** Tells of a 429: everyone waits for `pauseMs`, and the rate falls once for all calls that were in flight together. */
  onRefused(pauseMs: number): void {
    const now = this.#clock.now();
    if (now >= this.#pausedUntil) {
      this.#safeRate = this.#rate * SAFE_SHARE;
      this.#rate = Math.max(this.#rate / 2, this.#fullRate * FLOOR_SHARE);
    }
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseMs);
  }

  /** Tells of an answer that was no 429. */
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
    // Counted from the slot, not from now: a timer that fires a little late must not lower the rate.
    this.#nextAt = Math.max(this.#nextAt, this.#clock.now() - MAX_CATCH_UP_MS) + 1000 / this.#rate;
  }
}

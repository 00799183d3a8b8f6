/**
 * A clock that leaps to the next waiter as soon as nothing else goes on in this process. Program and stand-in share it, so that
 * rates, limits and latencies are those of real time, and hours take seconds.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../src/clock.ts';

interface Waiter {
  readonly at: number;
  readonly wake: () => void;
}

/**
 * Turns of the event loop without which a request on its way to the stand-in, or an answer on its way back, might be overtaken. A
 * turn too few only makes a call seem a little slower.
 */
const QUIET_TURNS = 40;

export class LeapingClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  readonly #waiters = new Set<Waiter>();
  #isLeaping = false;

  now(): number {
    return this.#now;
  }

  random(): number {
    return Math.random();
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = () => {
        this.#waiters.delete(waiter);
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        at: this.#now + delayMs,
        wake: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
      void this.#leap();
    });
  }

  async #leap(): Promise<void> {
    if (this.#isLeaping) return;
    this.#isLeaping = true;
    while (this.#waiters.size > 0) {
      for (let turn = 0; turn < QUIET_TURNS; turn++) await nextTurn();
      let next: Waiter | undefined;
      for (const waiter of this.#waiters) if (!next || waiter.at < next.at) next = waiter;
      if (!next) break;
      this.#waiters.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
    this.#isLeaping = false;
  }
}

/** A clock that tests turn by hand. Sleepers wake in order of their time; random() gives a fixed share. */
import type { Clock } from '../../src/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export class HandClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];
  readonly #random: () => number;

  constructor(options: { now?: number; random?: () => number } = {}) {
    this.#now = options.now ?? 1_000_000;
    this.#random = options.random ?? (() => 0.5);
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.#random();
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const sleeper = { at: this.#now + delayMs, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason as Error);
      });
    });
  }

  /** How many wait for the time to pass. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  /** Lets time pass, waking sleepers one by one at their own time, and whoever those wake. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const next = this.#sleepers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.wake();
      await settle();
    }
    this.#now = end;
  }
}

/** Lets every promise that can go on now go on. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

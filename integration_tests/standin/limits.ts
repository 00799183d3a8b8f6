/** Enforces the published rate limits with token buckets. */

export interface Limit {
  readonly calls: number;
  readonly seconds: number;
}

/** Holds at most the tokens of one period of the limit, and is refilled evenly. */
export class TokenBucket {
  readonly capacity: number;
  readonly #perSecond: number;
  readonly #now: () => number;
  #tokens: number;
  #at: number;

  constructor({ calls, seconds }: Limit, now: () => number) {
    this.#perSecond = calls / seconds;
    this.capacity = Math.max(1, calls);
    this.#tokens = this.capacity;
    this.#now = now;
    this.#at = now();
  }

  /** Takes a token; if there is none, returns the params of a 429. */
  take(): { rateLimitLimit: number; rateLimitRemaining: number; rateLimitReset: number } | undefined {
    if (!Number.isFinite(this.#perSecond)) return undefined;
    const now = this.#now();
    this.#tokens = Math.min(this.capacity, this.#tokens + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return undefined;
    }
    return {
      rateLimitLimit: this.capacity,
      rateLimitRemaining: 0,
      rateLimitReset: Math.ceil((1 - this.#tokens) / this.#perSecond),
    };
  }
}

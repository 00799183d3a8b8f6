/** Published rate limits as token buckets: one second's worth of tokens, refilled evenly. */

export class TokenBucket {
  readonly capacity: number;
  readonly #perSecond: number;
  readonly #now: () => number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond;
    this.capacity = Math.max(1, perSecond);
    this.#tokens = this.capacity;
    this.#now = now;
    this.#at = now();
  }

  /** Takes a token; gives what a 429 tells when there is none. */
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

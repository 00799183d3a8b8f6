/** Time and randomness as arguments, so that tests turn the clock by hand. */

export interface Clock {
  /** Milliseconds since the epoch; never goes back, nor jumps. */
  now(): number;
  /** Resolves after `delayMs`, or 24.8 days; rejects with the signal's reason when it is aborted before. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}

/** A timer of more than 24.8 days fires at once (Node's `setTimeout` counts in 31 bits). */
export const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  // The machine's clock may be set while a sync runs: an hour back, and all that is paced would wait for an hour.
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  random: () => Math.random(),
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        Math.min(delayMs, MAX_TIMER_MS),
      );
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

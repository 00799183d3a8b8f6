/** Time and randomness are passed in, so that tests can control them. */

export interface Clock {
  /** Milliseconds since the epoch; monotonic, whatever happens to the system clock. */
  now(): number;
  /** Resolves after `delayMs`, at most 24.8 days; rejects with the signal's reason if it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}

/** A timer of more than 24.8 days fires at once (Node's `setTimeout` counts in 31 bits). */
export const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  // Not Date.now(): if the system clock were set back an hour during a sync, every rate-limited call would wait an
  // hour.
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

/** Repeats what may fail for a while. How long to wait, and when to give up, is for the caller to say. */
import pRetry from 'p-retry';

export interface RetryOptions {
  /** Called after each failed attempt (1, 2, …): waits until the next one is due, or throws what ends the repetition. */
  readonly afterFailure: (error: Error, attempt: number) => Promise<void>;
  /** Ends the repetition; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** Gives what the first attempt that succeeds gives. */
export function retry<T>(
  attempt: (attempt: number) => Promise<T>,
  { afterFailure, signal }: RetryOptions,
): Promise<T> {
  return pRetry(attempt, {
    retries: Infinity,
    minTimeout: 0,
    ...(signal ? { signal } : {}),
    onFailedAttempt: ({ error, attemptNumber }) => afterFailure(error, attemptNumber),
  });
}

/** How long something was tried, for people: `30 minutes`, `20 seconds`. */
export function durationText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  const [count, unit] = minutes >= 1 ? [minutes, 'minute'] : [ms / 1000, 'second'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** Retries an operation that may fail temporarily. The caller decides how long to wait and when to give up. */
import pRetry from 'p-retry';

export interface RetryOptions {
  /** Called after each failed attempt (1, 2, …). Waits until the next attempt is due, or throws to stop retrying. */
  readonly afterFailure: (error: Error, attempt: number) => Promise<void>;
  /** Stops retrying; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** Resolves with the result of the first attempt that succeeds. */
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

/** A duration for messages: `30 minutes`, `20 seconds`. */
export function durationText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  const [count, unit] = minutes >= 1 ? [minutes, 'minute'] : [ms / 1000, 'second'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** How long writes to a remote store are retried, and how retries are reported. */
import type { Clock } from '../clock.ts';

export interface RetryPolicy {
  readonly clock: Clock;
  /** How long one write is retried, waits included, before it fails with a TransientError. */
  readonly budgetMs: number;
  readonly attemptTimeoutMs: number;
  /** Called before each wait, with a message that contains no secret and no data of a record. */
  readonly onRetry?: (message: string) => void;
  /** Aborted when the run is stopped; writes in progress then have a few more seconds. */
  readonly stop?: AbortSignal;
}

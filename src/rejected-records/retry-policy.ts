/** How long a store across the network is tried, and who is told while it is. */
import type { Clock } from '../clock.ts';

export interface RetryPolicy {
  readonly clock: Clock;
  /** How long one write is tried for, waits included, before a TransientError. */
  readonly budgetMs: number;
  readonly attemptTimeoutMs: number;
  /** Told before each wait, in words that name no secret and no record. */
  readonly onRetry?: (message: string) => void;
  /** The run ends: what is being written has a few more seconds. */
  readonly stop?: AbortSignal;
}

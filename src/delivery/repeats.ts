/** For calls that are not idempotent: the answer to a retry may be the effect of an earlier attempt whose answer was lost. */
import type { Operation } from '../iterable/client.ts';
import { ApiError } from '../iterable/errors.ts';

export interface Repeatable<T> {
  readonly answer: T;
  /** An earlier attempt may already have taken effect. */
  readonly isRepeated: boolean;
}

/** Wraps an operation so that its answer says whether it may be a repetition. To be used for one call only. */
export function notingRepeats<T>(operation: Operation<T>): Operation<Repeatable<T>> {
  let isRepeated = false;
  return {
    endpoint: operation.endpoint,
    attempt: async (signal) => {
      try {
        return { answer: await operation.attempt(signal), isRepeated };
      } catch (error) {
        // Only a 429 proves that the attempt had no effect.
        if (!(error instanceof ApiError) || error.status !== 429) isRepeated = true;
        throw error;
      }
    },
  };
}

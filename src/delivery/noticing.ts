/** A call that is not the same when it is made twice: its answer may speak of what an earlier attempt has done, whose answer was lost. */
import type { Operation } from '../iterable/client.ts';
import { ApiError } from '../iterable/errors.ts';

export interface Noticed<T> {
  readonly answer: T;
  /** An earlier attempt may have been carried out. */
  readonly isRepeated: boolean;
}

/** The operation, and whether its answer is that to a repetition. For one call. */
export function noticing<T>(operation: Operation<T>): Operation<Noticed<T>> {
  let isRepeated = false;
  return {
    endpoint: operation.endpoint,
    attempt: async (signal) => {
      try {
        return { answer: await operation.attempt(signal), isRepeated };
      } catch (error) {
        // Only a 429 says for sure that nothing was done.
        if (!(error instanceof ApiError) || error.status !== 429) isRepeated = true;
        throw error;
      }
    },
  };
}

/** What to do about a failed call, as a table: by how it failed, its HTTP status and Iterable's code. */
import { ApiError, NoAnswerError } from '../iterable/errors.ts';

/**
 * - `retry`: it may pass by itself; wait and send the same again.
 * - `halve`: the body is too large as a whole; send it in smaller pieces.
 * - `narrow`: something in it is refused; find out what, reject that, deliver the rest.
 * - `stop`: no call will pass until the operator changes something.
 */
export type Verdict = 'retry' | 'halve' | 'narrow' | 'stop';

const BY_STATUS: Readonly<Record<number, Verdict>> = {
  400: 'narrow',
  401: 'stop',
  403: 'stop',
  404: 'stop',
  405: 'stop',
  408: 'retry',
  409: 'narrow',
  413: 'halve',
  422: 'narrow',
  425: 'retry',
  429: 'retry',
};

/** Codes that say more than the status they come with. */
const BY_CODE: Readonly<Record<string, Verdict>> = {
  BatchTooLarge: 'halve',
  RateLimitExceeded: 'retry',
  DatabaseError: 'retry',
  BadApiKey: 'stop',
  Unauthorized: 'stop',
  Forbidden: 'stop',
  ForbiddenParamsError: 'stop',
  BadAuthorizationHeader: 'stop',
  UnknownEmailError: 'narrow',
  UnknownUserIdError: 'narrow',
};

/** The verdict on an error that a call threw. An error that is not a call's own (a bug, a stop signal) has none. */
export function classify(error: unknown): Verdict | undefined {
  if (error instanceof NoAnswerError) return 'retry';
  if (!(error instanceof ApiError)) return undefined;
  if (error.status >= 500) return 'retry';
  const verdict =
    (error.apiCode === undefined ? undefined : BY_CODE[error.apiCode]) ?? BY_STATUS[error.status] ?? 'stop';
  return verdict === 'narrow' && !error.isOfIterable ? 'retry' : verdict;
}

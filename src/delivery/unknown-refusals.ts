/**
 * Watches refusals that don't say what is wrong: without an error code, or with one that this version does not know. When
 * one user after the other is refused like that, the users can't be at fault, and the sync fails instead of rejecting them.
 */
import { TransientError } from '../errors.ts';
import type { ApiError } from '../iterable/errors.ts';
import { meaningOf } from './classify.ts';

/** The sync fails after this many users in a row that were refused alone, with no call accepted in between. */
const MAX_ALONE_IN_A_ROW = 10;

export class UnknownRefusals {
  readonly #onFirst: (error: ApiError) => void;
  readonly #reported = new Set<string | undefined>();
  /** Endpoint → number of users refused alone since the endpoint last accepted a call. */
  readonly #aloneInARow = new Map<string, number>();

  /** @param onFirst called for the first refusal with each unknown code */
  constructor(onFirst: (error: ApiError) => void) {
    this.#onFirst = onFirst;
  }

  /** To be called for each refusal; ignores those with a known code. */
  note(error: ApiError): void {
    if (meaningOf(error)?.cause !== 'unknown' || this.#reported.has(error.apiCode)) return;
    this.#reported.add(error.apiCode);
    this.#onFirst(error);
  }

  /** To be called for each accepted call. */
  noteAccepted(endpoint: string): void {
    if (this.#aloneInARow.size > 0) this.#aloneInARow.delete(endpoint);
  }

  /**
   * To be called when a user was refused alone by an answer that names nothing about it. Throws TransientError after
   * {@link MAX_ALONE_IN_A_ROW} of them.
   * @param ofOneCall how many users of the same bulk call were, this one included, if no part of that call was accepted
   */
  noteAlone(error: ApiError, ofOneCall = 1): void {
    if (!saysNothing(error)) return;
    const inARow = (this.#aloneInARow.get(error.endpoint) ?? 0) + 1;
    this.#aloneInARow.set(error.endpoint, inARow);
    if (Math.max(inARow, ofOneCall) >= MAX_ALONE_IN_A_ROW) throw explainRefusal(error, 'every user');
  }
}

/** Text for a rejection or a log: the refusal's error code is missing or unknown. */
export function describeUnknown({ message, apiCode }: ApiError): string {
  return apiCode === undefined
    ? `${message}, without a code that says why`
    : `${message}, a code that this version of the connector does not know`;
}

/** Includes a body that Iterable can't read: callers only report those whose answer has no path to a user. */
function saysNothing(error: ApiError): boolean {
  const meaning = meaningOf(error);
  return meaning?.cause === 'unknown' || (meaning?.cause === 'call' && meaning.action === 'narrow');
}

/** The error for a refusal that can't be blamed on a record. */
export function explainRefusal(error: ApiError, what: 'every user' | 'a call'): TransientError {
  const kept =
    what === 'every user'
      ? ' The records of the call are not rejected, and no state of theirs is given back.'
      : '';
  return new TransientError(
    'iterable_refuses',
    `Iterable refuses ${what} ${howRefused(error)}.${kept} Run the sync again later; if it stays so, use a newer version of the ` +
      `connector, or ask Iterable's support what the answer means.`,
    { cause: error },
  );
}

function howRefused({ status, apiCode, endpoint }: ApiError): string {
  if (apiCode === undefined) return `without a code that says why (HTTP ${status}, ${endpoint})`;
  return apiCode === 'BadJsonBody'
    ? `as a body that it can't read, and names no user of it (HTTP ${status}, ${apiCode}, ${endpoint})`
    : `with a code that this version of the connector does not know: ${apiCode} (HTTP ${status}, ${endpoint})`;
}

/**
 * Watches refusals that say nothing about a user: by a code that this version does not know, or by none. Where one user after
 * the other is refused so, the users can't be at fault, and the sync ends before they are rejected.
 */
import { TransientError } from '../errors.ts';
import type { ApiError } from '../iterable/errors.ts';
import { meaningOf } from './classify.ts';

/** So many users in a row, each alone, with no call accepted in between. */
const MAX_ALONE_IN_A_ROW = 10;

export class UnknownRefusals {
  readonly #onFirst: (error: ApiError) => void;
  readonly #reported = new Set<string | undefined>();
  /** Endpoint → users who were refused alone since it last accepted a call. */
  readonly #aloneInARow = new Map<string, number>();

  /** @param onFirst called at the first refusal by each code */
  constructor(onFirst: (error: ApiError) => void) {
    this.#onFirst = onFirst;
  }

  /** For each refusal; those by known codes change nothing. */
  note(error: ApiError): void {
    if (meaningOf(error)?.speaksOf !== 'unknown' || this.#reported.has(error.apiCode)) return;
    this.#reported.add(error.apiCode);
    this.#onFirst(error);
  }

  /** For each accepted call. */
  noteAccepted(endpoint: string): void {
    if (this.#aloneInARow.size > 0) this.#aloneInARow.delete(endpoint);
  }

  /**
   * A user was refused alone, and the answer named nothing of it. Throws TransientError when that has gone on for too long.
   * @param ofOneCall users of the same bulk call who were, this one included, if no part of it passed
   */
  noteAlone(error: ApiError, ofOneCall = 1): void {
    if (!saysNothing(error)) return;
    const inARow = (this.#aloneInARow.get(error.endpoint) ?? 0) + 1;
    this.#aloneInARow.set(error.endpoint, inARow);
    if (Math.max(inARow, ofOneCall) >= MAX_ALONE_IN_A_ROW) throw explainRefusal(error, 'every user');
  }
}

/** How a reason for a rejection, or a log, says that the meaning of a refusal is not known. */
export function describeUnknown({ message, apiCode }: ApiError): string {
  return apiCode === undefined
    ? `${message}, without a code that says why`
    : `${message}, a code that this version of the connector does not know`;
}

/** A shape that can't be read, with no path that leads to a user, is no user's either. */
function saysNothing(error: ApiError): boolean {
  const meaning = meaningOf(error);
  return meaning?.speaksOf === 'unknown' || (meaning?.speaksOf === 'call' && meaning.verdict === 'narrow');
}

/** The failure that follows from a refusal which is about no record. */
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

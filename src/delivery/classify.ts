/**
 * What a failed call speaks of, and what to do about it, as tables: by Iterable's code, else by the HTTP status and whether
 * the answer is Iterable's own. Source: Iterable's page of codes and statuses, and practice of its peers.
 */
import { ApiError, isApiCode, NoAnswerError, type ApiCode } from '../iterable/errors.ts';

/**
 * - `retry`: it may pass by itself; wait and send the same again.
 * - `halve`: the body is too large as a whole; send it in smaller pieces.
 * - `narrow`: something in it is refused; find out what, reject that, deliver the rest.
 * - `stop`: no call will pass until the operator changes something.
 */
export type Verdict = 'retry' | 'halve' | 'narrow' | 'stop';

/**
 * - `record`: one user of the call. `call`: its size or shape. `project`, `key`: each call, until the operator acts.
 * - `passing`: Iterable's state just now. `nobody`: it is not Iterable's answer.
 * - `unknown`: any of these, since the code is not a known one, or says nothing.
 */
export type SpeaksOf = 'record' | 'call' | 'project' | 'key' | 'passing' | 'nobody' | 'unknown';

export interface Meaning {
  readonly speaksOf: SpeaksOf;
  readonly verdict: Verdict;
}

const RECORD: Meaning = { speaksOf: 'record', verdict: 'narrow' };
const SIZE: Meaning = { speaksOf: 'call', verdict: 'halve' };
const SHAPE: Meaning = { speaksOf: 'call', verdict: 'narrow' };
const PROJECT: Meaning = { speaksOf: 'project', verdict: 'stop' };
const KEY: Meaning = { speaksOf: 'key', verdict: 'stop' };
const PASSING: Meaning = { speaksOf: 'passing', verdict: 'retry' };
const NOBODY: Meaning = { speaksOf: 'nobody', verdict: 'retry' };
const UNKNOWN: Meaning = { speaksOf: 'unknown', verdict: 'narrow' };

/** Below HTTP 500, from where on everything passes. */
const BY_CODE: Readonly<Record<ApiCode, Meaning | 'by status'>> = {
  BadApiKey: KEY,
  BadAuthorizationHeader: KEY,
  BadJsonBody: SHAPE,
  BadParams: RECORD,
  BatchTooLarge: SIZE,
  DatabaseError: PASSING,
  EmailAlreadyExists: RECORD,
  ExternalKeyConflict: RECORD,
  Forbidden: KEY,
  ForbiddenParamsError: KEY,
  ForgottenUserError: RECORD,
  GenericError: 'by status',
  InvalidEmailAddressError: RECORD,
  // JWT concerns keys for web and mobile alone, which are the wrong ones here.
  InvalidJwtPayload: KEY,
  InvalidUserIdError: RECORD,
  JwtUserIdentifiersMismatched: KEY,
  NotFound: 'by status',
  QueueEmailError: PASSING,
  RateLimitExceeded: PASSING,
  RequestFieldsTypesMismatched: RECORD,
  // Iterable sends it on errors, too.
  Success: 'by status',
  Unauthorized: KEY,
  UniqueFieldsLimitExceeded: PROJECT,
  UnknownEmailError: RECORD,
  UnknownUserIdError: RECORD,
  UserIdAlreadyExists: RECORD,
};

interface ByOrigin {
  /** An answer in Iterable's form, with no code or one that says nothing. */
  readonly ofIterable: Meaning;
  /** A page, or JSON of another form. */
  readonly ofOthers: Meaning;
}

const BY_STATUS: Readonly<Record<number, ByOrigin>> = {
  401: { ofIterable: KEY, ofOthers: NOBODY },
  403: { ofIterable: KEY, ofOthers: NOBODY },
  404: { ofIterable: PROJECT, ofOthers: NOBODY },
  405: { ofIterable: PROJECT, ofOthers: NOBODY },
  408: { ofIterable: PASSING, ofOthers: PASSING },
  // A gateway's limit of a body's size, too: smaller pieces may pass it.
  413: { ofIterable: SIZE, ofOthers: SIZE },
  425: { ofIterable: PASSING, ofOthers: PASSING },
  429: { ofIterable: PASSING, ofOthers: PASSING },
};
const OTHER_3XX: ByOrigin = { ofIterable: PROJECT, ofOthers: NOBODY };
const OTHER_4XX: ByOrigin = { ofIterable: UNKNOWN, ofOthers: NOBODY };

/** What an error that a call threw says. One that is not a call's own (a bug, a stop signal) has no meaning here. */
export function meaningOf(error: unknown): Meaning | undefined {
  if (error instanceof NoAnswerError) return PASSING;
  if (!(error instanceof ApiError)) return undefined;
  const { status, apiCode, isOfIterable } = error;
  if (status >= 500) return PASSING;
  const byCode = isOfIterable && isApiCode(apiCode) ? BY_CODE[apiCode] : 'by status';
  if (byCode !== 'by status') return byCode;
  const byStatus = BY_STATUS[status] ?? (status < 400 ? OTHER_3XX : OTHER_4XX);
  return isOfIterable ? byStatus.ofIterable : byStatus.ofOthers;
}

/** The verdict of {@link meaningOf}. */
export function classify(error: unknown): Verdict | undefined {
  return meaningOf(error)?.verdict;
}

/** True for what another host than Iterable's answers: a page that knows no such path. Before Iterable's first own answer, that is what it means. */
export function mayBeWrongHost({ status, isOfIterable }: ApiError): boolean {
  return !isOfIterable && (status < 400 || status === 404 || status === 405);
}

/**
 * What caused a failed call and what to do about it, as tables: by Iterable's error code, or else by the HTTP status and
 * whether the answer came from Iterable itself. Sources: Iterable's page of codes and statuses, and comparable connectors.
 */
import { ApiError, isApiCode, NoAnswerError, type ApiCode } from '../iterable/errors.ts';

/**
 * - `retry`: the same call may succeed later; wait and send it again.
 * - `halve`: the body is too large as a whole; send it in smaller pieces.
 * - `narrow`: some of the content is refused; find out which user, reject that one, deliver the others.
 * - `stop`: no call can succeed until the operator changes something.
 */
export type Action = 'retry' | 'halve' | 'narrow' | 'stop';

/**
 * - `record`: one user of the call.
 * - `call`: the size or shape of the call.
 * - `project`, `key`: the project or the API key; every call fails until the operator acts.
 * - `transient`: a temporary state of Iterable.
 * - `intermediary`: the answer did not come from Iterable but from a gateway, proxy or firewall.
 * - `unknown`: can be any of these, since this version does not know the error code, or the code says nothing.
 */
export type Cause = 'record' | 'call' | 'project' | 'key' | 'transient' | 'intermediary' | 'unknown';

export interface Meaning {
  readonly cause: Cause;
  readonly action: Action;
}

const RECORD: Meaning = { cause: 'record', action: 'narrow' };
const SIZE: Meaning = { cause: 'call', action: 'halve' };
const SHAPE: Meaning = { cause: 'call', action: 'narrow' };
const PROJECT: Meaning = { cause: 'project', action: 'stop' };
const KEY: Meaning = { cause: 'key', action: 'stop' };
const TRANSIENT: Meaning = { cause: 'transient', action: 'retry' };
const INTERMEDIARY: Meaning = { cause: 'intermediary', action: 'retry' };
const UNKNOWN: Meaning = { cause: 'unknown', action: 'narrow' };

/** For statuses below 500; from 500 on every failure is transient, whatever its code. */
const BY_CODE: Readonly<Record<ApiCode, Meaning | 'by status'>> = {
  BadApiKey: KEY,
  BadAuthorizationHeader: KEY,
  BadJsonBody: SHAPE,
  BadParams: RECORD,
  BatchTooLarge: SIZE,
  DatabaseError: TRANSIENT,
  EmailAlreadyExists: RECORD,
  ExternalKeyConflict: RECORD,
  Forbidden: KEY,
  ForbiddenParamsError: KEY,
  ForgottenUserError: RECORD,
  GenericError: 'by status',
  InvalidEmailAddressError: RECORD,
  // Only keys for web and mobile use JWT, and those are the wrong keys here.
  InvalidJwtPayload: KEY,
  InvalidUserIdError: RECORD,
  JwtUserIdentifiersMismatched: KEY,
  NotFound: 'by status',
  QueueEmailError: TRANSIENT,
  RateLimitExceeded: TRANSIENT,
  RequestFieldsTypesMismatched: RECORD,
  // Iterable also sends this code with errors.
  Success: 'by status',
  Unauthorized: KEY,
  UniqueFieldsLimitExceeded: PROJECT,
  UnknownEmailError: RECORD,
  UnknownUserIdError: RECORD,
  UserIdAlreadyExists: RECORD,
};

interface ByOrigin {
  /** An answer in Iterable's format, with no error code or one that says nothing. */
  readonly ofIterable: Meaning;
  /** An HTML page, or JSON in another format. */
  readonly ofOthers: Meaning;
}

const BY_STATUS: Readonly<Record<number, ByOrigin>> = {
  401: { ofIterable: KEY, ofOthers: INTERMEDIARY },
  403: { ofIterable: KEY, ofOthers: INTERMEDIARY },
  404: { ofIterable: PROJECT, ofOthers: INTERMEDIARY },
  405: { ofIterable: PROJECT, ofOthers: INTERMEDIARY },
  408: { ofIterable: TRANSIENT, ofOthers: TRANSIENT },
  // A gateway may limit the size of a body as well; smaller pieces may get through.
  413: { ofIterable: SIZE, ofOthers: SIZE },
  425: { ofIterable: TRANSIENT, ofOthers: TRANSIENT },
  429: { ofIterable: TRANSIENT, ofOthers: TRANSIENT },
};
const OTHER_3XX: ByOrigin = { ofIterable: PROJECT, ofOthers: INTERMEDIARY };
const OTHER_4XX: ByOrigin = { ofIterable: UNKNOWN, ofOthers: INTERMEDIARY };

/** Classifies an error that a call threw. Undefined for errors that are no failed call (a bug, a stop signal). */
export function meaningOf(error: unknown): Meaning | undefined {
  if (error instanceof NoAnswerError) return TRANSIENT;
  if (!(error instanceof ApiError)) return undefined;
  const { status, apiCode, isOfIterable } = error;
  if (status >= 500) return TRANSIENT;
  const byCode = isOfIterable && isApiCode(apiCode) ? BY_CODE[apiCode] : 'by status';
  if (byCode !== 'by status') return byCode;
  const byStatus = BY_STATUS[status] ?? (status < 400 ? OTHER_3XX : OTHER_4XX);
  return isOfIterable ? byStatus.ofIterable : byStatus.ofOthers;
}

/** The action of {@link meaningOf}. */
export function classify(error: unknown): Action | undefined {
  return meaningOf(error)?.action;
}

/**
 * True for an answer such as a host other than Iterable's gives to an unknown path. It counts as a wrong host only as long
 * as Iterable itself has not answered any call.
 */
export function mayBeWrongHost({ status, isOfIterable }: ApiError): boolean {
  return !isOfIterable && (status < 400 || status === 404 || status === 405);
}

/** What can come back from one call instead of the promised answer. What to do about it is decided in delivery/classify.ts. */

/** Every `code` of Iterable's answers. Source: the enum of `IterableApiResponse` in Iterable's API description. */
export const API_CODES = [
  'BadApiKey',
  'BadAuthorizationHeader',
  'BadJsonBody',
  'BadParams',
  'BatchTooLarge',
  'DatabaseError',
  'EmailAlreadyExists',
  'ExternalKeyConflict',
  'Forbidden',
  'ForbiddenParamsError',
  'ForgottenUserError',
  'GenericError',
  'InvalidEmailAddressError',
  'InvalidJwtPayload',
  'InvalidUserIdError',
  'JwtUserIdentifiersMismatched',
  'NotFound',
  'QueueEmailError',
  'RateLimitExceeded',
  'RequestFieldsTypesMismatched',
  'Success',
  'Unauthorized',
  'UniqueFieldsLimitExceeded',
  'UnknownEmailError',
  'UnknownUserIdError',
  'UserIdAlreadyExists',
] as const;
export type ApiCode = (typeof API_CODES)[number];

export function isApiCode(code: unknown): code is ApiCode {
  return (API_CODES as readonly unknown[]).includes(code);
}

/** The answer had an error status: Iterable's own, or that of something before it. */
export class ApiError extends Error {
  /** As {@link Endpoint.name} has it. */
  readonly endpoint: string;
  readonly status: number;
  /**
   * False for an answer without Iterable's own body: it comes from something else (a gateway, a firewall, a wrong host), and
   * its status says nothing about the key, a record or the project.
   */
  readonly isOfIterable: boolean;
  /** Iterable's `code`; `Success` and a missing code both read as undefined, since Iterable sends `Success` on errors too. */
  readonly apiCode: string | undefined;
  /** Iterable's `msg`. May quote a record: never for logs. */
  readonly apiMessage: string;
  readonly params: unknown;
  /** What the server asked for, by `Retry-After` or `params.rateLimitReset`. */
  readonly retryAfterMs: number | undefined;
  /** ` through the proxy …`, where one was asked; else empty. */
  readonly via: string;

  constructor(
    endpoint: string,
    answer: {
      status: number;
      isOfIterable?: boolean;
      apiCode?: string | undefined;
      apiMessage: string;
      params?: unknown;
      retryAfterMs?: number | undefined;
      via?: string;
    },
  ) {
    const { status, apiCode, isOfIterable = true, via = '' } = answer;
    super(
      isOfIterable
        ? `Iterable answered ${endpoint}${via} with HTTP ${status}${apiCode === undefined ? '' : ` (${apiCode})`}`
        : `The answer to ${endpoint}${via} was HTTP ${status}, without Iterable's own body`,
    );
    this.name = 'ApiError';
    this.endpoint = endpoint;
    this.status = status;
    this.isOfIterable = isOfIterable;
    this.apiCode = answer.apiCode;
    this.apiMessage = answer.apiMessage;
    this.params = answer.params;
    this.retryAfterMs = answer.retryAfterMs;
    this.via = via;
  }
}

/** No usable answer: the network failed, time ran out, or the body is not what the API promises. The call may have been applied. */
export class NoAnswerError extends Error {
  constructor(endpoint: string, what: string, options?: { cause?: unknown }) {
    super(`Iterable gave no usable answer to ${endpoint}: ${what}`, options);
    this.name = 'NoAnswerError';
  }
}

/**
 * True for Iterable's answers about a user that it does not know: the codes that say so, a 404 by practice of its peers, and
 * the 400 that a deletion by user id was recorded with. Any other 400 is no such answer.
 */
export function isUnknownUser({ status, apiCode, apiMessage, isOfIterable }: ApiError): boolean {
  if (!isOfIterable || status >= 500) return false;
  if (apiCode === 'UnknownUserIdError' || apiCode === 'UnknownEmailError' || status === 404) return true;
  return apiCode === 'BadParams' && status === 400 && UNKNOWN_USER_MESSAGE.test(apiMessage);
}

/** Recorded: "User does not exist. Email:  UserId: X". */
const UNKNOWN_USER_MESSAGE = /\buser\b.*\bdoes not exist\b/i;

/** True for Iterable's refusal of a look-up, which says nothing but which user it looks for: no user can have such an address or id. */
export function isImpossibleUser({ status, apiCode = '' }: ApiError): boolean {
  if (apiCode === 'ForgottenUserError') return status < 500;
  return status === 400 && IMPOSSIBLE.includes(apiCode);
}

const IMPOSSIBLE = ['InvalidEmailAddressError', 'InvalidUserIdError', 'BadParams'];

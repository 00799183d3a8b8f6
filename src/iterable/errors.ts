/** The errors of a single call. delivery/classify.ts decides what to do about them. */

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

/** The answer had an error status, from Iterable itself or from something in between. */
export class ApiError extends Error {
  /** The {@link Endpoint.name}. */
  readonly endpoint: string;
  readonly status: number;
  /**
   * False for an answer whose body is not in Iterable's format: it comes from something else (a gateway, a firewall, a wrong
   * host), and its status says nothing about the key, a record or the project.
   */
  readonly isOfIterable: boolean;
  /** Iterable's `code`. Undefined for a missing code and for `Success`, which Iterable also sends with errors. */
  readonly apiCode: string | undefined;
  /** Iterable's `msg`. May quote a record, so it must not be logged. */
  readonly apiMessage: string;
  readonly params: unknown;
  /** The pause that the server asked for, by `Retry-After` or `params.rateLimitReset`. */
  readonly retryAfterMs: number | undefined;
  /** ` through the proxy …` if the request went through one, else empty. */
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

/** No usable answer: network failure, timeout, or an unexpected body. The call may have taken effect all the same. */
export class NoAnswerError extends Error {
  constructor(endpoint: string, what: string, options?: { cause?: unknown }) {
    super(`Iterable gave no usable answer to ${endpoint}: ${what}`, options);
    this.name = 'NoAnswerError';
  }
}

/**
 * True for Iterable's answers about an unknown user: the codes that say so, a 404 as comparable connectors report it, and
 * the recorded 400 to a deletion by user id. Other 400 answers don't count.
 */
export function isUnknownUser({ status, apiCode, apiMessage, isOfIterable }: ApiError): boolean {
  if (!isOfIterable || status >= 500) return false;
  if (apiCode === 'UnknownUserIdError' || apiCode === 'UnknownEmailError' || status === 404) return true;
  return apiCode === 'BadParams' && status === 400 && UNKNOWN_USER_MESSAGE.test(apiMessage);
}

/** Recorded from Iterable: "User does not exist. Email:  UserId: X". */
const UNKNOWN_USER_MESSAGE = /\buser\b.*\bdoes not exist\b/i;

/** True if Iterable refuses a look-up because no user can have such an address or id, or because the user was erased. */
export function isImpossibleUser({ status, apiCode = '' }: ApiError): boolean {
  if (apiCode === 'ForgottenUserError') return status < 500;
  return status === 400 && IMPOSSIBLE.includes(apiCode);
}

const IMPOSSIBLE = ['InvalidEmailAddressError', 'InvalidUserIdError', 'BadParams'];

/** What can come back from one call instead of the promised answer. What to do about it is decided in delivery/classify.ts. */

/** Iterable answered with an error status. */
export class ApiError extends Error {
  readonly status: number;
  /** Iterable's `code`; `Success` and a missing code both read as undefined, since Iterable sends `Success` on errors too. */
  readonly apiCode: string | undefined;
  /** Iterable's `msg`. May quote a record: never for logs. */
  readonly apiMessage: string;
  readonly params: unknown;
  /** What the server asked for, by `Retry-After` or `params.rateLimitReset`. */
  readonly retryAfterMs: number | undefined;

  constructor(
    endpoint: string,
    answer: {
      status: number;
      apiCode?: string | undefined;
      apiMessage: string;
      params?: unknown;
      retryAfterMs?: number | undefined;
    },
  ) {
    super(
      `Iterable answered ${endpoint} with HTTP ${answer.status}${answer.apiCode === undefined ? '' : ` (${answer.apiCode})`}`,
    );
    this.name = 'ApiError';
    this.status = answer.status;
    this.apiCode = answer.apiCode;
    this.apiMessage = answer.apiMessage;
    this.params = answer.params;
    this.retryAfterMs = answer.retryAfterMs;
  }

  /** False for an answer without Iterable's own body: it comes from something else (a gateway, a wrong host), and says nothing about a user. */
  get isOfIterable(): boolean {
    return this.apiCode !== undefined || this.apiMessage !== '' || this.params !== undefined;
  }
}

/** No usable answer: the network failed, time ran out, or the body is not what the API promises. The call may have been applied. */
export class NoAnswerError extends Error {
  constructor(endpoint: string, what: string, options?: { cause?: unknown }) {
    super(`Iterable gave no usable answer to ${endpoint}: ${what}`, options);
    this.name = 'NoAnswerError';
  }
}

/** True for Iterable's answers about a user it does not know, by practice of its peers: 404, or a 400 that says so. */
export function isUnknownUser({ status, apiCode, isOfIterable }: ApiError): boolean {
  if (apiCode === 'UnknownUserIdError' || apiCode === 'UnknownEmailError' || apiCode === 'NotFound')
    return true;
  return status === 404 && isOfIterable;
}

/** True for Iterable's 400 to a look-up, which says nothing but whom it looks for: nobody can have such an address or id. */
export function isImpossibleUser({ status, apiCode = '' }: ApiError): boolean {
  return status === 400 && IMPOSSIBLE.includes(apiCode);
}

const IMPOSSIBLE = ['InvalidEmailAddressError', 'InvalidUserIdError', 'BadParams'];

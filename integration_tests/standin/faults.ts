/** Named faults that a test can inject: everything that can go wrong between a client and Iterable. */

/** What the client gets instead of the stand-in's normal answer. */
export interface Fault {
  /** If true, the request takes effect before the fault; otherwise not at all. */
  readonly afterApplying?: boolean;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The connection is cut. */
  readonly reset?: boolean;
  /** No answer is ever sent. */
  readonly hang?: boolean;
  /** The normal answer is sent after this delay. */
  readonly delayMs?: number;
  /** The headers and a part of the body of the normal answer are sent, and then nothing. */
  readonly stall?: boolean;
}

const html = { 'Content-Type': 'text/html' };
const rateLimited = (params: unknown) =>
  JSON.stringify({ code: 'RateLimitExceeded', msg: 'slow down', params });

/** An answer in Iterable's format. */
export function refusal(status: number, code: string, msg: string, params: unknown = null): Fault {
  return { status, body: JSON.stringify({ msg, code, params }) };
}

/** An HTML page, such as a proxy, firewall or gateway between the client and Iterable answers. */
export function page(status: number): Fault {
  return { status, headers: html, body: `<html><body>${status}</body></html>` };
}

/** Refuses the whole call because of fields that exceed the project's limit. */
export function tooManyFields(newFields: readonly string[]): Fault {
  return refusal(400, 'UniqueFieldsLimitExceeded', 'The project has too many unique fields', {
    limit: 1000,
    requestedTotal: 1000 + newFields.length,
    newFields,
  });
}

/** A retry of the call succeeds. */
export const TRANSIENT_FAULTS = {
  'a 429 with a reset': { status: 429, body: rateLimited({ rateLimitReset: 0.05 }) },
  'a 429 with Retry-After': { status: 429, headers: { 'Retry-After': '0' }, body: rateLimited(null) },
  'a 429 without a body': { status: 429 },
  'a 500 whose code is Success': { status: 500, body: '{"code":"Success","msg":"","params":null}' },
  'a 503 without a body': { status: 503 },
  'a gateway’s HTML 502': { status: 502, headers: html, body: '<html>Bad gateway</html>' },
  'a 504 after the call was applied': { status: 504, headers: html, body: '<html/>', afterApplying: true },
  'a 408': { status: 408 },
  'a database error as 400': { status: 400, body: '{"code":"DatabaseError","msg":"try again"}' },
  'a queue error as 400': refusal(400, 'QueueEmailError', 'try again'),
  'a queue error as 500': refusal(500, 'QueueEmailError', 'try again'),
  'a generic error as 500': refusal(500, 'GenericError', 'An error occurred'),
  'a proxy’s page with 400': page(400),
  'a proxy’s page with 401': page(401),
  'a 401 without a body': { status: 401 },
  'a firewall’s page with 403': page(403),
  'a cloud gateway’s own JSON with 403': { status: 403, body: '{"message":"Forbidden"}' },
  'another gateway’s own JSON with 403': { status: 403, body: '{"error":{"code":"AccessDenied"}}' },
  'a gateway’s page with 409': page(409),
  'a page with 451': page(451),
  'a reset before the call was applied': { reset: true },
  'a reset after the call was applied': { reset: true, afterApplying: true },
  'no answer before the call was applied': { hang: true },
  'no answer after the call was applied': { hang: true, afterApplying: true },
  'an answer that stops half-way': { stall: true, afterApplying: true },
  'a slow answer': { delayMs: 40, afterApplying: true },
  'a 200 that is HTML': { status: 200, headers: html, body: '<html>Log in</html>' },
  'a 200 that is cut off': { status: 200, body: '{"', afterApplying: true },
  'a 200 without a body': { status: 200, body: '', afterApplying: true },
  'a 200 with other JSON': { status: 200, body: '["odd"]', afterApplying: true },
} as const satisfies Record<string, Fault>;

/** Every call fails until the operator changes something. */
export const PERMANENT_FAULTS = {
  'a bad key': refusal(401, 'BadApiKey', 'Invalid API key', { ip: '192.0.2.1', endpoint: '/api' }),
  'a bad key whose code is Success': refusal(401, 'Success', 'Invalid API key', {
    ip: '192.0.2.1',
    endpoint: '/api',
  }),
  'a disabled key': refusal(401, 'BadApiKey', 'Disabled API key or insufficient privileges', {
    ip: '192.0.2.1',
    endpoint: '/api',
    apiKeyIdentifier: 'k1',
    apiKeyType: 'ServerSide',
  }),
  'a key for web or mobile': refusal(400, 'InvalidJwtPayload', 'no'),
  'a missing permission': refusal(403, 'Forbidden', 'no'),
  'too many fields': tooManyFields(['one', 'two']),
} as const satisfies Record<string, Fault>;

/**
 * Answers of a host other than Iterable's. As the answer to the first call they mean a wrong host; later they are transient,
 * like any HTML page.
 */
export const WRONG_HOST_FAULTS = {
  'a host without the API': page(404),
  'a host that does not allow the method': page(405),
  'a redirect': { status: 302, headers: { Location: 'https://elsewhere.example.com/' } },
} as const satisfies Record<string, Fault>;

export interface OrderedFault {
  /** The route that the fault applies to; any by default. */
  readonly route?: string;
  readonly fault: Fault;
  /** How many requests it applies to. */
  readonly times: number;
}

/**
 * Decides which fault applies to a request: first those ordered for its route, in the order in which they were added; then
 * random ones from a storm, if one is set.
 */
export class Faults {
  readonly #ordered: { route: string | undefined; fault: Fault; left: number }[] = [];
  #storm: (() => Fault | undefined) | undefined;
  /** Request → how many of its attempts the storm has hit. */
  readonly #hits = new Map<string, number>();

  order({ route, fault, times }: OrderedFault): void {
    this.#ordered.push({ route, fault, left: times });
  }

  /** `next` is called for each request without an ordered fault. Each request is hit at most {@link MAX_HITS} times, to keep backoffs short. */
  storm(next: () => Fault | undefined): void {
    this.#storm = next;
  }

  /** The number of ordered faults that did not occur. If it is not 0, the test did not test what it claims. */
  get unused(): number {
    return this.#ordered.reduce((sum, { left }) => sum + (Number.isFinite(left) ? left : 0), 0);
  }

  /** @param request identifies a request across its retries */
  next(route: string, request: string): Fault | undefined {
    const ordered = this.#ordered.find(
      (order) => order.left > 0 && (order.route === undefined || order.route === route),
    );
    if (!ordered) return this.#stormy(request);
    ordered.left--;
    return ordered.fault;
  }

  #stormy(request: string): Fault | undefined {
    const hits = this.#hits.get(request) ?? 0;
    if (hits >= MAX_HITS) return undefined;
    const fault = this.#storm?.();
    if (fault) this.#hits.set(request, hits + 1);
    return fault;
  }
}

const MAX_HITS = 3;

/** A storm in which this share of the requests gets a random one of the faults. */
export function randomStorm(
  random: () => number,
  share: number,
  faults: readonly Fault[] = Object.values(TRANSIENT_FAULTS),
): () => Fault | undefined {
  return () => (random() < share ? faults[Math.floor(random() * faults.length)] : undefined);
}

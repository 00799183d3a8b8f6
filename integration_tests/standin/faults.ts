/** Faults to order: what can go wrong between a client and Iterable, by name, so that tests can go through all of it. */

/** What the client gets instead of the server's own answer. */
export interface Fault {
  /** The request takes effect first; otherwise it never does. */
  readonly afterApplying?: boolean;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The connection breaks off. */
  readonly reset?: boolean;
  /** Nothing comes, ever. */
  readonly hang?: boolean;
  /** The right answer comes, but only after this. */
  readonly delayMs?: number;
  /** The right answer's headers and half of its body come, and then nothing. */
  readonly stall?: boolean;
}

const html = { 'Content-Type': 'text/html' };
const rateLimited = (params: unknown) =>
  JSON.stringify({ code: 'RateLimitExceeded', msg: 'slow down', params });

/** An answer of Iterable's own form. */
export function refusal(status: number, code: string, msg: string, params: unknown = null): Fault {
  return { status, body: JSON.stringify({ msg, code, params }) };
}

/** What something between the client and Iterable answers, as a proxy, a firewall or a gateway: a page, not Iterable's form. */
export function page(status: number): Fault {
  return { status, headers: html, body: `<html><body>${status}</body></html>` };
}

/** The whole call is refused for fields that the project has no room for. */
export function tooManyFields(newFields: readonly string[]): Fault {
  return refusal(400, 'UniqueFieldsLimitExceeded', 'The project has too many unique fields', {
    limit: 1000,
    requestedTotal: 1000 + newFields.length,
    newFields,
  });
}

/** Each passes by itself when the call is tried again. */
export const PASSING_FAULTS = {
  'a 429 with a reset': { status: 429, body: rateLimited({ rateLimitReset: 0.05 }) },
  'a 429 with Retry-After': { status: 429, headers: { 'Retry-After': '0' }, body: rateLimited(null) },
  'a 429 without a word': { status: 429 },
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
  'a 200 that is another thing': { status: 200, body: '["odd"]', afterApplying: true },
} as const satisfies Record<string, Fault>;

/** Each stops the client until somebody changes something. */
export const LASTING_FAULTS = {
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

/** What a host says that is not Iterable's. As an answer to a first call it means a wrong host; later it passes, as any page does. */
export const WRONG_HOST_FAULTS = {
  'a host that knows no API': page(404),
  'a host that takes no such call': page(405),
  'a redirect': { status: 302, headers: { Location: 'https://elsewhere.example.com/' } },
} as const satisfies Record<string, Fault>;

export interface OrderedFault {
  /** Route that it is for; any by default. */
  readonly route?: string;
  readonly fault: Fault;
  /** How many requests meet it. */
  readonly times: number;
}

/** Requests meet the faults that were ordered for their route, in the order of the orders; then a storm, if there is one. */
export class Faults {
  readonly #ordered: { route: string | undefined; fault: Fault; left: number }[] = [];
  #storm: (() => Fault | undefined) | undefined;
  /** Request → how often the storm has hit it. */
  readonly #hits = new Map<string, number>();

  order({ route, fault, times }: OrderedFault): void {
    this.#ordered.push({ route, fault, left: times });
  }

  /** Asked for each request that met no ordered fault; no request is hit so often that backing off would take minutes. */
  storm(next: () => Fault | undefined): void {
    this.#storm = next;
  }

  /** Faults that no request has met: the test did not test what it says. */
  get unused(): number {
    return this.#ordered.reduce((sum, { left }) => sum + (Number.isFinite(left) ? left : 0), 0);
  }

  /** @param request what is the same when the request is made again */
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

/** A storm that hits this share of the requests with one of the faults each, by a seeded random function. */
export function randomStorm(
  random: () => number,
  share: number,
  faults: readonly Fault[] = Object.values(PASSING_FAULTS),
): () => Fault | undefined {
  return () => (random() < share ? faults[Math.floor(random() * faults.length)] : undefined);
}

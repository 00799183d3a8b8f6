/** A stand-in for Iterable: a real HTTP server, as strict as what is known of the API. Shares no code with the connector. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bulkUpdate, type WrongTypeStyle } from './bulk-update.ts';
import { Faults, type Fault } from './faults.ts';
import { TokenBucket } from './limits.ts';
import { BadRequest, readBulkUpdate } from './requests.ts';
import { Store, type PlainUser, type ProjectType } from './store.ts';
import { parseExactly } from './values.ts';

export const STANDIN_API_KEY = '0123456789abcdef0123456789abcdef';

export interface StandinOptions {
  readonly projectType?: ProjectType;
  readonly apiKey?: string;
  readonly port?: number;
  /** Multiplies the published limits; Infinity lifts them. */
  readonly limitScale?: number;
  /** Field types that the project has already. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly wrongTypeStyle?: WrongTypeStyle;
  /** The project's own setting, for requests without createNewFields. */
  readonly createNewFields?: boolean;
  /** A deletion shows this many look-ups later; 0 at once. */
  readonly lookUpsUntilGone?: number;
  /** Answers come this much later, so that calls overlap. */
  readonly latencyMs?: number;
  readonly lists?: readonly { readonly name: string; readonly listType: string }[];
  readonly unknownUserIdStatus?: 200 | 404;
  readonly now?: () => number;
}

export interface LoggedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly receivedAt: number;
  readonly users: number;
  readonly bytes: number;
  status?: number;
  answeredAt?: number;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Requests per second of each route; from Iterable's API description. */
const ROUTES: readonly {
  readonly name: string;
  readonly method: string;
  readonly path: RegExp;
  readonly perSecond: number;
}[] = [
  { name: 'getFields', method: 'GET', path: /^\/api\/users\/getFields$/, perSecond: 3 },
  { name: 'getLists', method: 'GET', path: /^\/api\/lists$/, perSecond: 100 },
  { name: 'bulkUpdate', method: 'POST', path: /^\/api\/users\/bulkUpdate$/, perSecond: 5 },
  { name: 'getByEmail', method: 'GET', path: /^\/api\/users\/getByEmail$/, perSecond: 100 },
  { name: 'getByUserId', method: 'GET', path: /^\/api\/users\/byUserId$/, perSecond: 100 },
  { name: 'deleteByUserId', method: 'DELETE', path: /^\/api\/users\/byUserId\/([^/]+)$/, perSecond: 100 },
  { name: 'deleteByEmail', method: 'DELETE', path: /^\/api\/users\/([^/]+)$/, perSecond: 100 },
];

const MAX_BODY_BYTES = 4_000_000;

export class Standin {
  readonly store: Store;
  readonly requests: LoggedRequest[] = [];
  /** Whatever a correct client would not have sent. */
  readonly unexpected: string[] = [];
  wrongTypeStyle: WrongTypeStyle;
  /** The body of the request that came last, for `intercept` to look into. */
  lastBody = '';
  /** Asked before each request, for faults that depend on it; others are better ordered from `faults`. */
  intercept: ((request: LoggedRequest) => Fault | undefined) | undefined;
  /** What requests meet that are not intercepted. */
  readonly faults = new Faults();
  readonly #options: StandinOptions;
  readonly #server: Server;
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #inFlight = new Map<string, number>();
  /** Deleted but still shown: identity → look-ups until gone. */
  readonly #fading = new Map<string, { user: PlainUser; lookUps: number }>();

  constructor(options: StandinOptions) {
    this.#options = options;
    this.store = new Store(options.projectType ?? 'hybrid', options.fields ?? {});
    this.wrongTypeStyle = options.wrongTypeStyle ?? 'lists';
    for (const { name, perSecond } of ROUTES) {
      this.#buckets.set(name, new TokenBucket(perSecond * (options.limitScale ?? 1), this.#now));
    }
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#options.port ?? 0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get apiKey(): string {
    return this.#options.apiKey ?? STANDIN_API_KEY;
  }

  /** Requests whose path ends like this. */
  calls(ending: string): LoggedRequest[] {
    return this.requests.filter(({ path }) => path.endsWith(ending));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  readonly #now = (): number => (this.#options.now ?? Date.now)();

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const requestText = body.toString();
    const url = new URL(request.url ?? '/', 'http://standin');
    const logged: LoggedRequest = {
      method: request.method ?? '',
      path: url.pathname,
      receivedAt: this.#now(),
      users: requestText.split('"dataFields"').length - 1,
      bytes: body.length,
    };
    this.requests.push(logged);
    this.lastBody = requestText;
    const fault =
      this.intercept?.(logged) ??
      this.faults.next(routeOf(logged)?.name ?? '', `${request.url ?? ''} ${requestText}`);
    if (fault && fault.afterApplying !== true) {
      this.#fail(response, fault, logged);
      return;
    }
    if (await hasLeft(request)) return;
    const answer = await this.#answer(request, url, body);
    const text = JSON.stringify(answer.body);
    if (fault?.delayMs !== undefined) await sleep(fault.delayMs);
    else if (fault?.stall === true) {
      // Never ended: the client has to give up.
      response.writeHead(answer.status, { 'Content-Length': text.length }).write(text.slice(0, -1));
      return;
    } else if (fault) {
      this.#fail(response, fault, logged);
      return;
    }
    this.#send(response, answer.status, text, logged);
  }

  #fail(
    response: ServerResponse,
    { reset, hang, status = 200, headers = {}, body = '' }: Fault,
    logged: LoggedRequest,
  ): void {
    if (hang === true) return;
    if (reset === true) {
      response.socket?.destroy();
      return;
    }
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    this.#send(response, status, body, logged);
  }

  #send(response: ServerResponse, status: number, body: string, logged: LoggedRequest): void {
    logged.status = status;
    logged.answeredAt = this.#now();
    if (!response.hasHeader('Content-Type')) response.setHeader('Content-Type', 'application/json');
    response.writeHead(status).end(body);
  }

  async #answer(request: IncomingMessage, url: URL, body: Buffer): Promise<Answer> {
    if (request.headers['api-key'] !== this.apiKey || url.searchParams.has('api_key')) {
      return failure(401, 'BadApiKey', 'Invalid API key');
    }
    const route = routeOf({ method: request.method ?? '', path: url.pathname });
    if (!route) {
      this.unexpected.push(`${request.method ?? ''} ${url.pathname}`);
      return failure(404, 'NotFound', 'no such endpoint');
    }
    const refusal = this.#buckets.get(route.name)?.take();
    if (refusal)
      return {
        status: 429,
        body: { code: 'RateLimitExceeded', msg: 'Rate limit exceeded', params: refusal },
      };
    try {
      const segment = decodeURIComponent(route.path.exec(url.pathname)?.[1] ?? '');
      return await this.#handle(route.name, request, url, segment, body);
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error;
      this.unexpected.push(`${request.method ?? ''} ${url.pathname}: ${error.message}`);
      return failure(error.status, error.code, error.message);
    }
  }

  async #handle(
    name: string,
    request: IncomingMessage,
    url: URL,
    segment: string,
    body: Buffer,
  ): Promise<Answer> {
    switch (name) {
      case 'getFields':
        return { status: 200, body: { fields: Object.fromEntries(this.store.fields.types) } };
      case 'getLists':
        return {
          status: 200,
          body: {
            lists: (this.#options.lists ?? []).map((list, index) => ({
              id: index + 1,
              createdAt: 1,
              ...list,
            })),
          },
        };
      case 'getByEmail':
        return this.#lookUp(
          this.store.userByEmail(queryValue(url, 'email')),
          `email:${queryValue(url, 'email').toLowerCase()}`,
        );
      case 'getByUserId':
        return this.#lookUp(
          this.store.userByUserId(queryValue(url, 'userId')),
          `userId:${queryValue(url, 'userId')}`,
        );
      case 'deleteByEmail':
        if (this.store.projectType === 'user_id')
          throw new BadRequest('deletion by email on a userID-based project');
        this.#fade([this.store.userByEmail(segment)]);
        this.store.deleteByEmail(segment);
        return success();
      case 'deleteByUserId': {
        this.#fade(this.store.usersByUserId(segment));
        const isKnown = this.store.deleteByUserId(segment);
        return isKnown || this.#options.unknownUserIdStatus !== 404
          ? success()
          : failure(404, 'NotFound', 'unknown user');
      }
      default:
        return this.#bulkUpdate(request, body);
    }
  }

  async #bulkUpdate(request: IncomingMessage, body: Buffer): Promise<Answer> {
    if (body.length > MAX_BODY_BYTES) throw new BadRequest('over 4 MB', 'BatchTooLarge', 413);
    if (!(request.headers['content-type'] ?? '').startsWith('application/json'))
      throw new BadRequest('not JSON', 'BadJsonBody');
    const { users, createNewFields } = readBulkUpdate(parseBody(body));
    const identities = users.flatMap(({ email, userId }) => [
      ...(email === undefined ? [] : [`email:${email}`]),
      ...(userId === undefined ? [] : [`userId:${userId}`]),
    ]);
    this.#enter(identities);
    try {
      for (const identity of identities) {
        if (this.#fading.has(identity))
          this.unexpected.push('bulkUpdate of a user whose deletion is still under way');
      }
      const answer = bulkUpdate(
        this.store,
        users,
        createNewFields ?? this.#options.createNewFields ?? true,
        this.wrongTypeStyle,
      );
      const { latencyMs = 0 } = this.#options;
      if (latencyMs > 0) await sleep(latencyMs);
      return answer;
    } finally {
      for (const identity of identities) this.#inFlight.delete(identity);
    }
  }

  #enter(identities: readonly string[]): void {
    for (const identity of identities) {
      const count = (this.#inFlight.get(identity) ?? 0) + 1;
      this.#inFlight.set(identity, count);
      if (count > 1) this.unexpected.push('two bulk calls for one user at a time, or a user twice in one');
    }
  }

  #lookUp(user: PlainUser | undefined, identity: string): Answer {
    const fading = this.#fading.get(identity);
    if (fading) {
      fading.lookUps--;
      if (fading.lookUps <= 0) this.#fading.delete(identity);
      return { status: 200, body: { user: fading.user } };
    }
    return { status: 200, body: user ? { user } : {} };
  }

  #fade(users: readonly (PlainUser | undefined)[]): void {
    const lookUps = this.#options.lookUpsUntilGone ?? 0;
    for (const user of users) {
      if (!user || lookUps === 0) continue;
      if (user.email !== undefined) this.#fading.set(`email:${user.email}`, { user, lookUps });
      if (user.userId !== undefined) this.#fading.set(`userId:${user.userId}`, { user, lookUps });
    }
  }
}

function routeOf({ method, path }: { method: string; path: string }) {
  return ROUTES.find((route) => route.method === method && route.path.test(path));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * True when the client gave up waiting. It may have called again, so what comes too late is dropped, not applied out of order:
 * how late Iterable may still apply a call that nobody waits for, is not known.
 */
async function hasLeft({ socket }: IncomingMessage): Promise<boolean> {
  // A busy process learns of request and goodbye together, but one round of its loop after the other.
  for (let round = 0; round < 3; round++) await new Promise(setImmediate);
  return socket.destroyed || !socket.writable;
}

/** Starts a stand-in on a free loopback port. */
export async function startStandin(options: StandinOptions = {}): Promise<Standin> {
  const standin = new Standin(options);
  await standin.listen();
  return standin;
}

function parseBody(body: Buffer) {
  try {
    return parseExactly(body.toString('utf8'));
  } catch {
    throw new BadRequest('body is not JSON', 'BadJsonBody');
  }
}

function queryValue(url: URL, name: string): string {
  const value = url.searchParams.get(name);
  if (value === null) throw new BadRequest(`the query lacks ${name}`);
  return value;
}

function success(): Answer {
  return { status: 200, body: { msg: '', code: 'Success', params: null } };
}

function failure(status: number, code: string, msg: string): Answer {
  return { status, body: { msg, code, params: null } };
}

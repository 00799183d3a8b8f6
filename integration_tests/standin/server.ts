/** A stand-in for Iterable: a real HTTP server, as strict as what is known of the API. Shares no code with the connector. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { failure, toJson, type Answer, type TextAnswer } from './answers.ts';
import type { WrongTypeStyle } from './bulk-update.ts';
import type { Context } from './context.ts';
import { Fading } from './fading.ts';
import { Faults, page, type Fault } from './faults.ts';
import { TokenBucket } from './limits.ts';
import { Lists } from './lists.ts';
import type { StandinOptions } from './options.ts';
import { BadRequest, checkQuery } from './requests.ts';
import { ROUTES, type Route } from './routes.ts';
import { Store } from './store.ts';
import { Traffic } from './traffic.ts';

export type { StandinOptions } from './options.ts';

export const STANDIN_API_KEY = '0123456789abcdef0123456789abcdef';

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

export class Standin implements Context {
  readonly options: StandinOptions;
  readonly store: Store;
  readonly lists: Lists;
  readonly fading: Fading;
  readonly traffic: Traffic;
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
  readonly #server: Server;
  readonly #serving = new Set<Promise<void>>();
  readonly #buckets: ReadonlyMap<Route, TokenBucket>;

  constructor(options: StandinOptions) {
    this.options = options;
    this.fading = new Fading(options.lookUpsUntilGone ?? 0);
    this.store = new Store(options, this.fading);
    this.lists = new Lists(options, this.#now);
    this.traffic = new Traffic(this.store, this.fading, options, this.#now, (what) => {
      this.unexpected.push(what);
    });
    this.wrongTypeStyle = options.wrongTypeStyle ?? 'lists';
    const { limitScale = 1 } = options;
    this.#buckets = new Map(
      ROUTES.map((route) => {
        const { calls, seconds } = route.limit;
        return [route, new TokenBucket({ calls: calls * limitScale, seconds }, this.#now)];
      }),
    );
    this.#server = createServer((request, response) => {
      const served = this.#serve(request, response).finally(() => this.#serving.delete(served));
      this.#serving.add(served);
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(this.options.port ?? 0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get apiKey(): string {
    return this.options.apiKey ?? STANDIN_API_KEY;
  }

  /** Requests whose path ends like this. */
  calls(ending: string): LoggedRequest[] {
    return this.requests.filter(({ path }) => path.endsWith(ending));
  }

  /** Who is on a list, by its name or id: the addresses, else ids, in order. */
  members(list: string | number): string[] {
    const { id } = this.lists.find(list);
    return [...this.store.membersOf(id)].map(({ email, userId }) => email ?? userId ?? '').sort();
  }

  /** Resolves when nothing is being worked on any more: whoever is gone may have left calls behind. */
  async idle(): Promise<void> {
    while (this.#serving.size > 0) await Promise.allSettled(this.#serving);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  readonly #now = (): number => (this.options.now ?? Date.now)();

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
      this.faults.next(routeOf(logged)?.handle.name ?? '', `${request.url ?? ''} ${requestText}`) ??
      (body.length > (this.options.gatewayMaxBytes ?? Infinity) ? page(413) : undefined);
    if (fault && fault.afterApplying !== true) {
      this.#fail(response, fault, logged);
      return;
    }
    if (await hasLeft(request)) return;
    const answer = await this.#answer(request, url, body);
    if (fault?.delayMs !== undefined) await sleep(fault.delayMs);
    else if (fault?.stall === true) {
      const text = 'body' in answer ? toJson(answer.body) : 'x';
      // Never ended: the client has to give up.
      response.writeHead(answer.status, { 'Content-Length': text.length }).write(text.slice(0, -1));
      return;
    } else if (fault) {
      this.#fail(response, fault, logged);
      return;
    }
    await this.#reply(response, answer, logged);
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

  async #reply(response: ServerResponse, answer: Answer, logged: LoggedRequest): Promise<void> {
    if ('body' in answer) this.#send(response, answer.status, toJson(answer.body), logged);
    else await this.#stream(response, answer, logged);
  }

  async #stream(response: ServerResponse, answer: TextAnswer, logged: LoggedRequest): Promise<void> {
    logged.status = answer.status;
    response.writeHead(answer.status, { 'Content-Type': answer.contentType });
    // Whoever asked may hang up before the end.
    await pipeline(inChunks(answer.pieces), response).catch(() => undefined);
    logged.answeredAt = this.#now();
  }

  async #answer(request: IncomingMessage, url: URL, body: Buffer): Promise<Answer> {
    if (request.headers['api-key'] !== this.apiKey || url.searchParams.has('api_key')) {
      return failure(401, 'BadApiKey', 'Invalid API key', { ip: '127.0.0.1', endpoint: url.pathname });
    }
    const route = routeOf({ method: request.method ?? '', path: url.pathname });
    if (!route) {
      this.unexpected.push(`${request.method ?? ''} ${url.pathname}`);
      return failure(404, 'NotFound', 'no such endpoint');
    }
    const refusal = this.#buckets.get(route)?.take();
    if (refusal)
      return {
        status: 429,
        body: { code: 'RateLimitExceeded', msg: 'Rate limit exceeded', params: refusal },
      };
    try {
      checkQuery(url, route.query ?? [], route.repeatable);
      const segment = decoded(route.path.exec(url.pathname)?.[1] ?? '');
      const contentType = request.headers['content-type'] ?? '';
      return await route.handle(this, { url, segment, contentType, body });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.unexpected.push(`${request.method ?? ''} ${url.pathname}: ${message}`);
      // A fault of the stand-in itself; without an answer the client would wait for ever.
      if (!(error instanceof BadRequest)) return failure(500, 'GenericError', message);
      const { status, code, params } = error;
      const msg = code === 'BadJsonBody' ? `[${url.pathname}] Invalid JSON body` : message;
      return failure(status, code, msg, params);
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

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new BadRequest('the path is not percent-encoded as it should be');
  }
}

/** Pieces of a line each would be written one by one. */
function* inChunks(pieces: Iterable<string>): Generator<string> {
  let chunk = '';
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < 65_536) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

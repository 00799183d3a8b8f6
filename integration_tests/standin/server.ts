/** A stand-in for Iterable: a real HTTP server that enforces everything known about the API. Shares no code with the connector. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { failure, toJson, type Answer, type TextAnswer } from './answers.ts';
import type { WrongTypeStyle } from './bulk-update.ts';
import type { Context } from './context.ts';
import { UnfinishedDeletions } from './unfinished-deletions.ts';
import { Faults, page, type Fault } from './faults.ts';
import { TokenBucket, type Limit } from './limits.ts';
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
  /** The path without the query. */
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
  readonly deletions: UnfinishedDeletions;
  readonly traffic: Traffic;
  readonly requests: LoggedRequest[] = [];
  /** Descriptions of requests that a correct client would not have sent. */
  readonly unexpected: string[] = [];
  wrongTypeStyle: WrongTypeStyle;
  /** The body of the last request, for use in `intercept`. */
  lastBody = '';
  /** Called before each request, for faults that depend on the request. For other faults, prefer `faults`. */
  intercept: ((request: LoggedRequest) => Fault | undefined) | undefined;
  /** Faults for requests that are not intercepted. */
  readonly faults = new Faults();
  readonly #server: Server;
  readonly #serving = new Set<Promise<void>>();
  readonly #buckets: ReadonlyMap<Route, TokenBucket>;

  constructor(options: StandinOptions) {
    this.options = options;
    this.deletions = new UnfinishedDeletions(options.lookUpsUntilGone ?? 0);
    this.store = new Store(options, this.deletions);
    this.lists = new Lists(options, this.#now);
    this.traffic = new Traffic(this.store, this.deletions, options, this.#now, (what) => {
      this.unexpected.push(what);
    });
    this.wrongTypeStyle = options.wrongTypeStyle ?? 'lists';
    this.#buckets = new Map(
      ROUTES.map((route) => [route, new TokenBucket(limitOf(route, options), this.#now)]),
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

  /** The requests whose path ends with this text. */
  calls(ending: string): LoggedRequest[] {
    return this.requests.filter(({ path }) => path.endsWith(ending));
  }

  /** The sorted addresses, or else user ids, of the members of a list, given by name or id. */
  members(list: string | number): string[] {
    const { id } = this.lists.find(list);
    return [...this.store.membersOf(id)].map(({ email, userId }) => email ?? userId ?? '').sort();
  }

  /** Resolves when no request is being processed: a client that has ended may have left some behind. */
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
    if (await hasDisconnected(request)) return;
    const answer = await this.#answer(request, url, body);
    if (fault?.delayMs !== undefined) await sleep(fault.delayMs);
    else if (fault?.stall === true) {
      const text = 'body' in answer ? toJson(answer.body) : 'x';
      // The response is never ended, so the client has to give up.
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
    // The client may disconnect before the end.
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
      // A bug of the stand-in. It must answer nevertheless, or else the client would wait forever.
      if (!(error instanceof BadRequest)) return failure(500, 'GenericError', message);
      const { status, code, params } = error;
      const msg = code === 'BadJsonBody' ? `[${url.pathname}] Invalid JSON body` : message;
      return failure(status, code, msg, params);
    }
  }
}

function limitOf({ limit, isLimitHidden }: Route, { limitScale = 1, hiddenLimit }: StandinOptions): Limit {
  if (isLimitHidden && hiddenLimit !== undefined) return { calls: hiddenLimit, seconds: 1 };
  return { calls: limit.calls * limitScale, seconds: limit.seconds };
}

function routeOf({ method, path }: { method: string; path: string }) {
  return ROUTES.find((route) => route.method === method && route.path.test(path));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * True if the client has given up waiting. Such a request is dropped, since applying it after the client's retry would be out
 * of order. Whether Iterable still applies a call whose client has disconnected is not known.
 */
async function hasDisconnected({ socket }: IncomingMessage): Promise<boolean> {
  // When the process is busy, request and disconnect arrive together, but are handled in different turns of the event loop.
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
    throw new BadRequest('the path is not percent-encoded correctly');
  }
}

/** Combines the pieces into larger chunks, since every piece would be a separate write. */
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

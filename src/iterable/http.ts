/** One attempt of one HTTP call to Iterable: headers, time limit, status and body to a value or an error class. Never logs, never retries. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import fetch, { type RequestInit, type Response } from 'node-fetch';
import * as z from 'zod';
import { ConfigError } from '../errors.ts';
import { jsonOrUndefined } from '../json.ts';
import { describeProxyFailure, isOfProxy, operatorsFault, refusedByProxy } from '../network/failures.ts';
import { through } from '../network/proxies.ts';
import type { Route } from '../network/route.ts';
import type { Endpoint } from './endpoints.ts';
import { ApiError, isApiCode, NoAnswerError } from './errors.ts';

export interface HttpOptions {
  /** Scheme, host and optional path prefix. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Time limit of one attempt, answer included. */
  readonly attemptTimeoutMs: number;
  /** Through a proxy; directly without. */
  readonly route?: Route | undefined;
}

export interface Call {
  readonly endpoint: Endpoint;
  /** From the root, `/api/…`; segments that come from records must be encoded by {@link pathSegment}. */
  readonly path: string;
  /** Name and value of each parameter; a name may come more than once. */
  readonly query?: readonly [string, string][];
  /** The body's JSON text; what carries many users as UTF-8. */
  readonly body?: string | Buffer;
}

/** Iterable's plain answer to most calls, and to all that fail. */
const plainAnswer = z
  .looseObject({
    msg: z.string().nullish(),
    code: z.string().nullish(),
    params: z.unknown().optional(),
  })
  // What gateways and firewalls answer may be JSON, too, with a `message` or an `error`, or a code of their own.
  .refine(({ msg, code }) => msg !== undefined || isApiCode(code));
const rateLimitParams = z.looseObject({ rateLimitReset: z.number().nonnegative() });

/** Half of what common servers and proxies take as a whole request line (8 KB). */
const MAX_VALUE_IN_URL = 4_096;
/** No answer of the endpoints used here comes near this. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export class IterableHttp {
  /** For the end of a sentence: ` through the proxy …`; empty without one. */
  readonly via: string;
  readonly #options: HttpOptions;
  readonly #baseUrl: string;
  readonly #host: string;
  readonly #agent: HttpAgent;

  constructor(options: HttpOptions) {
    this.#options = options;
    // As the check of the configuration read it: blanks around it, say, or a scheme in capitals are no matter.
    const url = new URL(options.baseUrl);
    this.#baseUrl = url.href.replace(/\/+$/, '');
    this.#host = url.host;
    this.via = through(options.route?.proxy);
    const AgentOfScheme = url.protocol === 'https:' ? HttpsAgent : HttpAgent;
    this.#agent = options.route?.agent ?? new AgentOfScheme({ keepAlive: true });
  }

  /**
   * Sends one request; gives the parsed JSON of a 2xx answer. Throws {@link ApiError}, {@link NoAnswerError}, a ConfigError where
   * no connection will be made before the operator acts, or the signal's reason.
   */
  send(call: Call, stop?: AbortSignal): Promise<unknown> {
    return this.#exchange(call, stop, async (response) => {
      const text = await response.text();
      if (!response.ok) throw this.#apiError(call, response, text);
      const answer = jsonOrUndefined(text);
      if (answer === undefined) throw this.noAnswer(call.endpoint, 'the answer is not JSON');
      return answer;
    });
  }

  /**
   * Sends one request whose answer may be larger than memory: hands on the lines of a 2xx answer as they come, the last one
   * too if nothing ends it. The time limit holds for each piece of the answer. Throws like {@link send}.
   */
  streamLines(call: Call, onLine: (line: string) => void, stop?: AbortSignal): Promise<void> {
    return this.#exchange(
      call,
      stop,
      async (response, onPiece) => {
        if (!response.ok) throw this.#apiError(call, response, await response.text());
        const decoder = new TextDecoder();
        let rest = '';
        for await (const piece of response.body as AsyncIterable<Uint8Array>) {
          onPiece();
          const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) onLine(line);
        }
        onLine(rest + decoder.decode());
      },
      Infinity,
    );
  }

  /** Closes idle connections, so that the process can end. */
  close(): void {
    this.#agent.destroy();
  }

  /** `read` may tell of each piece of the answer that it has: then the time limit begins anew. */
  async #exchange<T>(
    call: Call,
    stop: AbortSignal | undefined,
    read: (response: Response, onPiece: () => void) => Promise<T>,
    maxBytes = MAX_ANSWER_BYTES,
  ): Promise<T> {
    stop?.throwIfAborted();
    const { attemptTimeoutMs } = this.#options;
    // Not AbortSignal.any: it keeps a trace of every request on the long-lived stop signal.
    const attempt = new AbortController();
    const abort = () => {
      attempt.abort();
    };
    const state = { isTimedOut: false };
    const timer = setTimeout(() => {
      state.isTimedOut = true;
      abort();
    }, attemptTimeoutMs);
    stop?.addEventListener('abort', abort, { once: true });
    try {
      const response = await fetch(this.#url(call), this.#init(call, attempt.signal, maxBytes));
      return await read(response, () => timer.refresh());
    } catch (error) {
      stop?.throwIfAborted();
      if (error instanceof ApiError || error instanceof NoAnswerError || error instanceof ConfigError)
        throw error;
      throw state.isTimedOut
        ? this.noAnswer(call.endpoint, `no answer within ${attemptTimeoutMs / 1000} s`, { cause: error })
        : this.#noConnection(call.endpoint, error);
    } finally {
      clearTimeout(timer);
      stop?.removeEventListener('abort', abort);
    }
  }

  /** An error that says what came instead of an answer, and which way. */
  noAnswer({ name }: Endpoint, what: string, options?: { cause?: unknown }): NoAnswerError {
    return new NoAnswerError(name, what + this.via, options);
  }

  /** The kind of failure only: a message of the HTTP library may quote the URL, and so an address. */
  #noConnection(endpoint: Endpoint, error: unknown): NoAnswerError | ConfigError {
    const { code } = error as { code?: unknown };
    if (typeof code !== 'string') return this.noAnswer(endpoint, 'the connection failed', { cause: error });
    const proxy = this.#options.route?.proxy;
    const fault = operatorsFault(code, { host: this.#host, proxy });
    if (fault) return fault;
    if (proxy && isOfProxy(code))
      return new NoAnswerError(endpoint.name, describeProxyFailure(code, proxy), { cause: error });
    return this.noAnswer(endpoint, `the connection failed (${code})`, { cause: error });
  }

  #apiError({ endpoint }: Call, response: Response, text: string): ApiError | ConfigError {
    const proxy = this.#options.route?.proxy;
    // A plain request is answered by the proxy itself; no server behind it answers so.
    if (response.status === 407 && proxy) return refusedByProxy(proxy);
    return apiError(endpoint.name, response, text, this.via);
  }

  #url({ path, query }: Call): string {
    const url = `${this.#baseUrl}${path}`;
    return query ? `${url}?${new URLSearchParams(query).toString()}` : url;
  }

  #init({ endpoint, body }: Call, signal: AbortSignal, maxBytes: number): RequestInit {
    const headers: Record<string, string> = { 'Api-Key': this.#options.apiKey, Accept: 'application/json' };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    return {
      method: endpoint.method,
      headers,
      ...(body === undefined ? {} : { body }),
      agent: this.#agent,
      signal,
      ...(maxBytes === Infinity ? {} : { size: maxBytes }),
      // The key must not follow a redirect to another host.
      redirect: 'manual',
    };
  }
}

/** A value of a record as one path segment: real addresses hold `+`, `/`, `%`, `?` and `#`. Only for what {@link fitsPathSegment}. */
export function pathSegment(value: string): string {
  return encodeURIComponent(value);
}

/** False for `.` and `..` as well, which lead to another path however they are encoded: so the URL standard has it. */
export function fitsPathSegment(value: string): boolean {
  return value !== '.' && value !== '..' && fitsUrl(value);
}

/**
 * False for what no URL can say: half a surrogate pair, and a value so long that servers refuse the call, whoever it is for.
 * No address or id is like that.
 */
export function fitsUrl(value: string): boolean {
  return value.isWellFormed() && encodeURIComponent(value).length <= MAX_VALUE_IN_URL;
}

function apiError(endpoint: string, response: Response, text: string, via: string): ApiError {
  const answer = plainAnswer.safeParse(jsonOrUndefined(text)).data;
  const reset = rateLimitParams.safeParse(answer?.params).data?.rateLimitReset;
  return new ApiError(endpoint, {
    status: response.status,
    isOfIterable: answer !== undefined,
    apiCode: answer?.code === 'Success' ? undefined : (answer?.code ?? undefined),
    apiMessage: answer?.msg ?? '',
    params: answer?.params,
    retryAfterMs:
      retryAfterMs(response.headers.get('retry-after')) ?? (reset === undefined ? undefined : reset * 1000),
    via,
  });
}

/** `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d+(\.\d+)?$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/**
 * Makes one HTTP request to Iterable and turns the answer into a value or an error class: headers, timeout, status, body.
 * Never logs, never retries.
 */
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
  /** Timeout of one attempt, including reading the answer. */
  readonly attemptTimeoutMs: number;
  /** Set when requests go through a proxy. */
  readonly route?: Route | undefined;
}

export interface Call {
  readonly endpoint: Endpoint;
  /** The absolute path, `/api/…`; segments that come from records must be encoded by {@link pathSegment}. */
  readonly path: string;
  /** Name and value of each parameter; a name may occur more than once. */
  readonly query?: readonly [string, string][];
  /** The body as JSON text; as UTF-8 bytes if it carries many users. */
  readonly body?: string | Buffer;
}

/** The format of Iterable's answer to most calls, and to every call that fails. */
const plainAnswer = z
  .looseObject({
    msg: z.string().nullish(),
    code: z.string().nullish(),
    params: z.unknown().optional(),
  })
  // The answer of a gateway or firewall may also be JSON, with a `message` or an `error`, or a code of its own.
  .refine(({ msg, code }) => msg !== undefined || isApiCode(code));
const rateLimitParams = z.looseObject({ rateLimitReset: z.number().nonnegative() });

/** Half of the longest request line that common servers and proxies accept (8 KB). */
const MAX_VALUE_IN_URL = 4_096;
/** Far more than any answer of the endpoints used here. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export class IterableHttp {
  /** Text to append to a message: ` through the proxy …`, or empty without a proxy. */
  readonly via: string;
  readonly #options: HttpOptions;
  readonly #baseUrl: string;
  readonly #host: string;
  readonly #agent: HttpAgent;

  constructor(options: HttpOptions) {
    this.#options = options;
    // Parsed as in the check of the configuration, which accepts surrounding spaces or a scheme in capitals, for example.
    const url = new URL(options.baseUrl);
    this.#baseUrl = url.href.replace(/\/+$/, '');
    this.#host = url.host;
    this.via = through(options.route?.proxy);
    const AgentOfScheme = url.protocol === 'https:' ? HttpsAgent : HttpAgent;
    this.#agent = options.route?.agent ?? new AgentOfScheme({ keepAlive: true });
  }

  /**
   * Sends one request; returns the parsed JSON of a 2xx answer. Throws {@link ApiError}, {@link NoAnswerError}, a ConfigError
   * if no connection is possible before the operator changes something, or the signal's reason.
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
   * Sends one request whose answer may be larger than memory: passes on the lines of a 2xx answer as they arrive, including
   * a last line without a line break. The timeout restarts with each chunk of the answer. Throws like {@link send}.
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

  /** `read` may call `onPiece` for each chunk of the answer, which restarts the timeout. */
  async #exchange<T>(
    call: Call,
    stop: AbortSignal | undefined,
    read: (response: Response, onPiece: () => void) => Promise<T>,
    maxBytes = MAX_ANSWER_BYTES,
  ): Promise<T> {
    stop?.throwIfAborted();
    const { attemptTimeoutMs } = this.#options;
    // Not AbortSignal.any: it would leak memory on the long-lived stop signal with every request.
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

  /** An error that says what came instead of an answer, and through which proxy. */
  noAnswer({ name }: Endpoint, what: string, options?: { cause?: unknown }): NoAnswerError {
    return new NoAnswerError(name, what + this.via, options);
  }

  /** Uses the error's code only: a message of the HTTP library may quote the URL, and thus an address. */
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
    // For a plain HTTP request, the proxy itself sends this answer; a server behind it never does.
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
      // The API key must not be sent to another host by a redirect.
      redirect: 'manual',
    };
  }
}

/**
 * Encodes a value of a record as one path segment: real addresses contain `+`, `/`, `%`, `?` and `#`. Only for values that
 * pass {@link fitsPathSegment}.
 */
export function pathSegment(value: string): string {
  return encodeURIComponent(value);
}

/** Like {@link fitsUrl}, and false for `.` and `..`, which by the URL standard change the path even when encoded. */
export function fitsPathSegment(value: string): boolean {
  return value !== '.' && value !== '..' && fitsUrl(value);
}

/**
 * False for a value that no URL can hold: with half a surrogate pair, or so long that servers refuse the request. No existing
 * user has such an address or id.
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

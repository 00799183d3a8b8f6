/** Connection pools that go through proxies. Loaded only when a proxy is configured. */
import { Agent as HttpAgent, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { Agent, type AgentConnectOpts } from 'agent-base';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { ProxyError } from './failures.ts';
import type { Proxies, Proxy } from './proxies.ts';

export type Protocol = 'http:' | 'https:';
/** Can have either scheme, but the agents' types require a specific one. */
type ProxyUrl = `http://${string}`;

/** The method that Node's HTTP client calls on its agent; the published types lack it. */
interface TakesRequests {
  addRequest(request: ClientRequest, options: AgentConnectOpts): void;
}

/**
 * A pool for URLs of this scheme, all through one proxy.
 * @param connectTimeoutMs how long connecting through the proxy may take
 */
export function agentThrough(proxy: Proxy, protocol: Protocol, connectTimeoutMs: number): HttpAgent {
  return protocol === 'https:'
    ? new TunnelAgent(proxy, connectTimeoutMs)
    : new ForwardAgent(proxy.url as ProxyUrl, optionsFor(proxy));
}

/** Routes each request of this scheme by its host: through the proxy configured for it, or directly. */
export class ProxyingAgent extends HttpAgent implements TakesRequests {
  readonly protocol: Protocol;
  readonly defaultPort: number;
  readonly #proxies: Proxies;
  readonly #connectTimeoutMs: number;
  readonly #direct: HttpAgent;
  readonly #through = new Map<string, HttpAgent>();

  constructor(protocol: Protocol, proxies: Proxies, connectTimeoutMs: number) {
    super({ keepAlive: true });
    this.protocol = protocol;
    this.defaultPort = protocol === 'https:' ? 443 : 80;
    this.#proxies = proxies;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#direct = new (protocol === 'https:' ? HttpsAgent : HttpAgent)({ keepAlive: true });
  }

  addRequest(request: ClientRequest, options: AgentConnectOpts): void {
    const { host = '', port } = options;
    const name = host.includes(':') ? `[${host}]` : host;
    const agent = this.#agentFor(this.#proxies.for(`${this.protocol}//${name}:${port}`));
    (agent as unknown as TakesRequests).addRequest(request, options);
  }

  override destroy(): void {
    for (const agent of [this.#direct, ...this.#through.values()]) agent.destroy();
  }

  #agentFor(proxy: Proxy | undefined): HttpAgent {
    if (!proxy) return this.#direct;
    let agent = this.#through.get(proxy.url);
    if (!agent) {
      agent = agentThrough(proxy, this.protocol, this.#connectTimeoutMs);
      this.#through.set(proxy.url, agent);
    }
    return agent;
  }
}

/** Tunnels with CONNECT (RFC 9110, 9.3.6): the proxy sees the host's name, but nothing that is sent. */
class TunnelAgent extends Agent {
  readonly #proxy: Proxy;
  readonly #connectTimeoutMs: number;
  readonly #connecting = new Set<AbortController>();

  constructor(proxy: Proxy, connectTimeoutMs: number) {
    super({ keepAlive: true });
    this.#proxy = proxy;
    this.#connectTimeoutMs = connectTimeoutMs;
  }

  override isSecureEndpoint(): boolean {
    return true;
  }

  override async connect(request: ClientRequest, options: AgentConnectOpts): Promise<Duplex> {
    // Aborting a request destroys its socket, which does not exist yet while connecting: hence a signal of our own.
    const attempt = new AbortController();
    const timer = setTimeout(() => {
      attempt.abort();
    }, this.#connectTimeoutMs);
    this.#connecting.add(attempt);
    const url = this.#proxy.url as ProxyUrl;
    const tunnel = new HttpsProxyAgent(url, { ...optionsFor(this.#proxy), signal: attempt.signal });
    let status = NaN;
    tunnel.once('proxyConnect', ({ statusCode }: { readonly statusCode: number }) => {
      status = statusCode;
    });
    let socket: Duplex;
    try {
      socket = await tunnel.connect(request, options);
    } catch (error) {
      throw proxyError(error);
    } finally {
      clearTimeout(timer);
      this.#connecting.delete(attempt);
    }
    if (status === 200) return socket;
    // Otherwise the library would replay the proxy's error response as if the host had sent it.
    socket.destroy();
    throw new ProxyError(Number.isNaN(status) ? '' : String(status));
  }

  override destroy(): void {
    for (const attempt of this.#connecting) attempt.abort();
    super.destroy();
  }
}

/** Sends plain http requests to the proxy itself. */
class ForwardAgent extends HttpProxyAgent<ProxyUrl> {
  override async connect(...args: Parameters<HttpProxyAgent<ProxyUrl>['connect']>) {
    try {
      return await super.connect(...args);
    } catch (error) {
      throw proxyError(error);
    }
  }
}

/** The credentials go into a header, not into the URL, since the agents may log their URL. */
function optionsFor({ authorization }: Proxy) {
  return {
    keepAlive: true,
    ...(authorization === undefined ? {} : { headers: { 'Proxy-Authorization': authorization } }),
  };
}

function proxyError(error: unknown): ProxyError {
  const { code } = error as { code?: unknown };
  return new ProxyError(typeof code === 'string' ? code : 'connection closed');
}

/** How to reach a server for which the environment configures a proxy. */
import type { Agent } from 'node:http';
import type { Proxies, Proxy } from './proxies.ts';
import type { Protocol } from './proxying-agent.ts';

export interface Route {
  readonly proxy: Proxy;
  /** A pool of connections through it. */
  readonly agent: Agent;
}

/**
 * Undefined if requests to the URL are direct. Throws a ConfigError that names the variable if its value is malformed.
 */
export async function routeTo(
  url: string,
  proxies: Proxies,
  connectTimeoutMs: number,
): Promise<Route | undefined> {
  const proxy = proxies.for(url);
  if (!proxy) return undefined;
  const { agentThrough } = await import('./proxying-agent.ts');
  return { proxy, agent: agentThrough(proxy, new URL(url).protocol as Protocol, connectTimeoutMs) };
}

/** One pool per scheme, which routes each connection by its host; undefined if no proxy is configured at all. */
export async function agentsFor(
  proxies: Proxies,
  connectTimeoutMs: number,
): Promise<{ readonly httpAgent: Agent; readonly httpsAgent: Agent } | undefined> {
  if (proxies.isEmpty) return undefined;
  const { ProxyingAgent } = await import('./proxying-agent.ts');
  return {
    httpAgent: new ProxyingAgent('http:', proxies, connectTimeoutMs),
    httpsAgent: new ProxyingAgent('https:', proxies, connectTimeoutMs),
  };
}

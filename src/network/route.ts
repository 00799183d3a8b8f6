/** The way to a server where the environment names a proxy for it. */
import type { Agent } from 'node:http';
import type { Proxies, Proxy } from './proxies.ts';
import type { Protocol } from './proxying-agent.ts';

export interface Route {
  readonly proxy: Proxy;
  /** A pool of connections through it. */
  readonly agent: Agent;
}

/** Undefined where the URL is asked directly. Throws a ConfigError that names the variable. */
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

/** A pool for each scheme, whose connections each go the way of their host; undefined where no proxy is named at all. */
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

/** From the configuration file to a connection: what every command but `spec` begins with. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { parseConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { redactor } from '../config/secrets.ts';
import { loadSpec, secretValues } from '../config/spec.ts';
import { Caller, type Retry } from '../delivery/caller.ts';
import type { ListDirectory } from '../delivery/list-directory.ts';
import { ConfigError } from '../errors.ts';
import { IterableClient } from '../iterable/client.ts';
import type { Endpoint } from '../iterable/endpoints.ts';
import type { ApiError } from '../iterable/errors.ts';
import { IterableHttp, type HttpOptions } from '../iterable/http.ts';
import type { LedgerProject } from '../ledger/open.ts';
import { Proxies, type Proxy } from '../network/proxies.ts';
import { routeTo } from '../network/route.ts';
import { storeUrl } from '../rejected-records/open.ts';
import type { AppContext } from './context.ts';

/** Where the API of each data center is. */
export const HOSTS = { us: 'https://api.iterable.com', eu: 'https://api.eu.iterable.com' } as const;

/**
 * Reads and checks the configuration, and the proxies that the environment names for what it leads to; from then on the writer
 * hides the secrets of both. Throws ConfigError with all problems.
 */
export async function loadConfig(
  path: string,
  { writer, env }: Pick<AppContext, 'writer' | 'env'>,
): Promise<{ readonly config: Config; readonly proxies: Proxies }> {
  const spec = loadSpec();
  const proxies = new Proxies(env);
  const raw = parseJsonFile(await readTextFile(path, '--config'), '--config');
  writer.setRedact(redactor([...secretValues(spec, raw), ...proxies.secrets]));
  const config = parseConfig(raw, spec);
  for (const url of [baseUrl(config), storeUrl(config.rejected_records)])
    if (url !== undefined) proxies.for(url);
  return { config, proxies };
}

/** A file that the command line names. Throws a ConfigError that names the flag. */
export async function readTextFile(path: string, flag: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new ConfigError([`${flag}: can't read the file (${code})`], {
      code: 'file_unreadable',
      cause: error,
    });
  }
}

function parseJsonFile(text: string, flag: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown;
  } catch {
    // The parser's message quotes the text, and the text may hold the key.
    throw new ConfigError([`${flag}: the file is not valid JSON`], { code: 'config_invalid' });
  }
}

/** Whose entries those are in a ledger. */
export function projectOf(config: Config): LedgerProject {
  return { apiKey: config.api_key, dataCenter: config.data_center, projectType: config.project_type };
}

export interface Connection {
  readonly client: IterableClient;
  readonly caller: Caller;
  /** Requests a second of an endpoint. */
  readonly rateOf: (endpoint: Endpoint) => number;
  /** Through which Iterable is asked; directly without. */
  readonly proxy: Proxy | undefined;
  close(): void;
}

export interface ConnectOptions {
  readonly proxies: Proxies;
  readonly clock: Clock;
  readonly attemptTimeoutMs: number;
  readonly callBudgetMs: number;
  readonly onRetry?: (retry: Retry) => void;
  readonly onUnknownRefusal?: (error: ApiError) => void;
  readonly stop?: AbortSignal;
}

/** Within which a command answers that people wait for, retries and all. */
export const BRIEF_CALL_BUDGET_MS = 20_000;
export const BRIEF_ATTEMPT_TIMEOUT_MS = 10_000;

/** For commands that must answer soon: `check` has 45 s. */
export function connectBriefly(
  config: Config,
  { proxies, clock, stop }: Pick<ConnectOptions, 'proxies' | 'clock' | 'stop'>,
): Promise<Connection> {
  return connect(config, {
    proxies,
    clock,
    attemptTimeoutMs: BRIEF_ATTEMPT_TIMEOUT_MS,
    callBudgetMs: BRIEF_CALL_BUDGET_MS,
    ...(stop ? { stop } : {}),
  });
}

/** Opens no socket yet: connections are made by the first call. */
export async function connect(config: Config, options: ConnectOptions): Promise<Connection> {
  const { attemptTimeoutMs, proxies, ...callerOptions } = options;
  const to = await httpOptions(config, { attemptTimeoutMs, proxies });
  const http = new IterableHttp(to);
  const rateOf = ratesOf(config);
  return {
    client: new IterableClient(http),
    caller: new Caller({
      ...callerOptions,
      rateOf,
      highestRateOf: (endpoint) => highestRate(endpoint, config),
    }),
    rateOf,
    proxy: to.route?.proxy,
    close: () => {
      http.close();
    },
  };
}

/** Where and as whom requests go, and which way. */
export async function httpOptions(
  config: Config,
  { attemptTimeoutMs, proxies }: Pick<ConnectOptions, 'attemptTimeoutMs' | 'proxies'>,
): Promise<HttpOptions> {
  const url = baseUrl(config);
  const route = await routeTo(url, proxies, attemptTimeoutMs);
  return { baseUrl: url, apiKey: config.api_key, attemptTimeoutMs, route };
}

function baseUrl(config: Config): string {
  return config.api_url ?? HOSTS[config.data_center];
}

/** Requests a second of each endpoint. */
export function ratesOf(config: Config): Connection['rateOf'] {
  return (endpoint) => requestRate(endpoint, config);
}

/** Rules whose list users can't be put on, each named by its place. Lists that columns name are met only later. */
export function listProblems({ lists }: Config, directory: ListDirectory): string[] {
  return lists.flatMap((rule, index) => {
    const problem = rule.kind === 'names' ? undefined : directory.problemWith(rule.list);
    return problem === undefined ? [] : [`lists[${index}].list: ${problem}`];
  });
}

/** The published rate, capped by `requests_per_second`; behind another `api_url` that rate replaces it, since a proxy has its own. */
function requestRate({ requestsPerSecond }: Endpoint, config: Config): number {
  return capped(requestsPerSecond, config);
}

/** The same of the highest rate to try, where none is published. */
function highestRate({ requestsPerSecond, highestRequestsPerSecond }: Endpoint, config: Config): number {
  return capped(highestRequestsPerSecond ?? requestsPerSecond, config);
}

function capped(rate: number, { requests_per_second: cap, api_url: apiUrl }: Config): number {
  if (cap === undefined) return rate;
  return apiUrl === undefined ? Math.min(cap, rate) : cap;
}

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
import type { MessageWriter } from '../protocol/writer.ts';
import type { CommandContext } from './context.ts';

/** Where the API of each data center is. */
export const HOSTS = { us: 'https://api.iterable.com', eu: 'https://api.eu.iterable.com' } as const;

/** Reads and checks the configuration; from then on the writer hides its secrets. Throws ConfigError with all problems. */
export async function loadConfig(path: string, writer: MessageWriter): Promise<Config> {
  const spec = loadSpec();
  const raw = parseJsonFile(await readTextFile(path, '--config'), '--config');
  writer.setRedact(redactor(secretValues(spec, raw)));
  return parseConfig(raw, spec);
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
  close(): void;
}

export interface ConnectOptions {
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
  { clock, stopSignal }: Pick<CommandContext, 'clock' | 'stopSignal'>,
): Connection {
  return connect(config, {
    clock,
    attemptTimeoutMs: BRIEF_ATTEMPT_TIMEOUT_MS,
    callBudgetMs: BRIEF_CALL_BUDGET_MS,
    stop: stopSignal,
  });
}

/** Opens no socket yet: connections are made by the first call. */
export function connect(config: Config, options: ConnectOptions): Connection {
  const { attemptTimeoutMs, ...callerOptions } = options;
  const http = new IterableHttp(httpOptions(config, attemptTimeoutMs));
  const rateOf = ratesOf(config);
  return {
    client: new IterableClient(http),
    caller: new Caller({ ...callerOptions, rateOf }),
    rateOf,
    close: () => {
      http.close();
    },
  };
}

/** Where and as whom requests go. */
export function httpOptions(config: Config, attemptTimeoutMs: number): HttpOptions {
  return { baseUrl: config.api_url ?? HOSTS[config.data_center], apiKey: config.api_key, attemptTimeoutMs };
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
function requestRate(endpoint: Endpoint, { requests_per_second: cap, api_url: apiUrl }: Config): number {
  if (cap === undefined) return endpoint.requestsPerSecond;
  return apiUrl === undefined ? Math.min(cap, endpoint.requestsPerSecond) : cap;
}

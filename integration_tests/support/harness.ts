/** A stand-in and a folder for one test: runs the built program against them, and fails on unexpected calls to the stand-in. */
import { expect } from '@jest/globals';
import { startStandin, type Standin, type StandinOptions } from '../standin/server.ts';
import { resultOf, runConnector, TestFiles, type RunOptions, type RunResult } from './connector.ts';
import { aCatalog } from './messages.ts';

export interface WriteOptions extends Partial<RunOptions> {
  readonly config?: Record<string, unknown>;
  readonly catalog?: unknown;
}

/** The output of `plan --json`, as far as tests need it. */
export interface Plan {
  readonly ledger: string;
  readonly failure: null | {
    readonly code: string;
    readonly failure_type: string;
    readonly message: string;
    readonly next_step: string;
  };
  readonly streams: readonly PlannedStream[];
  readonly created_lists: readonly string[];
  readonly new_fields: readonly string[];
  readonly calls: readonly { readonly endpoint: string; readonly method: string; readonly calls: number }[];
  readonly least_seconds: number;
  readonly notes: readonly string[];
  readonly unknown: readonly string[];
}

export interface PlannedStream {
  readonly name: string;
  readonly received: number;
  readonly new: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly created_or_updated: number;
  readonly superseded: number;
  readonly removed: number;
  readonly deleted_not_in_iterable: number;
  readonly unsettled: number;
  readonly removed_by_absence: number;
  readonly removed_by_absence_left_over: number;
  readonly absent_not_in_iterable: number;
  readonly absent_but_staying: number;
  readonly skipped: Readonly<Record<string, number>>;
  readonly rejected: Readonly<Record<string, number>>;
  readonly lists: Readonly<Record<string, { readonly joins: number; readonly leaves: number }>>;
  readonly examples: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
}

export interface JsonPlan {
  readonly exitCode: number | null;
  readonly text: string;
  readonly plan: Plan;
}

export class Harness {
  readonly standin: Standin;
  readonly files = new TestFiles();
  readonly #projectType: string;

  constructor(standin: Standin, projectType: string) {
    this.standin = standin;
    this.#projectType = projectType;
  }

  config(overrides: Record<string, unknown> = {}): Record<string, unknown> {
    const projectType = this.#projectType;
    return {
      api_key: this.standin.apiKey,
      api_url: this.standin.url,
      project_type: projectType,
      ...(projectType === 'user_id' ? { identify_by: 'user_id' } : {}),
      requests_per_second: 500,
      ...overrides,
    };
  }

  /** Adds a user to the stand-in, as if it existed before the connector ran. */
  addUser(identity: { email: string } | { userId: string }, dataFields: Record<string, string> = {}): void {
    this.standin.store.write({ ...identity, dataFields, preferUserId: false, mergeNestedObjects: false });
  }

  write(input: RunOptions['input'], options: WriteOptions = {}): Promise<RunResult> {
    return this.#run(['write'], input, options);
  }

  /** Runs `plan`; the lines of the result are the text of the plan. */
  plan(input: RunOptions['input'], options: WriteOptions = {}): Promise<RunResult> {
    return this.#run(['plan'], input, { isText: true, ...options });
  }

  /** Runs `plan --json`. */
  async planJson(input: RunOptions['input'], options: WriteOptions = {}): Promise<JsonPlan> {
    const { exitCode, lines } = await this.#run(['plan', '--json'], input, { isText: true, ...options });
    return { exitCode, text: lines.join('\n'), plan: JSON.parse(lines.join('\n')) as Plan };
  }

  /** Writes the files of a run and returns its command line. */
  args(command: readonly string[], { config, catalog }: WriteOptions = {}): string[] {
    return [
      ...command,
      '--config',
      this.files.write('config.json', this.config(config)),
      '--catalog',
      this.files.write('catalog.json', catalog ?? aCatalog()),
    ];
  }

  #run(command: readonly string[], input: RunOptions['input'], options: WriteOptions): Promise<RunResult> {
    const { config, catalog, ...rest } = options;
    return runConnector({
      args: this.args(command, { ...(config ? { config } : {}), catalog }),
      ...(input === undefined ? {} : { input }),
      ...rest,
    });
  }

  /** Like {@link write}, but in this process, for tests with many runs: without start-up and stderr, otherwise real. */
  writeInProcess(
    input: string | readonly string[],
    { config, catalog, onLine }: Pick<WriteOptions, 'config' | 'catalog' | 'onLine'> = {},
  ): Promise<RunResult> {
    const lines = typeof input === 'string' ? [input] : input;
    return inProcess(this.args(['write'], { ...(config ? { config } : {}), catalog }), lines, onLine);
  }

  /** Like {@link planJson}, but in this process. */
  async planJsonInProcess(
    lines: readonly string[],
    { config, catalog }: Pick<WriteOptions, 'config' | 'catalog'> = {},
  ): Promise<JsonPlan> {
    const { runInProcess } = await import('./in-process.ts');
    const args = this.args(['plan', '--json'], { ...(config ? { config } : {}), catalog });
    const { exitCode, text } = await runInProcess(args, lines);
    return { exitCode, text: text.trimEnd(), plan: JSON.parse(text) as Plan };
  }

  /** Like {@link check}, but in this process. */
  checkInProcess(
    config: Record<string, unknown> = {},
    env: Readonly<Record<string, string>> = {},
  ): Promise<RunResult> {
    const args = ['check', '--config', this.files.write('config.json', this.config(config))];
    return inProcess(args, [], undefined, env);
  }

  check(config: Record<string, unknown> = {}, options: Partial<RunOptions> = {}): Promise<RunResult> {
    return this.#withConfig('check', config, options);
  }

  discover(config: Record<string, unknown> = {}, options: Partial<RunOptions> = {}): Promise<RunResult> {
    return this.#withConfig('discover', config, options);
  }

  #withConfig(
    command: string,
    config: Record<string, unknown>,
    options: Partial<RunOptions> = {},
  ): Promise<RunResult> {
    return runConnector({
      args: [command, '--config', this.files.write('config.json', this.config(config))],
      ...options,
    });
  }
}

async function inProcess(
  args: readonly string[],
  lines: readonly string[],
  onLine?: RunOptions['onLine'],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  // Loaded on demand: tests that start processes don't need `src`.
  const { runInProcess } = await import('./in-process.ts');
  const { text, exitCode } = await runInProcess(args, lines, undefined, onLine, env);
  const end = { exitCode, signal: null, stdoutWasClosed: false };
  return { stderr: '', ...resultOf(text.split('\n').slice(0, -1), end) };
}

/** Runs the test with a harness and closes it afterwards. Fails if the stand-in received an unexpected call. */
export async function withHarness(
  options: StandinOptions,
  test: (harness: Harness) => Promise<void>,
): Promise<void> {
  const standin = await startStandin({ limitScale: Infinity, ...options });
  const harness = new Harness(standin, options.projectType ?? 'hybrid');
  try {
    await test(harness);
    expect(standin.unexpected).toEqual([]);
    expect({ faultsNotMet: standin.faults.unused }).toEqual({ faultsNotMet: 0 });
  } finally {
    await standin.close();
    harness.files.remove();
  }
}

/** Runs the built program as a child process and observes it from outside: stdout lines, stderr, exit code. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { brokenRules } from './conformance.ts';
import { LineTaker } from './line-taker.ts';

export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Caches the compiled program, since hundreds of processes run it: this saves a fifth of each start. */
const COMPILED =
  process.env.TEST_RUN_FOLDER === undefined
    ? {}
    : { NODE_COMPILE_CACHE: path.join(process.env.TEST_RUN_FOLDER, 'compiled') };

export interface Message {
  readonly type: string;
  readonly log?: { readonly level: string; readonly message: string };
  readonly state?: Record<string, unknown>;
  readonly connectionStatus?: { readonly status: string; readonly message: string };
  readonly spec?: Record<string, unknown>;
  readonly destination_catalog?: { readonly operations: readonly Operation[] };
  readonly trace?: {
    readonly type: string;
    readonly emitted_at: number;
    readonly error: {
      readonly message: string;
      readonly failure_type: string;
      readonly internal_message?: string;
    };
  };
}

/** One entry of a DESTINATION_CATALOG. */
export interface Operation {
  readonly object_name: string;
  readonly sync_mode: string;
  readonly json_schema: {
    readonly properties: Readonly<Record<string, unknown>>;
    readonly required: readonly string[];
    readonly additionalProperties: boolean;
  };
  readonly matching_keys: readonly (readonly string[])[];
}

export interface RunResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Every line of stdout, verbatim. */
  readonly lines: string[];
  readonly messages: Message[];
  readonly stderr: string;
  readonly logs: string[];
  /** The lines of STATE messages. */
  readonly states: string[];
  readonly errors: { readonly message: string; readonly failure_type: string }[];
}

export interface RunOptions {
  readonly args: readonly string[];
  /** Written to stdin, chunk by chunk with backpressure. stdin is then closed unless `keepOpen` is set. */
  readonly input?: string | Iterable<string | Buffer> | AsyncIterable<string | Buffer>;
  readonly keepOpen?: boolean;
  readonly cwd?: string;
  /** The path of another copy of the program. */
  readonly main?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Runs as this user. */
  readonly uid?: number;
  readonly onSpawn?: (child: ChildProcessWithoutNullStreams) => void;
  /** If the run takes longer, it is killed and the test fails. */
  readonly deadlineMs?: number;
  /** Called with each complete line of stdout as it arrives. */
  readonly onLine?: (line: string) => void;
  /** stdout is plain text and contains no messages. */
  readonly isText?: boolean;
}

/** Runs `dist/main.js ARGS` and waits for its end. */
export async function runConnector(options: RunOptions): Promise<RunResult> {
  const child = spawn(process.execPath, [options.main ?? MAIN, ...options.args], {
    cwd: options.cwd,
    env: options.env ?? { PATH: process.env.PATH, ...COMPILED },
    ...(options.uid === undefined ? {} : { uid: options.uid }),
  });
  options.onSpawn?.(child);
  const stdout: string[] = [];
  const taker = new LineTaker((line) => {
    stdout.push(line);
    options.onLine?.(line);
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    taker.take(text);
  });
  child.stdout.on('end', () => {
    // Only a killed program may leave an incomplete line.
    if (taker.rest !== '' && child.signalCode !== 'SIGKILL') stdout.push(taker.rest);
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // The program may legitimately end before it has read all input.
  child.stdin.on('error', () => undefined);
  const stuck = new AbortController();
  const deadline = setTimeout(() => {
    stuck.abort();
    child.kill('SIGKILL');
  }, options.deadlineMs ?? 120_000);
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('close', (code, signal) => {
      resolve([code, signal]);
    });
  });
  await feed(child, options);
  const [exitCode, signal] = await ended;
  clearTimeout(deadline);
  if (stuck.signal.aborted)
    throw new Error(`The connector did not end in time. Its last output:\n${stdout.slice(-30).join('\n')}`);
  taker.throwFailure();
  if (options.isText === true)
    return { exitCode, signal, stderr, lines: stdout, messages: [], logs: [], states: [], errors: [] };
  const stdoutWasClosed = child.stdout.destroyed && !child.stdout.readableEnded;
  return { stderr, ...resultOf(stdout, { exitCode, signal, stdoutWasClosed }) };
}

/** Parses the lines of a run; throws if they break the protocol. */
export function resultOf(
  lines: string[],
  end: Pick<RunResult, 'exitCode' | 'signal'> & { readonly stdoutWasClosed: boolean },
): Omit<RunResult, 'stderr'> {
  const broken = brokenRules({ lines, ...end });
  if (broken.length > 0) throw new Error(`The run broke the protocol:\n${broken.join('\n')}`);
  return { exitCode: end.exitCode, signal: end.signal, ...interpret(lines) };
}

function interpret(lines: string[]): Pick<RunResult, 'lines' | 'messages' | 'logs' | 'states' | 'errors'> {
  const messages = lines.map((line) => JSON.parse(line) as Message);
  return {
    lines,
    messages,
    logs: messages.flatMap(({ log }) => (log ? [`${log.level} ${log.message}`] : [])),
    states: lines.filter((_, index) => messages[index]?.type === 'STATE'),
    errors: messages.flatMap(({ trace }) => (trace?.type === 'ERROR' ? [trace.error] : [])),
  };
}

async function feed(
  child: ChildProcessWithoutNullStreams,
  { input = '', keepOpen = false }: RunOptions,
): Promise<void> {
  for await (const chunk of typeof input === 'string' ? [input] : input) {
    if (child.exitCode !== null || child.stdin.destroyed) return;
    if (chunk.length > 0 && !child.stdin.write(chunk)) await drained(child);
  }
  if (!keepOpen) child.stdin.end();
}

function drained(child: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      child.stdin.off('drain', go);
      child.off('close', go);
      resolve();
    };
    child.stdin.once('drain', go);
    child.once('close', go);
  });
}

/** A folder for one test's files; `remove` deletes it. */
export class TestFiles {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'destination-iterable-'));

  /** Writes a file (objects as JSON) and returns its path. */
  write(name: string, content: unknown): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

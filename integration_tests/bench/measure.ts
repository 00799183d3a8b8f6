/** Runs a program as a child process and measures elapsed time, CPU time and peak memory. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Loaded into the process before its program; reports the resources used when it exits. Plain text, because loading TypeScript
 * would itself take memory. On Linux, maxRSS is inherited from the parent process; VmHWM is not.
 */
export const USAGE = `data:text/javascript,
import { readFileSync, writeFileSync } from 'node:fs';
process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  let peakKib = maxRSS;
  try {
    peakKib = Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  } catch {}
  const usage = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMb: peakKib / 1024 };
  writeFileSync(process.env.BENCH_USAGE_FILE, JSON.stringify(usage));
});`;

export interface Measurement {
  readonly seconds: number;
  /** User and system time of the process itself. */
  readonly cpuSeconds: number;
  /** Peak resident memory. */
  readonly peakMb: number;
  readonly stdout: string;
}

export interface MeasuredRun {
  /** The arguments of Node: a program and its arguments. */
  readonly args: readonly string[];
  /** A file that another process pipes into its stdin. */
  readonly input: string;
  /** The file to which the process writes its resource usage. */
  readonly usageFile: string;
}

/** Runs the program to its end; throws if it fails. */
export async function measure({ args, input, usageFile }: MeasuredRun): Promise<Measurement> {
  const startedAt = performance.now();
  // Input comes through a pipe, as from an orchestrator.
  const child = spawn(
    '/bin/sh',
    [
      '-c',
      'input=$1; shift; cat "$input" | exec "$@"',
      'sh',
      input,
      process.execPath,
      '--import',
      USAGE,
      ...args,
    ],
    { env: { PATH: process.env.PATH, BENCH_USAGE_FILE: usageFile }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const [stdout, stderr, exitCode] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    exitCodeOf(child),
  ]);
  const seconds = (performance.now() - startedAt) / 1000;
  if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}:\n${stdout}\n${stderr}`);
  const usage = JSON.parse(readFileSync(usageFile, 'utf8')) as Pick<Measurement, 'cpuSeconds' | 'peakMb'>;
  return { seconds, ...usage, stdout };
}

/** The run with the median CPU time. */
export function median(runs: readonly Measurement[]): Measurement {
  const sorted = [...runs].sort((a, b) => a.cpuSeconds - b.cpuSeconds);
  const middle = sorted[sorted.length >> 1];
  if (!middle) throw new Error('nothing was measured');
  return middle;
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.on('close', (code) => {
      resolve(code ?? -1);
    });
  });
}

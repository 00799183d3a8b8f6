/** Runs the built program with its stderr (or all output) on a real pseudo-terminal, from Python's standard library. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { MAIN, type TestFiles } from './connector.ts';

/** Exits with the command's exit code; forwards the output of the terminal to stdout. */
const SPAWN =
  'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(["/bin/sh", "-c", sys.argv[1]])))';

/** Whether this machine has Python with the module pty. */
export const HAS_TERMINAL = spawnSync('python3', ['-c', 'import pty']).status === 0;

export interface TerminalRun {
  readonly exitCode: number | null;
  /** The output of the terminal, including escape codes. */
  readonly raw: string;
  /** The lines of stdout, if it went to a file. */
  readonly lines: readonly string[];
}

export interface TerminalOptions {
  readonly args: readonly string[];
  readonly input: string;
  readonly files: TestFiles;
  readonly env?: Record<string, string>;
  readonly columns?: number;
  /** Sends stdout to the terminal as well. */
  readonly showsStdout?: boolean;
}

export async function runInTerminal(options: TerminalOptions): Promise<TerminalRun> {
  const { args, input, files, env = {}, columns = 80, showsStdout = false } = options;
  const stdin = files.write('stdin.jsonl', input);
  const stdout = files.write('stdout.jsonl', '');
  const words = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  const command = `stty cols ${columns} rows 24; exec ${words} < '${stdin}' ${showsStdout ? '' : `> '${stdout}'`}`;
  const child = spawn('python3', ['-c', SPAWN, command], {
    env: { PATH: process.env.PATH, TERM: 'xterm', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let raw = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (raw += text));
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, raw, lines: readFileSync(stdout, 'utf8').split('\n').slice(0, -1) };
}

/** Replaces each escape character with a visible symbol, for use in patterns. */
export function visible(raw: string): string {
  return raw.replaceAll('\x1b', '␛');
}

/** The final contents of the screen: interprets the few cursor movements that the display uses. */
export function screenOf(raw: string): string[] {
  const lines: string[] = [''];
  let row = 0;
  let column = 0;
  for (const [token] of visible(raw).matchAll(/␛\[\d*(?:;\d+)*[A-Za-z]|[^]/g)) {
    const [, count = '', action = ''] = /^␛\[(\d*)(?:;\d+)*([A-Za-z])$/.exec(token) ?? [];
    if (token === '\n') row++;
    else if (token === '\r') column = 0;
    else if (action === 'A') row -= Number(count || 1);
    else if (action === 'G') column = Number(count || 1) - 1;
    else if (action === 'J') lines.splice(row, Infinity, (lines[row] ?? '').slice(0, column));
    else if (action === 'm') continue;
    else if (action !== '') throw new Error(`unknown escape code ${JSON.stringify(token)}`);
    else lines[row] = (lines[row] ?? '').padEnd(column).slice(0, column++) + token;
    while (lines.length <= row) lines.push('');
  }
  return lines;
}

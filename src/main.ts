#!/usr/bin/env node
/** The process edge: argv, streams, signals, exit code. The only file that touches `process`. */
import { runProgram, STOPPED_EXIT_CODE } from './cli/run.ts';
import type { Terminal } from './cli/terminal.ts';
import { systemClock } from './clock.ts';
import { TransientError } from './errors.ts';
import { MessageWriter } from './protocol/writer.ts';

/** How long handles that are still open at the end may keep the process alive. */
const MAX_LINGER_MS = 2_000;
/**
 * A reader that takes no output for this long is considered gone. Longer than a stopped run waits for its calls, and
 * shorter than Docker waits for a stopped container (10 s).
 */
const MAX_UNREAD_MS = 9_000;

// Created lazily, like stdin below, which Node opens on first access: `spec` needs neither and must start fast.
let controller: AbortController | undefined;
const stop = () => (controller ??= new AbortController());
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    stop().abort(
      new TransientError(
        'stopped',
        `The run was stopped by ${signal}. What was confirmed is acknowledged; start the sync again for the rest.`,
      ),
    );
    leaveWhenUnread();
  });
}

const writer = new MessageWriter(process.stdout);

/** From now on, exits if the reader keeps stdout open without reading it. */
function leaveWhenUnread(): void {
  let taken = writer.linesTaken;
  setInterval(() => {
    if (process.stdout.writableLength > 0 && writer.linesTaken === taken) process.exit(STOPPED_EXIT_CODE);
    taken = writer.linesTaken;
  }, MAX_UNREAD_MS).unref();
}

function terminal(): Terminal {
  const { NO_COLOR = '', TERM = '' } = process.env;
  return {
    isColored: NO_COLOR === '' && TERM !== 'dumb',
    canRedraw: TERM !== 'dumb',
    showsStdout: process.stdout.isTTY,
    get columns() {
      // A terminal of unknown width reports 0 columns.
      return process.stderr.columns || 80;
    },
  };
}

process.exitCode = await runProgram(process.argv.slice(2), {
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  get terminal() {
    return process.stderr.isTTY ? terminal() : undefined;
  },
  writer,
  clock: systemClock,
  env: process.env,
  get stopSignal() {
    return stop().signal;
  },
});
await writer.flush();

// Writing the last output can fail after the command itself has succeeded. On EPIPE the reader has closed stdout; there
// is no one to report to. Any other failure, such as a full disk, is reported only here.
if (writer.failure) {
  const { code, name } = writer.failure as NodeJS.ErrnoException;
  process.exitCode ||= 1;
  if (code !== 'EPIPE') process.stderr.write(`The output can't be written (${code ?? name}).\n`);
}

// Normally the process ends by itself once no handle is open. `process.exit` can deadlock, since it waits for V8's
// threads, one of which may be waiting for this thread to collect garbage: https://github.com/nodejs/node/issues/54918.
// So it is only the fallback for a handle that stays open.
setTimeout(() => {
  process.exit();
}, MAX_LINGER_MS).unref();

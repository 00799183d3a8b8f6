#!/usr/bin/env node
/** The process edge: argv, streams, signals, exit code. The only file that touches `process`. */
import { runProgram, STOPPED_EXIT_CODE } from './cli/run.ts';
import type { Terminal } from './cli/terminal.ts';
import { systemClock } from './clock.ts';
import { TransientError } from './errors.ts';
import { MessageWriter } from './protocol/writer.ts';

/** What is still open at the end may stay so for this long. */
const MAX_LINGER_MS = 2_000;
/** More than a stopped run has for its calls, and less than Docker gives it: a reader who takes nothing for so long reads no more. */
const MAX_UNREAD_MS = 9_000;

// Made when it is first asked for, as is stdin below, which Node opens then: `spec` needs neither, and must start fast.
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

/** From now on whoever keeps the output open and does not read it holds up the end no longer. */
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
      // A terminal that does not know its own width says 0.
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

// What was written last may be lost, after the command itself has ended well. A reader who goes away wants to hear no more; of a
// full disk, say, nothing else tells.
if (writer.failure) {
  const { code, name } = writer.failure as NodeJS.ErrnoException;
  process.exitCode ||= 1;
  if (code !== 'EPIPE') process.stderr.write(`The output can't be written (${code ?? name}).\n`);
}

// The program ends by itself once nothing is open any more. `process.exit` waits for V8's threads, one of which may be waiting
// for this one to collect garbage: https://github.com/nodejs/node/issues/54918. It is left for what should not be: something open.
setTimeout(() => {
  process.exit();
}, MAX_LINGER_MS).unref();

#!/usr/bin/env node
/** The process edge: argv, streams, signals, exit code. The only file that touches `process`. */
import { setFlagsFromString } from 'node:v8';
import { runProgram } from './cli/run.ts';
import { systemClock } from './clock.ts';
import { TransientError } from './errors.ts';
import { MessageWriter } from './protocol/writer.ts';

// What waits for Iterable lives for seconds, and V8 would rather grow its heap to hundreds of megabytes than collect it.
setFlagsFromString('--optimize-for-size');

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    stop.abort(
      new TransientError(
        'stopped',
        `The run was stopped by ${signal}. What was confirmed is acknowledged; start the sync again for the rest.`,
      ),
    );
  });
}

const writer = new MessageWriter(process.stdout);
const exitCode = await runProgram(process.argv.slice(2), {
  stdin: process.stdin,
  stderr: process.stderr,
  writer,
  clock: systemClock,
  stopSignal: stop.signal,
});
await writer.flush();
process.exit(exitCode);

/** Runs the program inside of the test's own process, for tests of which hundreds run: no start-up, all the rest is real. */
import { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { runProgram } from '../../src/cli/run.ts';
import { systemClock, type Clock } from '../../src/clock.ts';
import { TransientError } from '../../src/errors.ts';
import { MessageWriter } from '../../src/protocol/writer.ts';
import type { Message } from './connector.ts';
import { LineTaker } from './line-taker.ts';

/** Waits pass this much faster than they would. */
const HURRY = 20;

/**
 * Time passes as it does, and whoever has waited finds that all of the wait has passed. So what only takes long because the
 * machine is busy uses up no patience that is meant for Iterable.
 */
function hurriedClock(): Clock {
  let ahead = 0;
  const now = () => systemClock.now() + ahead;
  return {
    now,
    random: () => systemClock.random(),
    sleep: async (delayMs, signal) => {
      const dueAt = now() + delayMs;
      await systemClock.sleep(delayMs / HURRY, signal);
      ahead += Math.max(0, dueAt - now());
    },
  };
}

export interface InProcessResult {
  readonly exitCode: number;
  readonly messages: readonly Message[];
  readonly errors: readonly string[];
  readonly logs: readonly string[];
  /** What people read: the text of `plan`, too, which is no message. */
  readonly text: string;
}

/** `onStart` is given what stops the run as a signal would; `onLine` each complete line of stdout when it is written; `env` is all of its environment. */
export async function runInProcess(
  args: readonly string[],
  input: readonly string[],
  onStart: (stop: () => void) => void = () => undefined,
  onLine: (line: string) => void = () => undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<InProcessResult> {
  const chunks: Buffer[] = [];
  const decoder = new StringDecoder();
  const taker = new LineTaker(onLine);
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      taker.take(decoder.write(chunk));
      done();
    },
  });
  const stop = new AbortController();
  onStart(() => {
    stop.abort(new TransientError('stopped', 'The run was stopped.'));
  });
  const writer = new MessageWriter(stdout);
  const exitCode = await runProgram(args, {
    stdin: Readable.from(input.map((line) => Buffer.from(line))),
    stdout,
    stderr: new Writable({
      write(_chunk, _encoding, done) {
        done();
      },
    }),
    writer,
    clock: hurriedClock(),
    env,
    stopSignal: stop.signal,
  });
  await writer.flush();
  taker.throwFailure();
  const text = Buffer.concat(chunks).toString();
  const messages = text
    .split('\n')
    .filter((line) => line.startsWith('{"type"'))
    .map((line) => JSON.parse(line) as Message);
  return {
    exitCode,
    messages,
    errors: messages.flatMap(({ trace }) =>
      trace?.type === 'ERROR' ? [`${trace.error.message} ${trace.error.internal_message ?? ''}`] : [],
    ),
    logs: messages.flatMap(({ log }) => (log ? [log.message] : [])),
    text,
  };
}

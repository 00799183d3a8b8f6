/** Runs the program in the test's own process, for tests with hundreds of runs: without start-up, otherwise real. */
import { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { runProgram } from '../../src/cli/run.ts';
import { systemClock, type Clock } from '../../src/clock.ts';
import { TransientError } from '../../src/errors.ts';
import { MessageWriter } from '../../src/protocol/writer.ts';
import type { Message } from './connector.ts';
import { LineTaker } from './line-taker.ts';

/** The factor by which waits are shortened. */
const SPEED_UP = 20;

/**
 * A clock with shortened waits: each `sleep` takes a fraction of its time, and afterwards the clock has advanced by all of it.
 * Other time is not accelerated, so that a busy machine does not use up time budgets meant for Iterable.
 */
function acceleratedClock(): Clock {
  let ahead = 0;
  const now = () => systemClock.now() + ahead;
  return {
    now,
    random: () => systemClock.random(),
    sleep: async (delayMs, signal) => {
      const dueAt = now() + delayMs;
      await systemClock.sleep(delayMs / SPEED_UP, signal);
      ahead += Math.max(0, dueAt - now());
    },
  };
}

export interface InProcessResult {
  readonly exitCode: number;
  readonly messages: readonly Message[];
  readonly errors: readonly string[];
  readonly logs: readonly string[];
  /** All of stdout, including text of `plan`, which is not a message. */
  readonly text: string;
}

/**
 * @param onStart receives a function that stops the run as a signal would
 * @param onLine receives each complete line of stdout as it is written
 * @param env the whole environment of the run
 * @param clock the one that the stand-in has, if it has limits
 */
export async function runInProcess(
  args: readonly string[],
  input: readonly string[],
  onStart: (stop: () => void) => void = () => undefined,
  onLine: (line: string) => void = () => undefined,
  env: Readonly<Record<string, string>> = {},
  clock: Clock = acceleratedClock(),
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
    clock,
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

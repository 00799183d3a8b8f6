/**
 * Bytes → lines → messages. A line may never end, so memory is bounded. perf: "Reading" in docs/performance.md.
 * A line ends with \n, with \r\n or with the input, and a character may be split between chunks.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ProtocolError } from '../errors.ts';
import { readStart } from './input-start.ts';
import { CUT_OFF, describeLine } from './line-errors.ts';
import { LineSplitter, type Line, type NoiseLine } from './line-splitter.ts';
import { parseMessage, type InputMessage } from './messages.ts';
import type { IgnoredMessage } from './other-messages.ts';

export interface ReadOptions {
  /** Called for each line that does not begin with `{`; such a line is skipped. */
  readonly onNoise: (line: NoiseLine) => void;
  /** Called for each message that is ignored. */
  readonly onIgnored: (message: IgnoredMessage) => void;
  /** A longer message is an error. Noise may have any length. */
  readonly maxLineBytes?: number;
}

const DEFAULT_MAX_LINE_BYTES = 64 * 1024 * 1024;

/**
 * Yields for each chunk the messages that it completes, in input order. Messages are parsed lazily, so that those of a
 * chunk need not all be in memory at once; consume all of them before the next chunk. Iterating throws ProtocolError
 * (`broken_message`, `invalid_utf8`, `line_too_long`) at a bad line, after everything before it, and ConfigError
 * (`not_airbyte_messages`) if the first bytes or a line show that the input is something else.
 */
export async function* readMessages(
  input: AsyncIterable<Uint8Array>,
  { maxLineBytes = DEFAULT_MAX_LINE_BYTES, ...callbacks }: ReadOptions,
): AsyncGenerator<Iterable<InputMessage>> {
  const splitter = new LineSplitter(maxLineBytes);
  for await (const chunk of readStart(input)) {
    yield readLines(splitter.push(chunk), callbacks);
    // libuv (uv__read) reads a pipe that is always full up to 32 times per turn of the event loop. Responses would wait
    // meanwhile, and records would pile up: about 40 MB more.
    await nextTurn();
  }
  yield readLines(splitter.end(), callbacks);
}

type Callbacks = Pick<ReadOptions, 'onNoise' | 'onIgnored'>;

function* readLines(lines: Iterable<Line>, { onNoise, onIgnored }: Callbacks): Generator<InputMessage> {
  for (const line of lines) {
    if (line.kind === 'noise') {
      onNoise(line);
      continue;
    }
    const message = readLine(line);
    if (message.kind === 'ignored') onIgnored(message);
    else yield message;
  }
}

function readLine(line: Exclude<Line, { kind: 'noise' }>): InputMessage | IgnoredMessage {
  switch (line.kind) {
    case 'message':
      return parseMessage(line.text, line.number, line.isUnterminated);
    case 'undecodable':
      throw new ProtocolError(
        'invalid_utf8',
        `${describeLine(line.number, line.bytes)} begins like a message but is not valid UTF-8.${line.isUnterminated ? CUT_OFF : ''}`,
      );
    case 'tooLong':
      throw new ProtocolError(
        'line_too_long',
        `Line ${line.number} of the input (more than ${line.maxBytes} bytes) is longer than a message may be.`,
      );
  }
}

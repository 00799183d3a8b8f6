/**
 * Bytes → lines → messages. Fast, since every record passes here; bounded, since a line may never end; exact about what
 * a line is: it ends with \n or \r\n, or with the input, and a character may be split between chunks.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ProtocolError } from '../errors.ts';
import { readStart } from './input-start.ts';
import { CUT_OFF, describeLine } from './line-errors.ts';
import { LineSplitter, type Line, type NoiseLine } from './line-splitter.ts';
import { parseMessage, type InputMessage } from './messages.ts';
import type { IgnoredMessage } from './other-messages.ts';

export interface ReadOptions {
  /** Told of each line that does not begin with `{`, which is skipped. */
  readonly onNoise: (line: NoiseLine) => void;
  /** Told of each message that comes to nothing. */
  readonly onIgnored: (message: IgnoredMessage) => void;
  /** A longer message is an error. Noise may have any length. */
  readonly maxLineBytes?: number;
}

const DEFAULT_MAX_LINE_BYTES = 64 * 1024 * 1024;

/**
 * Yields for each chunk the messages that it completes, in input order. A message is read when it is taken, so that those of
 * a chunk need not all be in memory at once; take them all before the next chunk's. Taking one throws ProtocolError
 * (`broken_message`, `invalid_utf8`, `line_too_long`) when its line is bad, after everything ahead of it, and ConfigError
 * (`not_airbyte_messages`) when the input is something else, as far as its first bytes or a line tell.
 */
export async function* readMessages(
  input: AsyncIterable<Uint8Array>,
  { maxLineBytes = DEFAULT_MAX_LINE_BYTES, ...told }: ReadOptions,
): AsyncGenerator<Iterable<InputMessage>> {
  const splitter = new LineSplitter(maxLineBytes);
  for await (const chunk of readStart(input)) {
    yield readLines(splitter.push(chunk), told);
    // A pipe that is always full is read up to 32 times in one turn of the event loop (libuv's uv__read), and answers that
    // came meanwhile would have to wait, while records pile up: some 40 MB more.
    await nextTurn();
  }
  yield readLines(splitter.end(), told);
}

type Told = Pick<ReadOptions, 'onNoise' | 'onIgnored'>;

function* readLines(lines: Iterable<Line>, { onNoise, onIgnored }: Told): Generator<InputMessage> {
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

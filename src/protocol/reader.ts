/**
 * Bytes → lines → messages. Fast, since every record passes here; bounded, since a line may never end; exact about what
 * a line is: it ends with \n or \r\n, or with the input, and a character may be split between chunks.
 */
import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ProtocolError } from '../errors.ts';
import { LineSplitter, type Line } from './line-splitter.ts';
import { CUT_OFF, describeLine, parseMessage, type InputMessage } from './messages.ts';

export interface ReadOptions {
  /** Told of each line that does not begin with `{`, which is skipped: its number (1-based) and size. */
  readonly onNoise: (line: number, bytes: number) => void;
  /** A longer message is an error. Noise may have any length. */
  readonly maxLineBytes?: number;
}

const DEFAULT_MAX_LINE_BYTES = 64 * 1024 * 1024;

/**
 * Yields for each chunk the messages that it completes, in input order. A message is read when it is taken, so that those of
 * a chunk need not all be in memory at once; take them all before the next chunk's. Taking one throws ProtocolError
 * (`broken_message`, `invalid_utf8`, `line_too_long`) when its line is bad, after everything ahead of it.
 */
export async function* readMessages(
  input: AsyncIterable<Uint8Array>,
  { onNoise, maxLineBytes = DEFAULT_MAX_LINE_BYTES }: ReadOptions,
): AsyncGenerator<Iterable<InputMessage>> {
  const splitter = new LineSplitter(maxLineBytes);
  for await (const chunk of withoutByteOrderMark(input)) {
    yield readLines(splitter.push(chunk), onNoise);
    // A pipe that is always full is read up to 32 times in one turn of the event loop (libuv's uv__read), and answers that
    // came meanwhile would have to wait, while records pile up: some 40 MB more.
    await nextTurn();
  }
  yield readLines(splitter.end(), onNoise);
}

function* readLines(lines: Iterable<Line>, onNoise: ReadOptions['onNoise']): Generator<InputMessage> {
  for (const line of lines) {
    if (line.kind === 'noise') {
      onNoise(line.number, line.bytes);
      continue;
    }
    const message = readLine(line);
    if (message) yield message;
  }
}

function readLine(line: Exclude<Line, { kind: 'noise' }>): InputMessage | undefined {
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

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** The input without the mark that some editors put before the first line. */
async function* withoutByteOrderMark(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  /** The input's first bytes, as long as they may still turn out to be the mark. */
  let start: Buffer | undefined = Buffer.alloc(0);
  for await (const bytes of input) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!start) {
      yield chunk;
      continue;
    }
    start = Buffer.concat([start, chunk]);
    const mayBeMark = BYTE_ORDER_MARK.subarray(0, start.length).equals(start.subarray(0, 3));
    if (mayBeMark && start.length < 3) continue;
    yield mayBeMark ? start.subarray(3) : start;
    start = undefined;
  }
  if (start) yield start;
}

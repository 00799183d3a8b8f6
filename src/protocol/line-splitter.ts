/**
 * Splits chunks of bytes into lines and classifies these: messages are decoded, noise is only counted. Memory is
 * bounded by the longest message allowed, and the time for a line is linear in its length.
 */
import { Buffer, isUtf8 } from 'node:buffer';

interface Numbered {
  /** 1-based; every line counts, blank ones too. */
  readonly number: number;
}

/** A line whose first character, after whitespace and byte order marks, is `{`. Without its line ending. */
export interface MessageLine extends Numbered {
  readonly kind: 'message';
  readonly text: string;
  /** True for a last line without a newline. */
  readonly isUnterminated: boolean;
}

/** A message line that is not valid UTF-8. */
export interface UndecodableLine extends Numbered {
  readonly kind: 'undecodable';
  readonly bytes: number;
  readonly isUnterminated: boolean;
}

/** A message line beyond the limit. The splitter can't be used after it. */
export interface TooLongLine extends Numbered {
  readonly kind: 'tooLong';
  readonly maxBytes: number;
}

/** Any other line that is not blank. */
export interface NoiseLine extends Numbered {
  readonly kind: 'noise';
  readonly bytes: number;
  /** Its first characters, for classification only. They must not be shown. */
  readonly head: string;
}

export type Line = MessageLine | UndecodableLine | TooLongLine | NoiseLine;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const OPENING_BRACE = 0x7b;
/** The byte order mark of UTF-8. It occurs in mid-input where files were concatenated. */
const UTF_8_MARK = [0xef, 0xbb, 0xbf];
/** How much of a line of noise is kept for classification. */
const HEAD_BYTES = 512;

export class LineSplitter {
  readonly #maxLineBytes: number;
  #number = 1;
  /** The kind of the incomplete current line, so far. */
  #kind: 'blank' | 'message' | 'noise' = 'blank';
  #bytes = 0;
  #endsInCarriageReturn = false;
  /** The bytes of the current line; of noise only the first ones. */
  #parts: Buffer[] = [];

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /**
   * The lines that this chunk completes. Consume all of them before the next push. Keeps views of the chunk, which must
   * not be modified.
   */
  *push(chunk: Buffer): Generator<Line> {
    const end = chunk.lastIndexOf(NEWLINE);
    // perf: validating all complete lines at once is much cheaper than one by one.
    const firstWhole = this.#bytes === 0 ? 0 : chunk.indexOf(NEWLINE);
    const isText = end !== -1 && isUtf8(chunk.subarray(firstWhole, end));
    let start = 0;
    while (start <= end) {
      const newline = chunk.indexOf(NEWLINE, start);
      if (isText && this.#bytes === 0 && chunk[start] === OPENING_BRACE) {
        yield this.#decode(chunk, start, newline);
      } else {
        this.#add(chunk.subarray(start, newline));
        const line = this.#take(false);
        if (line) yield line;
      }
      start = newline + 1;
    }
    this.#add(chunk.subarray(start));
    // One byte more than allowed may turn out to be the carriage return of the line ending.
    if (this.#kind === 'message' && this.#bytes > this.#maxLineBytes + 1) yield this.#tooLong();
  }

  /** The last line, if it has no newline. */
  *end(): Generator<Line> {
    const line = this.#take(true);
    if (line) yield line;
  }

  /** Fast path of almost every line: all of it is in one chunk and known to be valid UTF-8. */
  #decode(chunk: Buffer, start: number, newline: number): MessageLine | TooLongLine {
    const end = chunk[newline - 1] === CARRIAGE_RETURN ? newline - 1 : newline;
    if (end - start > this.#maxLineBytes) return this.#tooLong();
    return {
      kind: 'message',
      number: this.#number++,
      text: chunk.toString('utf8', start, end),
      isUnterminated: false,
    };
  }

  #add(part: Buffer): void {
    if (part.length === 0) return;
    const isFirst = this.#kind === 'blank';
    if (isFirst) this.#kind = kindOf(part);
    // JSON does not allow a byte order mark, so it is dropped.
    if (this.#kind === 'message')
      this.#parts.push(isFirst ? part.subarray(part.indexOf(OPENING_BRACE)) : part);
    else if (this.#kind === 'noise' && this.#bytes < HEAD_BYTES)
      this.#parts.push(Buffer.from(part.subarray(0, HEAD_BYTES)));
    this.#bytes += part.length;
    this.#endsInCarriageReturn = part[part.length - 1] === CARRIAGE_RETURN;
  }

  /** Ends the current line. */
  #take(isUnterminated: boolean): Line | undefined {
    const line = this.#lineOf(this.#bytes - (this.#endsInCarriageReturn ? 1 : 0), isUnterminated);
    this.#number++;
    this.#kind = 'blank';
    this.#bytes = 0;
    this.#endsInCarriageReturn = false;
    this.#parts = [];
    return line;
  }

  #lineOf(bytes: number, isUnterminated: boolean): Line | undefined {
    if (this.#kind === 'blank') return undefined;
    if (this.#kind === 'noise') {
      const head = Buffer.concat(this.#parts).toString('utf8', 0, HEAD_BYTES);
      return { kind: 'noise', number: this.#number, bytes, head };
    }
    if (bytes > this.#maxLineBytes) return this.#tooLong();
    const content = Buffer.concat(this.#parts);
    if (!isUtf8(content)) return { kind: 'undecodable', number: this.#number, bytes, isUnterminated };
    const text = content.toString('utf8', 0, content.length - (this.#endsInCarriageReturn ? 1 : 0));
    return { kind: 'message', number: this.#number, text, isUnterminated };
  }

  #tooLong(): TooLongLine {
    return { kind: 'tooLong', number: this.#number, maxBytes: this.#maxLineBytes };
  }
}

function kindOf(part: Buffer): 'blank' | 'message' | 'noise' {
  for (const byte of part) {
    if (byte === OPENING_BRACE) return 'message';
    if (byte !== SPACE && byte !== TAB && byte !== CARRIAGE_RETURN && !UTF_8_MARK.includes(byte))
      return 'noise';
  }
  return 'blank';
}

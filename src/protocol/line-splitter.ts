/**
 * Cuts chunks of bytes into lines and sorts those: messages, which it decodes, and noise, which it only counts. What it
 * holds is bounded by the longest message allowed, and no line costs more than its length.
 */
import { Buffer, isUtf8 } from 'node:buffer';

interface Numbered {
  /** 1-based; every line counts, blank ones too. */
  readonly number: number;
}

/** A line whose first character (blanks and a mark of UTF-8 aside) is `{`, without its line ending. */
export interface MessageLine extends Numbered {
  readonly kind: 'message';
  readonly text: string;
  /** True for a last line that the input ends without a newline. */
  readonly isUnterminated: boolean;
}

/** The same, where the bytes are not text. */
export interface UndecodableLine extends Numbered {
  readonly kind: 'undecodable';
  readonly bytes: number;
  readonly isUnterminated: boolean;
}

/** The same, beyond the limit; the splitter is of no use after it. */
export interface TooLongLine extends Numbered {
  readonly kind: 'tooLong';
  readonly maxBytes: number;
}

/** Any other line that is not blank. */
export interface NoiseLine extends Numbered {
  readonly kind: 'noise';
  readonly bytes: number;
  /** Its first characters, to be looked at and never to be shown. */
  readonly head: string;
}

export type Line = MessageLine | UndecodableLine | TooLongLine | NoiseLine;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const OPENING_BRACE = 0x7b;
/** The mark that some editors put before UTF-8 text; it is in mid-input where files were joined. */
const UTF_8_MARK = [0xef, 0xbb, 0xbf];
/** Of noise so much is kept to see what it looks like. */
const HEAD_BYTES = 512;

export class LineSplitter {
  readonly #maxLineBytes: number;
  #number = 1;
  /** What is known of the line that has begun but not ended. */
  #kind: 'blank' | 'message' | 'noise' = 'blank';
  #bytes = 0;
  #endsInCarriageReturn = false;
  /** Its bytes, if it is a message; if it is noise, its first ones. */
  #parts: Buffer[] = [];

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The lines that this chunk completes; take them all before the next push. Keeps views of the chunk, so leave it be. */
  *push(chunk: Buffer): Generator<Line> {
    const end = chunk.lastIndexOf(NEWLINE);
    // One look at all whole lines together is much cheaper than one at each.
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
    // A carriage return may yet turn out to be part of the line's ending.
    if (this.#kind === 'message' && this.#bytes > this.#maxLineBytes + 1) yield this.#tooLong();
  }

  /** The last line, if no newline ended it. */
  *end(): Generator<Line> {
    const line = this.#take(true);
    if (line) yield line;
  }

  /** The way of almost every line: whole in its chunk, and known to be text. */
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
    // In JSON a mark is no blank.
    if (this.#kind === 'message')
      this.#parts.push(isFirst ? part.subarray(part.indexOf(OPENING_BRACE)) : part);
    else if (this.#kind === 'noise' && this.#bytes < HEAD_BYTES)
      this.#parts.push(Buffer.from(part.subarray(0, HEAD_BYTES)));
    this.#bytes += part.length;
    this.#endsInCarriageReturn = part[part.length - 1] === CARRIAGE_RETURN;
  }

  /** Ends the line. */
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

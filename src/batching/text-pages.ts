/**
 * Texts that wait to be sent, as UTF-8 in pages of bytes. As strings they would be the larger part of what waits in V8's heap,
 * to be copied and looked at by each collection of garbage; and a body is only put together from pieces of pages.
 */
import { Buffer } from 'node:buffer';

/** A text in a page, which lives as long as any of its texts is known. */
export interface StoredText {
  readonly page: Buffer;
  /** Index of its first byte. */
  readonly start: number;
  /** Its UTF-8 bytes. */
  readonly bytes: number;
}

/** Some 200 users. A text that stays long keeps no more than that alive. */
const PAGE_BYTES = 64 * 1024;
const MAX_SHARE = PAGE_BYTES / 4;
/** A character of a string (UTF-16) takes no more in UTF-8. */
const MAX_BYTES_PER_CHARACTER = 3;
const COMMA = 0x2c;

export class TextPages {
  #page = Buffer.alloc(0);
  #used = 0;

  store(text: string): StoredText {
    const mostBytes = text.length * MAX_BYTES_PER_CHARACTER;
    if (mostBytes > MAX_SHARE) {
      const page = Buffer.from(text);
      return { page, start: 0, bytes: page.length };
    }
    if (this.#used + mostBytes + 1 > this.#page.length) {
      this.#page = Buffer.allocUnsafeSlow(PAGE_BYTES);
      this.#used = 0;
    }
    const page = this.#page;
    const start = this.#used;
    const bytes = page.write(text, start);
    // Those that follow one another go into a body as one piece.
    page[start + bytes] = COMMA;
    this.#used = start + bytes + 1;
    return { page, start, bytes };
  }
}

/** The text as it was stored; half a surrogate pair has become U+FFFD, as it would on its way. */
export function readText({ page, start, bytes }: StoredText): string {
  return page.toString('utf8', start, start + bytes);
}

/** The texts with commas between them, after `before` and ahead of `after`. */
export function joinTexts(before: string, texts: readonly StoredText[], after: string): Buffer {
  let size = Buffer.byteLength(before) + Buffer.byteLength(after) + Math.max(texts.length - 1, 0);
  for (const { bytes } of texts) size += bytes;
  const joined = Buffer.allocUnsafeSlow(size);
  let at = joined.write(before);
  let piece: { readonly page: Buffer; readonly start: number; end: number } | undefined;
  for (const { page, start, bytes } of texts) {
    if (piece?.page === page && piece.end + 1 === start) {
      piece.end = start + bytes;
      continue;
    }
    if (piece) {
      at += piece.page.copy(joined, at, piece.start, piece.end);
      joined[at++] = COMMA;
    }
    piece = { page, start, end: start + bytes };
  }
  if (piece) at += piece.page.copy(joined, at, piece.start, piece.end);
  joined.write(after, at);
  return joined;
}

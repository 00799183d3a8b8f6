/**
 * Stores pending texts as UTF-8 in byte pages. As strings, they would be most of what is pending in V8's heap, and
 * every garbage collection would scan and copy them. A request body is then assembled from slices of pages. perf: "Less garbage" in
 * docs/performance.md.
 */
import { Buffer } from 'node:buffer';

/** A text in a page. The page stays in memory as long as any of its texts is referenced. */
export interface StoredText {
  readonly page: Buffer;
  /** Index of its first byte. */
  readonly start: number;
  /** Its length in UTF-8. */
  readonly bytes: number;
}

/** About 200 users. A long-lived text keeps no more than one page in memory. */
const PAGE_BYTES = 64 * 1024;
const MAX_SHARE = PAGE_BYTES / 4;
/** Upper bound for one UTF-16 code unit in UTF-8. */
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
    // Adjacent texts are then copied into a body as one slice.
    page[start + bytes] = COMMA;
    this.#used = start + bytes + 1;
    return { page, start, bytes };
  }
}

/** The stored text. A lone surrogate has become U+FFFD, as it would when sent. */
export function readText({ page, start, bytes }: StoredText): string {
  return page.toString('utf8', start, start + bytes);
}

/** The texts joined by commas, between `before` and `after`. */
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

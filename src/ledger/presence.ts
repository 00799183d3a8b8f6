/**
 * Which rows were present in a snapshot, as one bit per entry of a stream: a million marks take 125 KB. Rows that arrive in the
 * order in which they were first written have adjacent bits. The backends store the bits in blocks; this is their in-memory
 * representation. perf: "Ledger" in docs/performance.md.
 */

import type { PresentRow } from './ledger.ts';

/** The number of entries per block. A block has {@link BLOCK_BYTES} bytes. */
export const BLOCK_ENTRIES = 8_192;
export const BLOCK_BYTES = BLOCK_ENTRIES / 8;

/** A block as stored: bit `id % BLOCK_ENTRIES` (starting with the lowest bit of each byte) marks the entry `id`. */
export interface Block {
  /** `id / BLOCK_ENTRIES` of its entries. */
  readonly block: number;
  readonly bits: Uint8Array;
}

/** The marks of one stream, in the latest snapshot that has any. */
export class Presence {
  readonly snapshot: number;
  readonly #blocks: Map<number, Uint8Array>;
  readonly #changed = new Set<number>();

  constructor(snapshot: number, blocks: Iterable<Block> = []) {
    this.snapshot = snapshot;
    this.#blocks = new Map();
    for (const { block, bits } of blocks) this.#blocks.set(block, Uint8Array.from(bits));
  }

  has(id: number): boolean {
    const bits = this.#blocks.get(blockOf(id));
    return bits !== undefined && ((bits[byteOf(id)] ?? 0) & bitOf(id)) !== 0;
  }

  /** Whether the entry was marked in this snapshot or a later one. */
  isMarked(id: number, snapshot: number): boolean {
    return this.snapshot >= snapshot && this.has(id);
  }

  /** The last snapshot in which an entry was present, given the one in which it was written. */
  seenOf(id: number, written: number): number {
    return this.snapshot > written && this.has(id) ? this.snapshot : written;
  }

  add(id: number): void {
    const block = blockOf(id);
    let bits = this.#blocks.get(block);
    if (!bits) this.#blocks.set(block, (bits = new Uint8Array(BLOCK_BYTES)));
    const byte = byteOf(id);
    const before = bits[byte] ?? 0;
    if ((before & bitOf(id)) !== 0) return;
    bits[byte] = before | bitOf(id);
    this.#changed.add(block);
  }

  /** Returns the full blocks that have changed since the previous call. */
  takeChanged(): Block[] {
    const changed = [...this.#changed].map((block) => ({
      block,
      bits: this.#blocks.get(block) ?? new Uint8Array(BLOCK_BYTES),
    }));
    this.#changed.clear();
    return changed;
  }
}

/** The known entry ids of the rows, and the keys of the rows without one. */
export function knownIds(rows: readonly PresentRow[]): {
  readonly ids: number[];
  readonly unknown: string[];
} {
  const ids: number[] = [];
  const unknown: string[] = [];
  for (const { id, key } of rows) {
    if (id === undefined) unknown.push(key);
    else ids.push(id);
  }
  return { ids, unknown };
}

function blockOf(id: number): number {
  return Math.floor(id / BLOCK_ENTRIES);
}

function byteOf(id: number): number {
  return (id % BLOCK_ENTRIES) >> 3;
}

function bitOf(id: number): number {
  return 1 << (id & 7);
}

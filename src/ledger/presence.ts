/**
 * Who was present in a snapshot, as one bit for each entry of a stream: a million marks are 125 KB, and those of rows that
 * come in the order in which they were first written lie side by side. Kept by a backend in blocks; this is what it knows
 * of them in memory.
 */

import type { PresentRow } from './ledger.ts';

/** Entries in one block; a block is {@link BLOCK_BYTES} long. */
export const BLOCK_ENTRIES = 8_192;
export const BLOCK_BYTES = BLOCK_ENTRIES / 8;

/** One block as it is stored: bit `id % BLOCK_ENTRIES` (from the lowest of each byte on) stands for the entry `id`. */
export interface Block {
  /** `id / BLOCK_ENTRIES` of its entries. */
  readonly block: number;
  readonly bits: Uint8Array;
}

/** The marks of one stream in one snapshot: the last that was marked. */
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

  /** The snapshot in which an entry was last present, given the one in which it was written. */
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

  /** The blocks that have changed since they were last asked for, whole. */
  takeChanged(): Block[] {
    const changed = [...this.#changed].map((block) => ({
      block,
      bits: this.#blocks.get(block) ?? new Uint8Array(BLOCK_BYTES),
    }));
    this.#changed.clear();
    return changed;
  }
}

/** The ids of these rows' entries as far as they are known, and the keys of the others. */
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

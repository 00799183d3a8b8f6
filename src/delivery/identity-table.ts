/**
 * A compact map from many addresses and ids to a number each, keyed by a 53-bit hash. Ten million entries take at most
 * 200 MB; the chance that any two of them collide is 1 in 180.
 */
import { hash } from 'node:crypto';

const FIRST_CAPACITY = 1 << 10;
/** The load factor at which the table doubles. */
const MAX_LOAD = 0.75;
const NEVER_A_HASH = 0;

export class IdentityTable {
  #hashes = new Float64Array(FIRST_CAPACITY);
  #values: Uint32Array;
  #size = 0;

  constructor() {
    this.#values = new Uint32Array(FIRST_CAPACITY);
  }

  /** The number of identities that have a value. */
  get size(): number {
    return this.#size;
  }

  get(identity: string): number | undefined {
    const slot = this.#slotOf(hash53(identity));
    return this.#hashes[slot] === NEVER_A_HASH ? undefined : this.#values[slot];
  }

  /** @param value a non-negative integer below 2^32 */
  set(identity: string, value: number): void {
    if (this.#size >= this.#hashes.length * MAX_LOAD) this.#grow();
    const hash = hash53(identity);
    const slot = this.#slotOf(hash);
    if (this.#hashes[slot] === NEVER_A_HASH) this.#size++;
    this.#hashes[slot] = hash;
    this.#values[slot] = value;
  }

  /** The slot that holds the hash, or the free slot where it belongs (linear probing). */
  #slotOf(hash: number): number {
    const mask = this.#hashes.length - 1;
    let slot = hash % this.#hashes.length;
    while (this.#hashes[slot] !== NEVER_A_HASH && this.#hashes[slot] !== hash) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const hashes = this.#hashes;
    const values = this.#values;
    this.#hashes = new Float64Array(hashes.length * 2);
    this.#values = new Uint32Array(hashes.length * 2);
    for (let old = 0; old < hashes.length; old++) {
      const hash = hashes[old] as number;
      if (hash === NEVER_A_HASH) continue;
      const slot = this.#slotOf(hash);
      this.#hashes[slot] = hash;
      this.#values[slot] = values[old] as number;
    }
  }
}

/** A number from 1 to 2^53 - 1. The hash is cryptographic, so that no address can be crafted to collide with another. */
export function hash53(text: string): number {
  const digest = hash('sha256', text, 'buffer');
  return digest.readUInt32LE(0) * 2 ** 21 + (digest.readUInt32LE(4) >>> 11) || 1;
}

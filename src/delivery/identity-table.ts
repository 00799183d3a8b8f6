/**
 * Remembers something about very many addresses and ids in little memory: a number for a 53-bit hash of each. Ten million
 * take 200 MB at most; that two of them share a hash has a chance of 1 in 180.
 */
import { hash } from 'node:crypto';

const FIRST_CAPACITY = 1 << 10;
/** How full the table may be before it doubles. */
const MAX_LOAD = 0.75;
const NEVER_A_HASH = 0;

export class IdentityTable {
  #hashes = new Float64Array(FIRST_CAPACITY);
  #values: Uint32Array;
  #size = 0;

  constructor() {
    this.#values = new Uint32Array(FIRST_CAPACITY);
  }

  /** Identities that have a value. */
  get size(): number {
    return this.#size;
  }

  /** The value last set, or undefined. */
  get(identity: string): number | undefined {
    const slot = this.#slotOf(hash53(identity));
    return this.#hashes[slot] === NEVER_A_HASH ? undefined : this.#values[slot];
  }

  /** @param value a whole number below 2^32 */
  set(identity: string, value: number): void {
    if (this.#size >= this.#hashes.length * MAX_LOAD) this.#grow();
    const hash = hash53(identity);
    const slot = this.#slotOf(hash);
    if (this.#hashes[slot] === NEVER_A_HASH) this.#size++;
    this.#hashes[slot] = hash;
    this.#values[slot] = value;
  }

  /** Where the hash is, or would go: the first free place from its own on. */
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

/** 1 … 2^53 - 1. A cryptographic one, so that nobody can choose an address that passes for another. */
export function hash53(text: string): number {
  const digest = hash('sha256', text, 'buffer');
  return digest.readUInt32LE(0) * 2 ** 21 + (digest.readUInt32LE(4) >>> 11) || 1;
}

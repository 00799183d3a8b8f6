/**
 * Remembers roughly the last million identities in a fixed 4 MB: a newer identity may overwrite an older one. With a
 * million stored, the chance that an identity which was never added is reported as known is 1 in 4,000.
 */
import type { UserKey } from '../model.ts';

const PLACES = 1 << 20;
const NO_MARK = 0;

export class RecentIdentities {
  /** For each place, the hash of the identity stored there. */
  #marks: Uint32Array | undefined;

  add(key: UserKey): void {
    this.#marks ??= new Uint32Array(PLACES);
    const mark = markOf(key);
    this.#marks[placeOf(mark)] = mark;
  }

  has(key: UserKey): boolean {
    const mark = markOf(key);
    return this.#marks?.[placeOf(mark)] === mark;
  }

  delete(key: UserKey): void {
    if (this.#marks && this.has(key)) this.#marks[placeOf(markOf(key))] = NO_MARK;
  }
}

/** FNV-1a. perf: it is cheap, and runs for every user that is written. */
function markOf({ kind, value }: UserKey): number {
  let hash = kind === 'email' ? 0x811c9dc5 : 0x1b873593;
  for (let index = 0; index < value.length; index++) {
    hash = Math.imul(hash ^ value.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0 || 1;
}

/** Mixes the bits, because FNV-1a spreads similar texts poorly over the lower ones. */
function placeOf(mark: number): number {
  const mixed = Math.imul(mark ^ (mark >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 12)) & (PLACES - 1);
}

/**
 * Remembers the identities that came last, roughly a million of them, in 4 MB that never grow: a newer one may take the place of
 * an older one. Beside a million of them, an unknown one passes for one of them with a chance of 1 in 4,000.
 */
import type { UserKey } from '../model.ts';

const PLACES = 1 << 20;
const NO_MARK = 0;

export class RecentIdentities {
  /** The hash of the identity in each place. */
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

/** FNV-1a, which is cheap: every user who is written passes here. */
function markOf({ kind, value }: UserKey): number {
  let hash = kind === 'email' ? 0x811c9dc5 : 0x1b873593;
  for (let index = 0; index < value.length; index++) {
    hash = Math.imul(hash ^ value.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0 || 1;
}

/** The lower bits of such a hash of similar texts are not spread well. */
function placeOf(mark: number): number {
  const mixed = Math.imul(mark ^ (mark >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 12)) & (PLACES - 1);
}

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BLOCK_BYTES, BLOCK_ENTRIES, Presence } from '../../src/ledger/presence.ts';

describe('Presence', () => {
  it('has exactly the entries that were added, also after a round trip through blocks', () => {
    const id = fc.oneof(
      fc.nat(3 * BLOCK_ENTRIES),
      fc.constantFrom(0, 7, 8, BLOCK_ENTRIES - 1, BLOCK_ENTRIES, 2 ** 31, 2 ** 31 + 7, 2 ** 40 + 3),
    );
    fc.assert(
      fc.property(fc.array(id), fc.array(id), (added, others) => {
        const presence = new Presence(2);
        for (const one of added) presence.add(one);
        const again = new Presence(2, presence.takeChanged());
        for (const one of [...added, ...others]) {
          expect(presence.has(one)).toBe(added.includes(one));
          expect(again.has(one)).toBe(added.includes(one));
        }
      }),
    );
  });

  it('returns each changed block in full, once per change', () => {
    const presence = new Presence(1, [{ block: 0, bits: new Uint8Array(BLOCK_BYTES).fill(1, 0, 1) }]);
    presence.add(9);
    presence.add(BLOCK_ENTRIES + 1);
    const changed = presence.takeChanged();
    expect(changed.map(({ block, bits }) => [block, bits.length, bits[0], bits[1]])).toEqual([
      [0, BLOCK_BYTES, 1, 2],
      [1, BLOCK_BYTES, 2, 0],
    ]);
    presence.add(9);
    expect(presence.takeChanged()).toEqual([]);
  });

  it('does not modify the bits passed to it', () => {
    const bits = new Uint8Array(BLOCK_BYTES);
    new Presence(1, [{ block: 0, bits }]).add(3);
    expect(bits[0]).toBe(0);
  });

  it('returns the later of the snapshots in which an entry was written and marked', () => {
    const presence = new Presence(3);
    presence.add(1);
    expect([presence.seenOf(1, 2), presence.seenOf(1, 5), presence.seenOf(2, 2)]).toEqual([3, 5, 2]);
    expect([presence.isMarked(1, 3), presence.isMarked(1, 4), presence.isMarked(2, 3)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

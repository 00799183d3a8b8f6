import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Batcher, type BatchLimits } from '../../src/batching/batcher.ts';

/** Items that have only a size, identified by their keys. */
function aBatcher<Key>(limits: BatchLimits) {
  const batcher = new Batcher<Key, { readonly bytes: number }>(limits);
  return {
    put: (key: Key, bytes: number) => batcher.put(key, { bytes }).map((batch) => [...batch.keys()]),
    take: () => [...batcher.take().keys()],
    fitsAlone: (bytes: number) => batcher.fitsAlone(bytes),
    get size() {
      return batcher.size;
    },
  };
}

describe('Batcher', () => {
  it('closes a batch when it is full', () => {
    const batcher = aBatcher<string>({ maxItems: 2, maxBytes: 100, envelopeBytes: 10 });
    expect(batcher.put('a', 1)).toEqual([]);
    expect(batcher.put('b', 1)).toEqual([['a', 'b']]);
    expect(batcher.size).toBe(0);
  });

  it('checks the bytes before adding an item, commas and envelope included', () => {
    const batcher = aBatcher<string>({ maxItems: 10, maxBytes: 21, envelopeBytes: 10 });
    expect(batcher.put('a', 5)).toEqual([]);
    expect(batcher.put('b', 5)).toEqual([]); // 10 + 5 + 1 + 5 = 21
    expect(batcher.put('c', 1)).toEqual([['a', 'b']]);
    expect(batcher.take()).toEqual(['c']);
  });

  it('counts a replaced item by its new size, and moves it to the next batch when it no longer fits', () => {
    const batcher = aBatcher<string>({ maxItems: 10, maxBytes: 30, envelopeBytes: 10 });
    batcher.put('a', 5);
    batcher.put('b', 5);
    expect(batcher.put('a', 14)).toEqual([]); // 10 + 14 + 1 + 5 = 30
    expect(batcher.put('a', 15)).toEqual([['b']]);
    expect(batcher.take()).toEqual(['a']);
  });

  it('tells which sizes can be sent at all', () => {
    const batcher = aBatcher<string>({ maxItems: 10, maxBytes: 30, envelopeBytes: 10 });
    expect([batcher.fitsAlone(20), batcher.fitsAlone(21)]).toEqual([true, false]);
  });

  it('keeps the order and all items, and no batch exceeds a limit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 7 }),
        (sizes, maxItems) => {
          const limits = { maxItems, maxBytes: 60, envelopeBytes: 13 };
          const batcher = aBatcher<number>(limits);
          const batches = sizes.flatMap((bytes, index) => batcher.put(index, bytes));
          batches.push(batcher.take());
          expect(batches.flat()).toEqual(sizes.map((_, index) => index));
          for (const batch of batches) {
            const bytes =
              batch.reduce((sum, index) => sum + (sizes[index] ?? 0), 0) + Math.max(0, batch.length - 1);
            expect(batch.length).toBeLessThanOrEqual(maxItems);
            expect(13 + bytes).toBeLessThanOrEqual(60);
          }
        },
      ),
    );
  });
});

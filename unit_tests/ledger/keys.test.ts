import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  keyByValue,
  moveToKeysByValue,
  storableKey,
  type KeyedEntry,
  type KeyMove,
  type KeyTable,
} from '../../src/ledger/keys.ts';
import { MovedKeys } from '../../src/ledger/old-keys.ts';
import type { HeldEntry } from '../../src/ledger/ledger.ts';

describe('a key of an older version', () => {
  it.each([
    ['[7000]', '[7000]'],
    ['[7000.0]', '[7000]'],
    ['[7E+3]', '[7000]'],
    ['[1e+21]', '[1000000000000000000000]'],
    ['["7000"]', '[7000]'],
    ['["007"]', '["007"]'],
    ['["7000.0"]', '["7000.0"]'],
    ['["a",1.0]', '["a",1]'],
    ['["a\\u0000b"]', '["a\\u0000b"]'],
    ['userId:7000.0', 'userId:7000.0'],
    ['email:[1.0]', 'email:[1.0]'],
    ['hash:abc', 'hash:abc'],
    ['[not JSON', '[not JSON'],
  ])('%s is %s today', (key, today) => {
    expect(keyByValue(key)).toBe(today);
  });

  it('that would be too long is hashed, as rows of that key are', () => {
    const parts = Array.from({ length: 15 }, () => '1e55');
    const today = JSON.stringify(parts.map(() => 0)).replaceAll('0', `1${'0'.repeat(55)}`);
    expect(keyByValue(`[${parts.join(',')}]`)).toBe(storableKey(today));
    expect(storableKey(today)).toMatch(/^hash:/);
  });
});

/** A stream of entries in memory, in which two can't have one key. */
class Table implements KeyTable {
  entries: (KeyedEntry & { readonly isInDoubt: boolean })[];

  constructor(entries: readonly KeyedEntry[]) {
    this.entries = entries.map((entry) => ({ ...entry, isInDoubt: false }));
  }

  next(after: string, limit: number): Promise<KeyedEntry[]> {
    const sorted = [...this.entries].sort((a, b) => (a.key < b.key ? -1 : 1));
    return Promise.resolve(sorted.filter(({ key }) => key > after).slice(0, limit));
  }

  having(keys: readonly string[]): Promise<KeyedEntry[]> {
    return Promise.resolve(this.entries.filter(({ key }) => keys.includes(key)));
  }

  move(moves: readonly KeyMove[]): Promise<void> {
    for (const { from, to, isInDoubt } of moves) {
      const index = this.entries.findIndex(({ key }) => key === from);
      const entry = this.entries[index];
      if (!entry || (from !== to && this.entries.some(({ key }) => key === to)))
        throw new Error(`${from} can't become ${to}`);
      this.entries[index] = { ...entry, key: to, isInDoubt: entry.isInDoubt || isInDoubt };
    }
    return Promise.resolve();
  }
}

const NOTATIONS = [
  (id: number) => `[${id}]`,
  (id: number) => `[${id}.0]`,
  (id: number) => `[${id}E+0]`,
  (id: number) => `["${id}"]`,
  (id: number) => `[${id}.00]`,
] as const;
const someEntries = fc
  .uniqueArray(fc.tuple(fc.nat(5), fc.nat(NOTATIONS.length - 1)), {
    selector: ([id, notation]) => `${id} ${notation}`,
    maxLength: 25,
  })
  .chain((keys) =>
    fc.array(fc.nat(3), { minLength: keys.length, maxLength: keys.length }).map((seen) =>
      keys.map(([id, notation], index) => ({
        // The order in which they were made is not that of their keys.
        id: index + 1,
        key: NOTATIONS[notation]?.(id) ?? '',
        seen: seen[index] ?? 0,
      })),
    ),
  );

describe('the move of a stream’s keys', () => {
  it('gives each row the entry that was written last, in doubt where there were several, and drops none', () =>
    fc.assert(
      fc.asyncProperty(someEntries, fc.integer({ min: 1, max: 30 }), async (entries, pageSize) => {
        const table = new Table(entries);
        await moveToKeysByValue(table, pageSize);
        expect(table.entries.map(({ id }) => id).sort()).toEqual(entries.map(({ id }) => id).sort());
        for (const key of new Set(entries.map((entry) => keyByValue(entry.key)))) {
          const rivals = entries.filter((entry) => keyByValue(entry.key) === key);
          const [last] = rivals.sort((a, b) => b.seen - a.seen || b.id - a.id);
          const winner = table.entries.find((entry) => entry.key === key);
          expect(winner).toEqual({ ...last, key, isInDoubt: rivals.length > 1 });
          // The others have keys that no row has.
          const others = table.entries.filter(
            (entry) => entry !== winner && rivals.some(({ id }) => id === entry.id),
          );
          for (const other of others) expect(keyByValue(other.key)).toBe(key);
          expect(others).toHaveLength(rivals.length - 1);
        }
      }),
      { numRuns: 500 },
    ));

  it('shows the same keys to a reader', () =>
    fc.assert(
      fc.asyncProperty(someEntries, fc.integer({ min: 1, max: 30 }), async (entries, pageSize) => {
        const base = new Table(entries);
        const moved = await MovedKeys.of([3], () => base, pageSize);
        const table = new Table(entries);
        await moveToKeysByValue(table, pageSize);
        expect(base.entries.map(({ key }) => key)).toEqual(entries.map(({ key }) => key));
        const inDoubt = (entry: KeyedEntry) =>
          ({ stream: 3, valuesHash: 'hash', ...entry }) as unknown as HeldEntry;
        for (const entry of table.entries) {
          const old = entries.find(({ id }) => id === entry.id);
          if (!old) throw new Error('an entry is new');
          if (!moved) {
            expect(entry).toEqual({ ...old, isInDoubt: false });
            continue;
          }
          const { key, valuesHash } = moved.view(inDoubt(old));
          if (entry.isInDoubt || keyByValue(entry.key) === entry.key)
            expect({ key, valuesHash }).toEqual({
              key: entry.key,
              valuesHash: entry.isInDoubt ? '' : 'hash',
            });
          expect(moved.oldOf(3, key)).toBe(old.key);
        }
        moved?.close();
      }),
      { numRuns: 300 },
    ));

  it('goes on from page to page', async () => {
    const entries = Array.from({ length: 2_500 }, (_, index) => ({
      id: index + 1,
      key: index % 3 === 0 ? `[${index}.0]` : `["${index}"]`,
      seen: 1,
    }));
    const table = new Table(entries);
    await moveToKeysByValue(table);
    expect(table.entries.map(({ key }) => key)).toEqual(entries.map((_, index) => `[${index}]`));
  });
});

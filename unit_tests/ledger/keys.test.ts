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
import { parseWritten, writtenText } from '../../src/ledger/written.ts';

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
  ])('%s is converted to %s', (key, today) => {
    expect(keyByValue(key)).toBe(today);
  });

  it('that becomes too long is hashed, like the key of such a row today', () => {
    const parts = Array.from({ length: 15 }, () => '1e55');
    const today = JSON.stringify(parts.map(() => 0)).replaceAll('0', `1${'0'.repeat(55)}`);
    expect(keyByValue(`[${parts.join(',')}]`)).toBe(storableKey(today));
    expect(storableKey(today)).toMatch(/^hash:/);
  });
});

/** An in-memory stream of entries with unique keys. */
class Table implements KeyTable {
  entries: (KeyedEntry & { readonly isHashCleared: boolean })[];

  constructor(entries: readonly KeyedEntry[]) {
    this.entries = entries.map((entry) => ({ ...entry, isHashCleared: false }));
  }

  next(after: string, limit: number): Promise<KeyedEntry[]> {
    const sorted = [...this.entries].sort((a, b) => (a.key < b.key ? -1 : 1));
    return Promise.resolve(sorted.filter(({ key }) => key > after).slice(0, limit));
  }

  having(keys: readonly string[]): Promise<KeyedEntry[]> {
    return Promise.resolve(this.entries.filter(({ key }) => keys.includes(key)));
  }

  move(moves: readonly KeyMove[]): Promise<void> {
    for (const { from, to, clearsHash, written } of moves) {
      const index = this.entries.findIndex(({ key }) => key === from);
      const entry = this.entries[index];
      if (!entry || (from !== to && this.entries.some(({ key }) => key === to)))
        throw new Error(`${from} can't be renamed to ${to}`);
      this.entries[index] = {
        ...entry,
        key: to,
        isHashCleared: entry.isHashCleared || clearsHash,
        written: written ?? entry.written,
      };
    }
    return Promise.resolve();
  }

  drop(keys: readonly string[]): Promise<void> {
    this.entries = this.entries.filter(({ key }) => !keys.includes(key));
    return Promise.resolve();
  }
}

const writtenTo = (lists: Readonly<Record<string, boolean>>, targets: readonly string[] = []) =>
  writtenText({ origin: 'upsert', targets, lists: new Map(Object.entries(lists)) });

const NOTATIONS = [
  (id: number) => `[${id}]`,
  (id: number) => `[${id}.0]`,
  (id: number) => `[${id}E+0]`,
  (id: number) => `["${id}"]`,
  (id: number) => `[${id}.00]`,
] as const;
/**
 * @param mixed true: among several entries of a row, some may hold the same user and some another one. False: they all hold
 * the same user, or each holds another one.
 */
const someEntries = (mixed: boolean) =>
  fc
    .uniqueArray(fc.tuple(fc.nat(5), fc.nat(NOTATIONS.length - 1)), {
      selector: ([id, notation]) => `${id} ${notation}`,
      maxLength: 25,
    })
    .chain((keys) =>
      fc
        .array(fc.tuple(fc.nat(3), fc.nat(2)), { minLength: keys.length, maxLength: keys.length })
        .map((more) =>
          keys.map(([id, notation], index) => ({
            // Ids are not in the order of the keys.
            id: index + 1,
            key: NOTATIONS[notation]?.(id) ?? '',
            seen: more[index]?.[0] ?? 0,
            email: `${mixed ? more[index]?.[1] : id % 2 === 0 ? id : index}@x.com`,
            userId: null,
            isPendingDeletion: false,
            written: writtenTo({ [`list ${index}`]: true }),
          })),
        ),
    );

describe('the conversion of a stream’s keys', () => {
  it('keeps the entry that was written last, clears its hash if there were several, and drops only others of the same user', () =>
    fc.assert(
      fc.asyncProperty(someEntries(true), fc.integer({ min: 1, max: 30 }), async (entries, pageSize) => {
        const table = new Table(entries);
        await moveToKeysByValue(table, pageSize);
        const dropped = entries.filter((entry) => !table.entries.some(({ id }) => id === entry.id));
        for (const key of new Set(entries.map((entry) => keyByValue(entry.key)))) {
          const rivals = entries.filter((entry) => keyByValue(entry.key) === key);
          const [last, ...others] = rivals.sort((a, b) => b.seen - a.seen || b.id - a.id);
          const winner = table.entries.find((entry) => entry.key === key);
          expect(winner).toMatchObject({
            id: last?.id,
            seen: last?.seen,
            email: last?.email,
            isHashCleared: rivals.length > 1,
          });
          const lists = [...parseWritten(winner?.written ?? '').lists.keys()];
          expect(lists).toContain(`list ${(last?.id ?? 0) - 1}`);
          for (const other of others) {
            const isDropped = dropped.includes(other);
            if (isDropped) {
              // What a dropped entry wrote is merged into an entry of the same user.
              const holders = table.entries.filter(({ email }) => email === other.email);
              const kept = holders.flatMap(({ written }) => [...parseWritten(written).lists.keys()]);
              expect(kept).toContain(`list ${other.id - 1}`);
            } else {
              // Entries of other users get keys that no row has.
              const left = table.entries.find(({ id }) => id === other.id);
              expect(left?.key).not.toBe(key);
              expect(keyByValue(left?.key ?? '')).toBe(key);
              // If rivals are on different pages, an earlier one of the same user may remain; within one page it never does.
              if (pageSize > entries.length) expect(other.email).not.toBe(last?.email);
            }
          }
        }
      }),
      { numRuns: 500 },
    ));

  it('is shown in the same way by the read-only view', () =>
    fc.assert(
      fc.asyncProperty(someEntries(false), fc.integer({ min: 1, max: 30 }), async (entries, pageSize) => {
        const base = new Table(entries);
        const moved = await MovedKeys.of([3], () => base, pageSize);
        const table = new Table(entries);
        await moveToKeysByValue(table, pageSize);
        expect(base.entries.map(({ key }) => key)).toEqual(entries.map(({ key }) => key));
        const asHeld = (entry: KeyedEntry) =>
          ({
            stream: 3,
            valuesHash: 'hash',
            ...parseWritten(entry.written),
            ...entry,
          }) as unknown as HeldEntry;
        const shown = entries.filter((entry) => !moved || moved.view(asHeld(entry)));
        expect(shown.map(({ id }) => id).sort()).toEqual(table.entries.map(({ id }) => id).sort());
        expect(moved?.droppedOf(3) ?? 0).toBe(entries.length - table.entries.length);
        for (const entry of table.entries) {
          const old = entries.find(({ id }) => id === entry.id);
          if (!old) throw new Error('an entry is new');
          if (!moved) {
            expect(entry).toEqual({ ...old, isHashCleared: false });
            continue;
          }
          const view = moved.view(asHeld(old));
          if (!view) throw new Error('an entry is hidden');
          const { key, valuesHash, lists } = view;
          expect(lists).toEqual(parseWritten(entry.written).lists);
          // Which of the rivals keeps which old key depends on the page boundaries; this has no visible effect.
          if (keyByValue(entry.key) === entry.key)
            expect({ key, valuesHash }).toEqual({
              key: entry.key,
              valuesHash: entry.isHashCleared ? '' : 'hash',
            });
          expect(moved.oldOf(3, key)).toBe(old.key);
        }
        moved?.close();
      }),
      { numRuns: 300 },
    ));

  it('merges what dropped entries wrote into the remaining one, last write wins', async () => {
    const one = (id: number, key: string, written: string) => ({
      id,
      key,
      seen: id,
      email: 'a@x.com',
      userId: null,
      isPendingDeletion: false,
      written,
    });
    const table = new Table([
      one(1, '[1]', writtenTo({ A: true, B: true }, ['x'])),
      one(2, '["1"]', writtenTo({ B: false, C: true }, ['a', 'y'])),
    ]);
    await moveToKeysByValue(table);
    expect(table.entries).toEqual([
      {
        ...one(2, '[1]', writtenTo({ A: true, B: false, C: true }, ['a', 'x', 'y'])),
        isHashCleared: true,
      },
    ]);
  });

  it.each<[string, Partial<KeyedEntry>, Partial<KeyedEntry>, boolean]>([
    ['has the same address', {}, {}, true],
    ['has fewer identities', {}, { userId: '7' }, true],
    ['has more identities', { userId: '7' }, {}, false],
    ['has another address', { email: 'b@x.com' }, {}, false],
    ['has another id', { email: null, userId: '8' }, { userId: '7' }, false],
    ['is pending deletion', { isPendingDeletion: true }, {}, false],
  ])(
    'with two entries of a row, of which the earlier one %s: %j, %j: it is dropped: %s',
    async (_which, first, last, isDropped) => {
      const one = (id: number, key: string, more: Partial<KeyedEntry>): KeyedEntry => ({
        ...{
          id,
          key,
          seen: 1,
          email: 'a@x.com',
          userId: null,
          isPendingDeletion: false,
          written: writtenTo({}),
        },
        ...more,
      });
      const table = new Table([one(1, '[1]', first), one(2, '["1"]', last)]);
      await moveToKeysByValue(table);
      expect(table.entries.map(({ id, key }) => [id, key])).toEqual(
        isDropped
          ? [[2, '[1]']]
          : [
              [1, '["1"]'],
              [2, '[1]'],
            ],
      );
    },
  );

  it('processes all pages', async () => {
    const entries = Array.from({ length: 2_500 }, (_, index) => ({
      id: index + 1,
      key: index % 3 === 0 ? `[${index}.0]` : `["${index}"]`,
      seen: 1,
      email: `${index}@x.com`,
      userId: null,
      isPendingDeletion: false,
      written: writtenTo({}),
    }));
    const table = new Table(entries);
    await moveToKeysByValue(table);
    expect(table.entries.map(({ key }) => key)).toEqual(entries.map((_, index) => `[${index}]`));
  });
});

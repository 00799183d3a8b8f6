/** The interface of the ledger, in process: every backend must behave the same. */
import { describe, expect, it } from '@jest/globals';
import type { HeldEntry, Ledger } from '../../src/ledger/ledger.ts';
import { describeLedgers } from '../support/ledgers.ts';
import { anEntry, held, withoutEmail, withSeam, type Seam } from '../support/ledger-seam.ts';

const idsOf = (ledger: Ledger) => ledger.own.map(({ id }) => id) as [number, ...number[]];
const keysOf = (entries: readonly HeldEntry[]) => entries.map(({ key }) => key).sort();
const allOf = async (ledger: Ledger, stream: number, keys: readonly string[]) =>
  [...(await ledger.find(stream, keys)).values()].sort((a, b) => (a.key < b.key ? -1 : 1));

const rowsOf = (...keys: string[]) => keys.map((key) => ({ key }));

describeLedgers('the interface', (backend) => {
  const play = (test: (seam: Seam) => Promise<void>) => withSeam(backend, test);
  /** Runs the test with a ledger that has one stream. */
  const use = (test: (ledger: Ledger, stream: number, seam: Seam) => Promise<void>) =>
    play(async (seam) => {
      const ledger = await seam.open();
      await test(ledger, idsOf(ledger)[0], seam);
    });

  it('is empty at first', () =>
    use(async (ledger, stream) => {
      expect(ledger.own).toEqual([{ id: stream, scope: '', stream: { name: 'users' }, state: '' }]);
      expect(await ledger.streams()).toEqual(ledger.own);
      expect(await ledger.find(stream, ['a'])).toEqual(new Map());
      expect(await ledger.find(stream, [])).toEqual(new Map());
      expect(await ledger.holders({ emails: ['a@x.com'], userIds: ['a'] })).toEqual([]);
      expect(await ledger.holders({ emails: [], userIds: [] })).toEqual([]);
      expect(await ledger.count(stream)).toBe(0);
      expect(await ledger.countMissing(stream, 1)).toEqual({ upserted: 0, enriched: 0 });
      expect(await ledger.nextPendingDeletions([stream], 10)).toEqual([]);
      expect(await ledger.cancelDeletions([stream])).toBe(0);
      await ledger.commit({});
    }));

  it('returns entries by key as they were written', () =>
    use(async (ledger, stream) => {
      const a = anEntry(stream, 'a', {
        userId: 'u1',
        targets: ['email', 'name'],
        lists: new Map([['Red', true]]),
      });
      const lists = new Map([
        ['Blue', false],
        ['Red', true],
      ]);
      const b = anEntry(stream, 'b', { origin: 'enrich', seen: 7, targets: [], lists });
      const c = withoutEmail(anEntry(stream, 'c', { userId: 'only' }));
      await ledger.commit({ entries: [a, b, c] });
      const found = await ledger.find(stream, ['c', 'a', 'missing', 'b', 'a']);
      expect(Object.fromEntries(found)).toEqual({ a: held(a), b: held(b), c: held(c) });
      expect(await ledger.count(stream)).toBe(3);
    }));

  it('replaces an existing entry as a whole', () =>
    use(async (ledger, stream) => {
      await ledger.commit({
        entries: [anEntry(stream, 'a', { userId: 'u1', lists: new Map([['Red', true]]) })],
      });
      const next = anEntry(stream, 'a', { email: 'new@x.com', valuesHash: 'other', seen: 2 });
      await ledger.commit({ entries: [next] });
      expect(await allOf(ledger, stream, ['a'])).toEqual([held(next)]);
      expect(await ledger.holders({ emails: ['a@x.com'], userIds: ['u1'] })).toEqual([]);
      expect(await ledger.count(stream)).toBe(1);
    }));

  it('drops entries, marks presence and stores states in one commit', () =>
    use(async (ledger, stream, seam) => {
      await ledger.commit({ entries: ['a', 'b', 'c', 'd'].map((key) => anEntry(stream, key)) });
      const id = (await ledger.find(stream, ['c'])).get('c')?.id;
      expect(id).toEqual(expect.any(Number));
      await ledger.commit({
        entries: [anEntry(stream, 'e', { seen: 2 })],
        dropped: [
          { stream, key: 'a' },
          { stream, key: 'never there' },
        ],
        present: [{ stream, snapshot: 2, rows: [...rowsOf('b', 'never there'), { key: 'c', id }] }],
        states: [{ stream, state: '{"is":"kept"}' }],
      });
      expect(
        (await allOf(ledger, stream, ['a', 'b', 'c', 'd', 'e'])).map(({ key, seen }) => [key, seen]),
      ).toEqual([
        ['b', 2],
        ['c', 2],
        ['d', 1],
        ['e', 2],
      ]);
      expect(await ledger.count(stream)).toBe(4);
      expect((await ledger.streams()).map(({ state }) => state)).toEqual(['{"is":"kept"}']);
      await ledger.close();
      const again = await seam.open();
      expect(again.own.map(({ id, state }) => [id, state])).toEqual([[stream, '{"is":"kept"}']]);
      expect(keysOf(await allOf(again, stream, ['a', 'b', 'c', 'd', 'e']))).toEqual(['b', 'c', 'd', 'e']);
    }));

  it('rolls a failed commit back completely, and remains usable', () =>
    use(async (ledger, stream) => {
      await ledger.commit({ entries: [anEntry(stream, 'a')], states: [{ stream, state: 'before' }] });
      const fresh = anEntry(stream, 'b', { lists: new Map([['seen for the first time', true]]) });
      const impossible = { ...anEntry(stream, 'c'), valuesHash: null as unknown as string };
      await expect(ledger.commit({ entries: [fresh, impossible] })).rejects.toThrow();
      await expect(
        ledger.commit({
          entries: [fresh],
          dropped: [{ stream, key: 'a' }],
          present: [{ stream, snapshot: 9, rows: rowsOf('a') }],
          states: [{ stream, state: null as unknown as string }],
        }),
      ).rejects.toThrow();
      expect(await allOf(ledger, stream, ['a', 'b', 'c'])).toEqual([held(anEntry(stream, 'a'))]);
      expect((await ledger.streams()).map(({ state }) => state)).toEqual(['before']);
      // The interned data of the failed commits was rolled back as well, and must not be cached.
      await ledger.commit({ entries: [fresh] });
      expect(await allOf(ledger, stream, ['b'])).toEqual([held(fresh)]);
    }));

  it('clears the hash of entries that become stale, written in the same transaction or before', () =>
    use(async (ledger, stream) => {
      await ledger.commit({ entries: [anEntry(stream, 'a'), anEntry(stream, 'b')] });
      const stale = ['a', 'c', 'none'].map((key) => ({ stream, key }));
      await ledger.commit({ entries: [anEntry(stream, 'c')], stale });
      const hashes = (await allOf(ledger, stream, ['a', 'b', 'c'])).map(({ valuesHash }) => valuesHash);
      expect(hashes).toEqual(['', anEntry(stream, 'b').valuesHash, '']);
    }));

  it('remembers who was deleted, for all runs of the project', () =>
    play(async (seam) => {
      const ledger = await seam.open();
      await ledger.commit({ deleted: [{ identity: 'a@x.com', isNamed: true }] });
      await ledger.commit({ deleted: [{ identity: ' u1', isNamed: false }] });
      await ledger.close();
      const next = await seam.open({ scope: 'other' });
      expect(await next.recentlyDeleted(60_000)).toEqual([
        { identity: 'a@x.com', isNamed: true, agoMs: expect.any(Number) },
        { identity: ' u1', isNamed: false, agoMs: expect.any(Number) },
      ]);
      expect(await next.recentlyDeleted(-60_000)).toEqual([]);
      await next.close();
      const other = await seam.open({ name: 'another project' });
      expect(await other.recentlyDeleted(60_000)).toEqual([]);
    }));

  it('accepts repetitions of all changes', () =>
    use(async (ledger, stream) => {
      const changes = {
        entries: [anEntry(stream, 'a')],
        dropped: [{ stream, key: 'b' }],
        present: [{ stream, snapshot: 3, rows: rowsOf('a') }],
        states: [{ stream, state: 's' }],
      };
      await ledger.commit(changes);
      await ledger.commit(changes);
      expect(await allOf(ledger, stream, ['a', 'b'])).toEqual([held(anEntry(stream, 'a', { seen: 3 }))]);
      const proven = { stream, snapshot: 4, state: 'proven' };
      expect(await ledger.decideDeletions([proven], () => true)).toEqual([
        { stream, removed: 1, staying: 0, entries: 1 },
      ]);
      // Who is pending deletion already does not count again.
      expect(await ledger.decideDeletions([proven], () => true)).toEqual([
        { stream, removed: 0, staying: 0, entries: 0 },
      ]);
      expect(keysOf(await ledger.nextPendingDeletions([stream], 9))).toEqual(['a']);
      await ledger.close();
      await ledger.close();
    }));

  const ODD = {
    'quotes and a backslash': `'"\`\\ "x"`,
    'a semicolon, a comment, braces and commas': `'; DROP TABLE entry; -- {a,"b"}`,
    emoji: '👩‍👩‍👧 ❤',
    'a null as text': 'NULL',
    'empty text': '',
    whitespace: ' \t\n ',
    'right-to-left text': 'שלום',
    'a key of the maximum length': 'k'.repeat(500),
  };

  it('stores unusual texts', () =>
    use(async (ledger, stream) => {
      const entries = Object.values(ODD).map((text, index) =>
        anEntry(stream, text, {
          email: `${text}@${index}`,
          userId: `${text}#${index}`,
          targets: [text],
          lists: new Map([[text, true]]),
        }),
      );
      await ledger.commit({ entries });
      expect(await ledger.count(stream)).toBe(entries.length);
      for (const entry of entries) {
        const { key, email = '', userId = '' } = entry;
        expect(await allOf(ledger, stream, [key])).toEqual([held(entry)]);
        expect(await ledger.holders({ emails: [email], userIds: [] })).toEqual([held(entry)]);
        expect(await ledger.holders({ emails: [], userIds: [userId] })).toEqual([held(entry)]);
        await ledger.commit({ present: [{ stream, snapshot: 2, rows: rowsOf(key) }] });
      }
      expect(await ledger.countMissing(stream, 2)).toEqual({ upserted: 0, enriched: 0 });
      await ledger.commit({ dropped: entries.map(({ key }) => ({ stream, key })) });
      expect(await ledger.count(stream)).toBe(0);
    }));

  it.each([
    ['a NUL', 'u\0'],
    ['half of a surrogate pair', 'u\ud83d'],
  ])('accepts %s in an identifier, and finds the entry by it', (_name, text) =>
    use(async (ledger, stream) => {
      const lists = new Map([[text, true]]);
      await ledger.commit({ entries: [anEntry(stream, 'a', { userId: text, lists, targets: [text] })] });
      const found = await ledger.holders({ emails: [], userIds: [text] });
      expect(found).toMatchObject([{ key: 'a', lists, targets: [text] }]);
    }),
  );

  it('stores thousands of entries in one commit', () =>
    use(async (ledger, stream) => {
      const keys = Array.from({ length: 3_000 }, (_, index) => `k${index}`);
      await ledger.commit({ entries: keys.map((key) => anEntry(stream, key)) });
      expect((await ledger.find(stream, keys)).size).toBe(3_000);
      expect(await ledger.holders({ emails: keys.map((key) => `${key}@x.com`), userIds: [] })).toHaveLength(
        3_000,
      );
      await ledger.commit({ present: [{ stream, snapshot: 2, rows: rowsOf(...keys.slice(0, 2_000)) }] });
      expect(await ledger.countMissing(stream, 2)).toEqual({ upserted: 1_000, enriched: 0 });
    }));

  describe('separates', () => {
    it('streams by namespace and name, and returns them in the requested order', () =>
      play(async (seam) => {
        const streams = [
          { name: 'users' },
          { name: 'crm' },
          { name: 'users', namespace: 'crm' },
          { name: 'users', namespace: 'a' },
        ];
        const ledger = await seam.open({ streams });
        const ids = idsOf(ledger);
        expect(ledger.own.map(({ stream }) => stream)).toEqual(streams);
        expect(new Set(ids).size).toBe(4);
        await ledger.commit({
          entries: ids.map((id, index) => anEntry(id, 'same', { valuesHash: `${index}` })),
        });
        for (const [index, id] of ids.entries())
          expect((await ledger.find(id, ['same'])).get('same')?.valuesHash).toBe(`${index}`);
        expect(await ledger.holders({ emails: ['same@x.com'], userIds: [] })).toHaveLength(4);
        await ledger.close();
        const reversed = await seam.open({ streams: streams.toReversed() });
        expect(idsOf(reversed)).toEqual(ids.toReversed());
        await reversed.close();
        const one = await seam.open({ streams: streams.slice(1, 2) });
        expect([idsOf(one), (await one.streams()).length]).toEqual([[ids[1]], 4]);
      }));

    it('scopes, except that holders() finds the entries of all scopes', () =>
      play(async (seam) => {
        const first = await seam.open({ scope: 'one' });
        const [id] = idsOf(first);
        await first.commit({ entries: [anEntry(id, 'a')] });
        await first.close();
        const second = await seam.open({ scope: 'two' });
        const [other] = idsOf(second);
        expect(other).not.toBe(id);
        expect(await second.find(other, ['a'])).toEqual(new Map());
        expect(await second.holders({ emails: ['a@x.com'], userIds: [] })).toEqual([held(anEntry(id, 'a'))]);
        expect((await second.streams()).map(({ scope }) => scope).sort()).toEqual(['one', 'two']);
      }));

    it('projects by name or key, completely', () =>
      play(async (seam) => {
        const opened: [string, number][] = [];
        for (const [title, options] of [
          ['key 1', {}],
          ['key 2', { project: { apiKey: 'key-2' } }],
          ['named', { name: 'shop' }],
          ['named like a key', { name: 'key-1' }],
        ] as const) {
          const ledger = await seam.open(options);
          const [id] = idsOf(ledger);
          expect([title, await ledger.streams()]).toEqual([title, ledger.own]);
          expect(await ledger.holders({ emails: ['a@x.com'], userIds: ['u'] })).toEqual([]);
          await ledger.commit({ entries: [anEntry(id, 'a', { userId: 'u' })] });
          expect(await ledger.holders({ emails: ['a@x.com'], userIds: ['u'] })).toHaveLength(1);
          opened.push([title, id]);
          await ledger.close();
        }
        expect(new Set(opened.map(([, id]) => id)).size).toBe(4);
        const rotated = await seam.open({ name: 'shop', project: { apiKey: 'key-3' } });
        expect(idsOf(rotated)[0]).toBe(opened[2]?.[1]);
      }));
  });

  describe('rows missing from a snapshot', () => {
    const proven = (stream: number, snapshot: number) => ({ stream, snapshot, state: `ended ${snapshot}` });

    it('are counted by origin', () =>
      use(async (ledger, stream) => {
        await ledger.commit({
          entries: [
            anEntry(stream, 'a'),
            anEntry(stream, 'b', { seen: 2 }),
            anEntry(stream, 'c', { origin: 'enrich' }),
            anEntry(stream, 'd', { seen: 3 }),
          ],
        });
        expect(await ledger.countMissing(stream, 1)).toEqual({ upserted: 0, enriched: 0 });
        expect(await ledger.countMissing(stream, 2)).toEqual({ upserted: 1, enriched: 1 });
        expect(await ledger.countMissing(stream, 3)).toEqual({ upserted: 2, enriched: 1 });
      }));

    it('are pending deletion until they are dropped; the state is stored in the same transaction', () =>
      use(async (ledger, stream, seam) => {
        await ledger.commit({
          entries: [anEntry(stream, 'a'), anEntry(stream, 'b'), anEntry(stream, 'c', { seen: 2 })],
        });
        expect(await ledger.decideDeletions([proven(stream, 2)], () => true)).toEqual([
          { stream, removed: 2, staying: 0, entries: 3 },
        ]);
        await ledger.close();
        const next = await seam.open();
        expect(next.own[0]?.state).toBe('ended 2');
        expect(await next.nextPendingDeletions([stream], 1)).toHaveLength(1);
        const decided = await next.nextPendingDeletions([stream], 10);
        expect(keysOf(decided)).toEqual(['a', 'b']);
        expect(decided.find(({ key }) => key === 'a')).toEqual({
          ...held(anEntry(stream, 'a'), { isPendingDeletion: true }),
          heldBy: undefined,
        });
        expect(await next.nextPendingDeletions([], 10)).toEqual([]);
        await next.commit({ dropped: [{ stream, key: 'a' }] });
        expect(keysOf(await next.nextPendingDeletions([stream], 10))).toEqual(['b']);
      }));

    it('are no longer pending deletion after they were written, seen or cancelled', () =>
      use(async (ledger, stream) => {
        const keys = ['a', 'b', 'c', 'd'];
        await ledger.commit({ entries: keys.map((key) => anEntry(stream, key)) });
        await ledger.decideDeletions([proven(stream, 2)], () => true);
        await ledger.commit({
          entries: [anEntry(stream, 'a', { seen: 2 })],
          present: [{ stream, snapshot: 2, rows: rowsOf('b') }],
        });
        expect(keysOf(await ledger.nextPendingDeletions([stream], 10))).toEqual(['c', 'd']);
        // In a stream without snapshots, the snapshot number does not increase.
        await ledger.commit({ present: [{ stream, snapshot: 1, rows: rowsOf('c') }] });
        expect(keysOf(await ledger.nextPendingDeletions([stream], 10))).toEqual(['d']);
        expect(await ledger.cancelDeletions([])).toBe(0);
        expect(await ledger.cancelDeletions([stream])).toBe(1);
        expect(await ledger.nextPendingDeletions([stream], 10)).toEqual([]);
        expect((await allOf(ledger, stream, keys)).map(({ isPendingDeletion }) => isPendingDeletion)).toEqual(
          keys.map(() => false),
        );
      }));

    it('stay if another row, stream or scope holds the user, or if it was only enriched', () =>
      play(async (seam) => {
        const elsewhere = await seam.open({ scope: 'other' });
        await elsewhere.commit({ entries: [anEntry(idsOf(elsewhere)[0], 'x', { email: 'scope@x.com' })] });
        await elsewhere.close();
        const otherProject = await seam.open({ name: 'another project' });
        await otherProject.commit({
          entries: [anEntry(idsOf(otherProject)[0], 'x', { email: 'gone@x.com', userId: 'gone' })],
        });
        await otherProject.close();
        const ledger = await seam.open({ streams: [{ name: 'users' }, { name: 'crm' }] });
        const [users, crm = 0] = idsOf(ledger);
        await ledger.commit({
          entries: [
            anEntry(users, 'scope'),
            anEntry(users, 'row'),
            anEntry(users, 'stream', { userId: 'by id' }),
            anEntry(users, 'enriched', { origin: 'enrich' }),
            anEntry(users, 'gone', { userId: 'gone' }),
            anEntry(users, 'both'),
            anEntry(crm, 'both', { seen: 4 }),
            anEntry(users, 'present', { email: 'row@x.com', seen: 2 }),
            anEntry(crm, 'there', { userId: 'by id', seen: 5 }),
          ],
        });
        const decided = await ledger.decideDeletions([proven(crm, 5), proven(users, 2)], () => true);
        // `both` is missing from both streams, so no other entry holds the user.
        expect(decided).toEqual([
          { stream: crm, removed: 1, staying: 0, entries: 2 },
          { stream: users, removed: 2, staying: 4, entries: 7 },
        ]);
        const next = await ledger.nextPendingDeletions([users, crm], 100);
        expect(
          next
            .map(({ stream, key, heldBy }) => `${stream === crm ? 'crm' : 'users'} ${key} ${heldBy ?? '-'}`)
            .sort(),
        ).toEqual([
          'crm both -',
          'users both -',
          'users enriched -',
          'users gone -',
          'users row entry',
          'users scope entry',
          'users stream entry',
        ]);
        expect(await ledger.nextPendingDeletions([users, crm], 3)).toHaveLength(3);
        // Once the other entry is dropped, the user is no longer held.
        await ledger.commit({ dropped: [{ stream: users, key: 'present' }] });
        const row = (await ledger.nextPendingDeletions([users], 100)).find(({ key }) => key === 'row');
        expect(row?.heldBy).toBeUndefined();
      }));

    it('are left to the next snapshot where only a rejected record names the user', () =>
      use(async (ledger, stream) => {
        await ledger.commit({
          entries: [
            anEntry(stream, 'a'),
            anEntry(stream, 'b', { seen: 2 }),
            anEntry(stream, 'c', { userId: 'u' }),
          ],
          named: [
            { stream, key: 'b', named: { email: 'a@x.com' }, seen: 2 },
            { stream, key: 'new', named: { email: 'other@x.com', userId: 'u' }, seen: 2 },
          ],
        });
        expect(await ledger.count(stream)).toBe(3);
        expect(await ledger.find(stream, ['new'])).toMatchObject(
          new Map([
            ['new', { named: { email: 'other@x.com', userId: 'u' }, origin: 'enrich', valuesHash: '' }],
          ]),
        );
        expect(keysOf(await ledger.holders({ emails: ['a@x.com'], userIds: ['u'] }))).toEqual([
          'a',
          'b',
          'c',
          'new',
        ]);
        expect(await ledger.decideDeletions([proven(stream, 2)], () => true)).toEqual([
          { stream, removed: 0, staying: 2, entries: 0 },
        ]);
        expect(await ledger.nextPendingDeletions([stream], 9)).toEqual([]);
        // The next records of these rows name nobody else.
        await ledger.commit({
          entries: [anEntry(stream, 'b', { seen: 2 })],
          dropped: [{ stream, key: 'new' }],
        });
        expect(await ledger.decideDeletions([proven(stream, 2)], () => true)).toEqual([
          { stream, removed: 2, staying: 0, entries: 3 },
        ]);
        expect(keysOf(await ledger.nextPendingDeletions([stream], 9))).toEqual(['a', 'c']);
      }));

    it('are not decided where that is not accepted', () =>
      use(async (ledger, stream) => {
        await ledger.commit({ entries: [anEntry(stream, 'a')] });
        const refused = await ledger.decideDeletions([proven(stream, 2)], (decided) => decided.length === 0);
        expect(refused).toEqual([{ stream, removed: 1, staying: 0, entries: 1 }]);
        expect(await ledger.nextPendingDeletions([stream], 9)).toEqual([]);
        expect((await ledger.streams())[0]?.state).toBe('');
      }));

    it('are cancelled by a rejected record of the row, which is sent whole next time', () =>
      use(async (ledger, stream) => {
        await ledger.commit({ entries: [anEntry(stream, 'a')] });
        await ledger.decideDeletions([proven(stream, 2)], () => true);
        await ledger.commit({ named: [{ stream, key: 'a', named: {}, seen: 2 }] });
        expect(await allOf(ledger, stream, ['a'])).toEqual([
          held(anEntry(stream, 'a', { valuesHash: '', seen: 2 })),
        ]);
      }));

    it('are not held by entries without address and user id', () =>
      use(async (ledger, stream) => {
        const anonymous = withoutEmail(anEntry(stream, 'a'));
        await ledger.commit({ entries: [anonymous, { ...anonymous, key: 'b', seen: 2 }] });
        expect(await ledger.decideDeletions([proven(stream, 2)], () => true)).toEqual([
          { stream, removed: 1, staying: 0, entries: 2 },
        ]);
        expect(await ledger.nextPendingDeletions([stream], 2)).toMatchObject([
          { key: 'a', heldBy: undefined },
        ]);
      }));
  });
});

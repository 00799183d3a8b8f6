/** Ledgers of an older version, whose keys have numbers in the notation of the source, continue to work. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keyByValue } from '../../src/ledger/keys.ts';
import type { HeldEntry, Ledger } from '../../src/ledger/ledger.ts';
import { withSeam, type Seam } from '../support/ledger-seam.ts';
import { describeLedgers } from '../support/ledgers.ts';
import { aCatalog, aRecord, aStream } from '../support/messages.ts';
import { keysOf, OLD_PLACE, writeOldLedger, type OldEntry } from '../support/old-ledger.ts';
import { withSyncs, type Syncs } from '../support/syncs.ts';

const MIRROR = aCatalog(
  aStream({ primaryKey: [['id']], syncMode: 'full_refresh', destinationSyncMode: 'overwrite' }),
);

/** A record line with the key in this notation. */
function row(id: string, name: string, more: Record<string, unknown> = {}): string {
  return aRecord({ id: 0, email: `${name}@x.com`, name, ...more }).replace('"id":0', `"id":${id}`);
}

function entry(key: string, name: string, more: Partial<OldEntry> = {}): OldEntry {
  return { key, email: `${name}@x.com`, values: { name }, ...more };
}

const OLD = [
  entry('[1]', 'a'),
  entry('[2.0]', 'b'),
  entry('[3E+0]', 'c'),
  entry('["4"]', 'd'),
  entry('["005"]', 'e'),
  entry('[9007199254740993]', 'f'),
  entry('[1e+21]', 'g'),
  entry('[-0.0]', 'h'),
  entry(`[1${'0'.repeat(70)}]`, 'i'),
  entry('["x-1"]', 'j'),
  entry('email:k@x.com', 'k'),
];
const ROWS = [
  row('1.0', 'a'),
  row('2', 'b'),
  row('3', 'c'),
  row('4', 'd'),
  row('"005"', 'e'),
  row('9007199254740993.0', 'f'),
  row('1E21', 'g'),
  row('0', 'h'),
  row('1e70', 'i'),
  row('"x-1"', 'j'),
];

describeLedgers('a ledger of the first version', (backend) => {
  const play = (entries: readonly OldEntry[], test: (syncs: Syncs) => Promise<void>, config = {}) =>
    withSyncs(
      backend,
      {
        mappings: ['email', 'name'].map((name) => ({ source: name, target: name })),
        sync_mode: 'sync',
        max_removals_percent: 100,
        ...config,
      },
      async (syncs) => {
        await writeOldLedger(backend, syncs.harness, entries);
        for (const { email = '', values = {} } of entries)
          syncs.harness.addUser({ email }, values as Record<string, string>);
        await test(syncs);
      },
    );
  const options = (syncs: Syncs) => ({
    catalog: MIRROR,
    status: 'COMPLETE',
    config: { ledger: backend.option(syncs.harness, OLD_PLACE) },
  });

  it('recognises its rows: nothing is sent again, and no user is removed whose row is present', () =>
    play(OLD, async (syncs) => {
      const before = syncs.users;
      const { plan } = await syncs.plan(ROWS, options(syncs));
      expect(plan.streams[0]).toMatchObject({ unchanged: 10, new: 0, changed: 0, removed_by_absence: 1 });
      // The entry k was written without a primary key, and its row is missing.
      expect((await syncs.sync(ROWS, options(syncs))).calls).toEqual(['delete']);
      delete before['k@x.com'];
      expect(syncs.users).toEqual(before);
      expect((await syncs.sync(ROWS, options(syncs))).calls).toEqual([]);
      expect(Object.keys(await keysOf(backend, syncs.harness)).sort()).toEqual(
        [
          '[1]',
          '[2]',
          '[3]',
          '[4]',
          '["005"]',
          '[9007199254740993]',
          '[1000000000000000000000]',
          '[0]',
          '[1e+70]',
          '["x-1"]',
        ].sort(),
      );
    }));

  it('changes addresses, removes from lists and deletes by the primary key in any notation', () =>
    play(
      [
        entry('[1.0]', 'a', { lists: ['Red'] }),
        entry('["2"]', 'b', { lists: ['Red'] }),
        entry('[3E+0]', 'c'),
      ],
      async (syncs) => {
        const { lists, store } = syncs.harness.standin;
        const red = lists.create('Red', undefined);
        for (const email of ['a@x.com', 'b@x.com']) store.join(store.profileOf({ email }) ?? 0, red);
        const gone = { _ab_cdc_deleted_at: '2026-01-01' };
        await syncs.sync(
          [
            row('1', 'a', { email: 'a2@x.com', segments: ['Red'] }),
            row('2', 'b', { segments: [] }),
            aRecord({ id: 3, ...gone }),
          ],
          { config: { ledger: backend.option(syncs.harness, OLD_PLACE) } },
        );
        expect(syncs.users).toEqual({ 'a2@x.com': { name: 'a' }, 'b@x.com': { name: 'b' } });
        expect(syncs.harness.standin.members('Red')).toEqual(['a2@x.com']);
      },
      { lists: [{ kind: 'names', source: 'segments' }] },
    ));

  describe('if several keys of one user become the same', () => {
    const SAME = [
      entry('[1]', 'a', { seen: 1, lists: ['Red'] }),
      entry('["1"]', 'a', { seen: 2, lists: ['Blue'] }),
      entry('[2]', 'b', { seen: 2 }),
    ];
    const lists = { lists: [{ kind: 'names', source: 'segments' }] };
    const incremental = (syncs: Syncs) => ({
      config: { ledger: backend.option(syncs.harness, OLD_PLACE) },
      catalog: aCatalog(aStream({ primaryKey: [['id']] })),
    });
    const joinAll = ({ harness: { standin } }: Syncs) => {
      for (const name of ['Red', 'Blue'])
        standin.store.join(
          standin.store.profileOf({ email: 'a@x.com' }) ?? 0,
          standin.lists.create(name, undefined),
        );
    };

    it.each<[string, string, Record<string, { name: string }>]>([
      [
        'a deletion by the key deletes the user',
        aRecord({ id: 1, _ab_cdc_deleted_at: '2026-01-01' }),
        { 'b@x.com': { name: 'b' } },
      ],
      [
        'a change of address applies to the profile',
        row('1', 'a', { email: 'a2@x.com' }),
        { 'a2@x.com': { name: 'a' }, 'b@x.com': { name: 'b' } },
      ],
    ])('%s', (_name, line, users) =>
      play(SAME, async (syncs) => {
        const { plan } = await syncs.plan([line], incremental(syncs));
        await syncs.sync([line], incremental(syncs));
        expect(syncs.users).toEqual(users);
        expect(plan.streams[0]).toMatchObject({ skipped: {}, absent_but_staying: 0 });
        expect(Object.values(await keysOf(backend, syncs.harness)).sort()).toEqual(Object.keys(users).sort());
      }),
    );

    it('the user is removed from the lists of all of them', () =>
      play(
        SAME,
        async (syncs) => {
          joinAll(syncs);
          const lines = [row('1', 'a', { segments: [] })];
          const { plan } = await syncs.plan(lines, incremental(syncs));
          await syncs.sync(lines, incremental(syncs));
          expect([syncs.harness.standin.members('Red'), syncs.harness.standin.members('Blue')]).toEqual([
            [],
            [],
          ]);
          expect(plan.streams[0]?.lists).toEqual({
            Red: { joins: 0, leaves: 1 },
            Blue: { joins: 0, leaves: 1 },
          });
        },
        lists,
      ));
  });

  describe('if several keys of different users become the same', () => {
    const RIVALS = [
      entry('[1]', 'a', { seen: 3 }),
      entry('[1.0]', 'a', { seen: 5 }),
      entry('["1"]', 'a', { seen: 4 }),
      entry('[2]', 'b', { seen: 5 }),
      entry('[2.0]', 'c', { seen: 5 }),
      entry('[3.0]', 'd', { seen: 5 }),
      entry('[3]', 'e', { seen: 4, isPendingDeletion: true }),
      entry('[4.0]', 'f'),
    ];
    const NOW = [row('1', 'a'), row('2', 'c'), row('3', 'd'), row('4', 'f')];

    it('the row gets the entry that was written last, and its values are sent again; the others count as missing', () =>
      play(RIVALS, async (syncs) => {
        const planned = await syncs.plan(NOW, options(syncs));
        const { calls } = await syncs.sync(NOW, options(syncs));
        expect(calls.filter((call) => call !== 'delete')).toEqual(['bulkUpdate']);
        expect(syncs.harness.standin.calls('/bulkUpdate').map(({ users }) => users)).toEqual([3]);
        // b and e were separate users, and no row names them any longer.
        expect(syncs.users).toEqual({
          'a@x.com': { name: 'a' },
          'c@x.com': { name: 'c' },
          'd@x.com': { name: 'd' },
          'f@x.com': { name: 'f' },
        });
        expect(planned.plan.streams[0]).toMatchObject({
          changed: 3,
          unchanged: 1,
          removed_by_absence: 2,
          removed_by_absence_left_over: 1,
        });
        expect((await syncs.sync(NOW, options(syncs))).calls).toEqual([]);
      }));

    it('the removal guard counts the missing ones', () =>
      play(
        RIVALS,
        async (syncs) => {
          const { errors } = await syncs.run(NOW, options(syncs));
          expect(errors).toMatchObject([{ failure_type: 'config_error' }]);
          const { plan } = await syncs.plan([row('1', 'a')], options(syncs));
          expect(plan.failure?.code).toBe('too_many_removals');
          expect(Object.keys(syncs.users)).toContain('b@x.com');
        },
        { max_removals_percent: 10 },
      ));
  });

  const seamOf = (test: (seam: Seam) => Promise<void>) => withSeam(backend, test);

  it('is converted completely or not at all', () =>
    seamOf(async (seam) => {
      const entries = Array.from({ length: 30 }, (_, index) => entry(`[${index}.0]`, `user${index}`));
      await writeOldLedger(backend, seam, entries);
      const before = await keysOf(backend, seam);
      const forbid =
        backend.name === 'sqlite'
          ? () =>
              `CREATE TRIGGER forbid BEFORE UPDATE ON entry WHEN NEW.key = '[29]' BEGIN SELECT RAISE(ABORT, 'no'); END`
          : (table: (name: string) => string) =>
              `ALTER TABLE ${table('entry')} ADD CONSTRAINT forbid CHECK (key <> '[29]')`;
      await backend.query(seam, forbid);
      await expect(seam.open(OLD_PLACE)).rejects.toThrow();
      expect(await keysOf(backend, seam)).toEqual(before);
      await backend.query(seam, (table) =>
        backend.name === 'sqlite'
          ? 'DROP TRIGGER forbid'
          : `ALTER TABLE ${table('entry')} DROP CONSTRAINT forbid`,
      );
      await backend.afterKill?.(seam);
      await (await seam.open(OLD_PLACE)).close();
      expect(Object.keys(await keysOf(backend, seam)).sort()).toEqual(
        entries.map((_, index) => `[${index}]`).sort(),
      );
    }));

  it('does not convert the keys of a stream that no sync has opened yet', () =>
    seamOf(async (seam) => {
      await writeOldLedger(backend, seam, OLD);
      const before = await keysOf(backend, seam);
      await (await seam.open({ ...OLD_PLACE, streams: [{ name: 'crm' }] })).close();
      expect(await keysOf(backend, seam)).toEqual(before);
      const reader = await seam.open({ ...OLD_PLACE, access: 'read' });
      expect([...(await reader.find(1, ['[2]', '[0]', '[2.0]', '["005"]'])).keys()].sort()).toEqual([
        '["005"]',
        '[0]',
        '[2]',
      ]);
      await reader.close();
      await (await seam.open(OLD_PLACE)).close();
      expect(Object.keys(await keysOf(backend, seam))).toContain('[2]');
    }));

  if (backend.name === 'postgres') {
    it('is not converted while a run of an older version writes the stream', () =>
      seamOf(async (seam) => {
        await writeOldLedger(backend, seam, OLD);
        const before = await keysOf(backend, seam);
        const claim = (until: string) =>
          backend.query(
            seam,
            (table) =>
              `UPDATE ${table('stream')} SET claimed_by = 'older', claimed_until = now() + interval '${until}'`,
          );
        await claim('1 hour');
        await (await seam.open({ ...OLD_PLACE, streams: [{ name: 'crm' }] })).close();
        expect(await keysOf(backend, seam)).toEqual(before);
        await claim('-1 second');
        await (await seam.open(OLD_PLACE)).close();
        expect(Object.keys(await keysOf(backend, seam))).toContain('[2]');
      }));
  }

  it('is shown to readers as it will be after the conversion, whatever its keys are', () =>
    fc.assert(
      fc.asyncProperty(oldKeys, (keys) =>
        seamOf(async (seam) => {
          // Some of the several entries of a row hold the same user.
          const entries = keys.map((key, index) =>
            entry(key, `user${index % 2 === 0 ? keyByValue(key).length : index}`, {
              seen: index % 3,
              isPendingDeletion: index % 7 === 5,
              lists: [`list ${index % 4}`],
            }),
          );
          await writeOldLedger(backend, seam, entries);
          const wanted = keys.map(keyByValue);
          const reader = await seam.open({ ...OLD_PLACE, access: 'read' });
          const read = await contentsOf(reader, wanted, entries);
          const count = await reader.count(1);
          await reader.close();
          const writer = await seam.open(OLD_PLACE);
          expect(await contentsOf(writer, wanted, entries)).toEqual(read);
          expect(read.found.map(([key]) => key)).toEqual([...new Set(wanted)].sort());
          expect(await writer.count(1)).toBe(count);
          await writer.close();
          const again = await keysOf(backend, seam);
          await (await seam.open(OLD_PLACE)).close();
          expect(await keysOf(backend, seam)).toEqual(again);
        }),
      ),
      { numRuns: 12 },
    ));
});

const digits = fc.oneof(fc.nat(20).map(String), fc.bigInt({ min: 0n, max: 10n ** 70n }).map(String));
const aNumber = fc.oneof(
  digits,
  fc
    .tuple(fc.constantFrom('', '-'), digits, fc.constantFrom('', '.0', '.5', '.50', 'E+3', 'e-2', '.0e1'))
    .map((parts) => parts.join('')),
);
const aPart = fc.oneof(
  { weight: 4, arbitrary: aNumber },
  { weight: 2, arbitrary: aNumber.map((number) => JSON.stringify(number)) },
  fc.string({ maxLength: 8 }).map((text) => JSON.stringify(text)),
  fc.uuid().map((text) => JSON.stringify(text)),
  aNumber.map((number) => `{"a":${number}}`),
);
const aKey = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.array(aPart, { minLength: 1, maxLength: 2 }).map((parts) => `[${parts.join(',')}]`),
  },
  fc.constantFrom('userId:7.0', 'email:[1.0]@x.com', 'hash:1.0'),
);
const oldKeys = fc.uniqueArray(
  aKey.filter((key) => !key.includes('\\u0000')),
  { minLength: 1, maxLength: 60 },
);

/** Everything that can be read, for comparison; without the new keys of entries that lost theirs to a later entry. */
async function contentsOf(ledger: Ledger, keys: readonly string[], entries: readonly OldEntry[]) {
  const known = (entry: HeldEntry) => [
    keys.includes(entry.key) ? entry.key : 'key of no row',
    entry.email,
    entry.valuesHash,
    entry.seen,
    entry.isPendingDeletion,
    [...entry.lists.keys()].sort(),
    entry.targets,
  ];
  const sorted = (found: Iterable<HeldEntry>) => [...found].map((each) => JSON.stringify(known(each))).sort();
  const unseen: HeldEntry[] = [];
  for (;;) {
    const page = await ledger.unseen(1, 9, unseen.at(-1)?.key ?? '', 7);
    if (page.length === 0) break;
    unseen.push(...page);
  }
  const found = await ledger.find(1, keys);
  return {
    found: [...found]
      .map(([key, entry]) => [key, known(entry)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
    holders: sorted(await ledger.holders({ emails: entries.map(({ email = '' }) => email), userIds: [] })),
    unseen: sorted(unseen),
    doomed: sorted(await ledger.nextPendingDeletions([1], 100)),
  };
}

import { describe, expect, it } from '@jest/globals';
import type { Ledger, LedgerChanges } from '../../src/ledger/ledger.ts';
import { Keeper } from '../../src/diff/keeper.ts';
import { KeptRows } from '../../src/diff/kept-rows.ts';
import type { Row } from '../../src/diff/row.ts';
import type { StreamMemory } from '../../src/diff/streams.ts';
import { HandClock } from '../support/hand-clock.ts';
import {
  anEntry,
  anUpsert,
  aRow,
  aRowWork,
  aStream,
  IN_DOUBT,
  lists,
  OWN_STREAM,
  TO_BE_REMOVED,
} from '../support/rows.ts';
import { aRoutedStream } from '../support/streams.ts';

const A = 'a@x.com';
const PLAN = { plan: 'gold' };
const OPEN = { entriesAtStart: 0, hasRecord: true, hasKeyless: false };

type Kept = 'at once' | 'once the ledger has it';

/** What reaches the ledger, and when that is made known. */
async function kept(use: (rows: KeptRows, onKept: () => void) => void, open?: typeof OPEN) {
  const clock = new HandClock();
  const commits: LedgerChanges[] = [];
  const ledger: Pick<Ledger, 'commit'> = {
    commit: (changes) => {
      commits.push(changes);
      return Promise.resolve();
    },
  };
  const stream: StreamMemory = {
    routed: aRoutedStream(),
    remembered: aStream(),
    hasRecord: true,
    state: {
      basis: '',
      identityConfigChanged: false,
      snapshot: 2,
      targets: null,
      ...(open && { open: { ...open } }),
    },
  };
  const keeper = new Keeper({
    clock,
    ledger: ledger as Ledger,
    onFailure: (error) => {
      throw error;
    },
  });
  let times = 0;
  use(new KeptRows(keeper, new Map([['users', stream]])), () => times++);
  const when: Kept = times === 1 ? 'at once' : 'once the ledger has it';
  await clock.advance(1_000);
  expect(times).toBe(1);
  const [first] = commits;
  const { entries = [], dropped = [], present = [], states = [] } = first ?? {};
  return {
    when,
    entries,
    dropped,
    present: present.flatMap(({ rows, ...rest }) => rows.map((row) => ({ ...rest, ...row }))),
    states: states.map(({ stream: id, state }) => ({ stream: id, ...(JSON.parse(state) as object) })),
  };
}

const NOTHING = { when: 'at once', entries: [], dropped: [], present: [], states: [] };
const LATER = { ...NOTHING, when: 'once the ledger has it' };
const DROPPED = { ...LATER, dropped: [{ stream: OWN_STREAM, key: '[1]' }] };
const ENTRY = anEntry({ id: 7, email: A, values: PLAN, lists: lists('VIP') });
const work = (held: Row['held'], ...names: string[]) =>
  aRowWork([anUpsert(A, PLAN, { lists: lists(...names) })], held && { held });

describe('what is kept of a row', () => {
  it('that was written is what it says', async () => {
    const { entries, ...rest } = await kept((rows, onKept) => {
      rows.written(work(ENTRY, 'New'), onKept);
    });
    expect({ ...rest, entries: [] }).toEqual(LATER);
    expect(entries).toMatchObject([{ key: '[1]', email: A, lists: lists('New'), seen: 2 }]);
  });

  it.each<[string, Row['held'], object]>([
    ['is nothing where the ledger did not have it', undefined, DROPPED],
    ['is what it was, now in this snapshot', ENTRY, { ...LATER, entries: [{ ...ENTRY, seen: 2 }] }],
    [
      'is in doubt where it was in doubt',
      { ...ENTRY, ...TO_BE_REMOVED },
      { ...LATER, entries: [{ ...ENTRY, ...TO_BE_REMOVED, ...IN_DOUBT, seen: 2 }] },
    ],
  ])('whose calls have changed nothing %s', async (_name, held, expected) => {
    const done = kept((rows, onKept) => {
      rows.asBefore(work(held).records, onKept);
    });
    expect(await done).toEqual(expected);
  });

  it.each<[string, Row['held'], object]>([
    ['is nothing where the ledger did not have it', undefined, DROPPED],
    [
      'is its user still, in doubt: it is written when it comes back',
      ENTRY,
      { ...LATER, entries: [{ ...ENTRY, ...IN_DOUBT, seen: 2 }] },
    ],
  ])('whose user Iterable does not have %s', async (_name, held, expected) => {
    const done = kept((rows, onKept) => {
      rows.missing(aRow({ held }), onKept);
    });
    expect(await done).toEqual(expected);
  });

  it('that says nothing new is nothing', async () => {
    const done = kept((rows, onKept) => {
      rows.unchanged(work(ENTRY, 'VIP'), onKept);
    });
    expect(await done).toEqual(NOTHING);
  });

  it('that names fewer lists, which another row names, is what it names', async () => {
    const { when, entries } = await kept((rows, onKept) => {
      rows.unchanged(work(ENTRY), onKept);
    });
    expect([when, entries]).toMatchObject([
      'once the ledger has it',
      [{ lists: lists(), email: A, seen: 2 }],
    ]);
  });

  it('that says nothing new is its presence, where that matters', async () => {
    const records = aRowWork([anUpsert(A, PLAN, { lists: lists('VIP') })], {
      held: ENTRY,
      stream: aStream({ isReplaced: true }),
    });
    const done = kept((rows, onKept) => {
      rows.unchanged(records, onKept);
    });
    expect(await done).toEqual({
      ...LATER,
      present: [{ stream: OWN_STREAM, snapshot: 2, key: '[1]', id: 7 }],
    });
  });

  it('that has no record is nothing', async () => {
    const none = { records: [], valuesHash: '' };
    for (const keep of ['written', 'unchanged'] as const)
      expect(await kept((rows, onKept) => { rows[keep](none, onKept); })).toEqual(NOTHING); // prettier-ignore
    expect(await kept((rows, onKept) => { rows.asBefore([], onKept); })).toEqual(NOTHING); // prettier-ignore
  });

  it.each<[string, { stream: number; key: string }[], object]>([
    ['goes with its entry', [{ stream: OWN_STREAM, key: '[1]' }], DROPPED],
    ['stays where nothing goes', [], NOTHING],
  ])('that is gone %s', async (_name, gone, expected) => {
    const done = kept((rows, onKept) => {
      rows.gone(gone, onKept);
    });
    expect(await done).toEqual(expected);
  });
});

describe('the presence of a row', () => {
  it.each<[string, Partial<Row>, boolean]>([
    ['is no matter where nothing is removed by absence', { held: ENTRY }, false],
    ['is kept in a full replacement', { held: ENTRY, stream: aStream({ isReplaced: true }) }, true],
    ['is kept where its user was to be removed', { held: { ...ENTRY, ...TO_BE_REMOVED } }, true],
    ['is kept where an earlier record may have changed that', { held: ENTRY, isCurrent: false }, true],
  ])('%s', async (_name, row, isKept) => {
    const { when, present } = await kept((rows, onKept) => {
      rows.seen(aRow(row), onKept);
    });
    expect(when).toBe(isKept ? 'once the ledger has it' : 'at once');
    expect(present).toEqual(isKept ? [{ stream: OWN_STREAM, snapshot: 2, key: '[1]', id: 7 }] : []);
  });
});

describe('a record that does not say whose it is', () => {
  it('is kept in mind of an open snapshot', async () => {
    const done = kept((rows, onKept) => {
      rows.keyless('users', onKept);
    }, OPEN);
    expect(await done).toMatchObject({
      ...LATER,
      states: [{ stream: OWN_STREAM, open: { hasKeyless: true } }],
    });
  });

  it('is no matter without one, nor in a stream that is not of this run', async () => {
    for (const [name, open] of [['users', undefined], ['others', OPEN]] as const) // prettier-ignore
      expect(await kept((rows, onKept) => { rows.keyless(name, onKept); }, open)).toEqual(NOTHING); // prettier-ignore
  });
});

import { describe, expect, it } from '@jest/globals';
import type { HeldEntry, Ledger, LedgerChanges } from '../../src/ledger/ledger.ts';
import { LedgerWriter } from '../../src/diff/ledger-writer.ts';
import { RowResults } from '../../src/diff/row-results.ts';
import type { DiffStream } from '../../src/diff/streams.ts';
import type { RowTask } from '../../src/diff/upserts.ts';
import { Run } from '../../src/run.ts';
import { HandClock } from '../support/hand-clock.ts';
import {
  anEntry,
  anUpsert,
  aRow,
  aRowTask,
  aStream,
  keyOf,
  UNCONFIRMED,
  lists,
  OWN_STREAM,
  PENDING_DELETION,
  type RowCase,
} from '../support/rows.ts';
import { aRoutedStream } from '../support/streams.ts';

const A = 'a@x.com';
const PLAN = { plan: 'gold' };
const OPEN = { entriesAtStart: 0, hasRecord: true, hasKeyless: false };

type When = 'at once' | 'once the ledger has it';

/** What is committed, and when that is told. */
async function committed(use: (rows: RowResults, onCommitted: () => void) => void, open?: typeof OPEN) {
  const clock = new HandClock();
  const commits: LedgerChanges[] = [];
  const ledger: Pick<Ledger, 'commit'> = {
    commit: (changes) => {
      commits.push(changes);
      return Promise.resolve();
    },
  };
  const stream: DiffStream = {
    routed: aRoutedStream(),
    rowStream: aStream(),
    hasRecord: true,
    state: {
      basis: '',
      identityConfigChanged: false,
      snapshot: 2,
      targets: null,
      ...(open && { open: { ...open } }),
    },
  };
  const run = new Run(clock);
  const writer = new LedgerWriter({ clock, ledger: ledger as Ledger, run });
  let times = 0;
  use(new RowResults(writer, new Map([['users', stream]])), () => times++);
  const when: When = times === 1 ? 'at once' : 'once the ledger has it';
  await clock.advance(1_000);
  expect([times, run.failure]).toEqual([1, undefined]);
  const [first] = commits;
  const { entries = [], dropped = [], named = [], present = [], states = [] } = first ?? {};
  const { stale = [], deleted = [] } = first ?? {};
  return {
    when,
    entries,
    dropped,
    named,
    stale,
    deleted,
    present: present.flatMap(({ rows, ...rest }) => rows.map((row) => ({ ...rest, ...row }))),
    states: states.map(({ stream: id, state }) => ({ stream: id, ...(JSON.parse(state) as object) })),
  };
}

const NOTHING = {
  when: 'at once',
  entries: [],
  dropped: [],
  named: [],
  present: [],
  stale: [],
  deleted: [],
  states: [],
};
const LATER = { ...NOTHING, when: 'once the ledger has it' };
const DROPPED = { ...LATER, dropped: [{ stream: OWN_STREAM, key: '[1]' }] };
const ENTRY = anEntry({ id: 7, email: A, values: PLAN, lists: lists('VIP') });
const writtenRow = (rowTask: RowTask) => ({
  ...rowTask,
  key: rowTask.change.key,
  hasMoved: false,
  stale: [],
});
const task = (entry: HeldEntry | undefined, ...names: string[]) =>
  aRowTask([anUpsert(A, PLAN, { lists: lists(...names) })], { entry });

describe('what is committed of a row', () => {
  it('that was written is what its record says', async () => {
    const { entries, ...rest } = await committed((rows, onCommitted) => {
      rows.written(writtenRow(task(ENTRY, 'New')), onCommitted);
    });
    expect({ ...rest, entries: [] }).toEqual(LATER);
    expect(entries).toMatchObject([{ key: '[1]', email: A, lists: lists('New'), seen: 2 }]);
  });

  it('that has become another user is that rows which hold the former one are sent again', async () => {
    const holder = anEntry({ key: '[2]', email: A });
    const former = { ...task(ENTRY), key: keyOf('b@x.com'), stale: [holder] };
    const moved = (hasMoved: boolean) =>
      committed((rows, onCommitted) => {
        rows.written({ ...former, hasMoved }, onCommitted);
      });
    expect((await moved(false)).stale).toMatchObject([{ key: '[2]' }]);
    expect((await moved(true)).stale).toEqual([]);
  });

  it.each<[string, HeldEntry | undefined, object]>([
    ['is that it has no entry, where it had none before', undefined, DROPPED],
    ['is the entry as it was, now in this snapshot', ENTRY, { ...LATER, entries: [{ ...ENTRY, seen: 2 }] }],
    [
      'is unconfirmed where it was a pending deletion',
      { ...ENTRY, ...PENDING_DELETION },
      { ...LATER, entries: [{ ...ENTRY, ...PENDING_DELETION, ...UNCONFIRMED, seen: 2 }] },
    ],
  ])('whose calls have changed nothing %s', async (_name, entry, expected) => {
    const done = committed((rows, onCommitted) => {
      rows.asBefore(task(entry).records, onCommitted);
    });
    expect(await done).toEqual(expected);
  });

  it.each<[string, HeldEntry | undefined, object]>([
    ['is that it has no entry, where it had none before', undefined, DROPPED],
    [
      'is its entry, unconfirmed: the user is written once Iterable has it',
      ENTRY,
      { ...LATER, entries: [{ ...ENTRY, ...UNCONFIRMED, seen: 2 }] },
    ],
  ])('whose user Iterable does not have %s', async (_name, entry, expected) => {
    const done = committed((rows, onCommitted) => {
      rows.missing(aRow({ entry }), onCommitted);
    });
    expect(await done).toEqual(expected);
  });

  it('that did not change is nothing', async () => {
    const done = committed((rows, onCommitted) => {
      rows.unchanged(task(ENTRY, 'VIP'), onCommitted);
    });
    expect(await done).toEqual(NOTHING);
  });

  it('that names fewer lists, which another row names, is its entry with the lists that it names', async () => {
    const { when, entries } = await committed((rows, onCommitted) => {
      rows.unchanged(task(ENTRY), onCommitted);
    });
    expect([when, entries]).toMatchObject([
      'once the ledger has it',
      [{ lists: lists(), email: A, seen: 2 }],
    ]);
  });

  it('that did not change is that it was present, where that matters', async () => {
    const unchanged = aRowTask([anUpsert(A, PLAN, { lists: lists('VIP') })], {
      entry: ENTRY,
      stream: aStream({ isReplaced: true }),
    });
    const done = committed((rows, onCommitted) => {
      rows.unchanged(unchanged, onCommitted);
    });
    expect(await done).toEqual({
      ...LATER,
      present: [{ stream: OWN_STREAM, snapshot: 2, key: '[1]', id: 7 }],
    });
  });

  it('that has no record is nothing', async () => {
    const none = { records: [], valuesHash: '' };
    expect(await committed((rows, onCommitted) => { rows.written({ ...none, key: keyOf(A), hasMoved: false, stale: [] }, onCommitted); })).toEqual(NOTHING); // prettier-ignore
    expect(await committed((rows, onCommitted) => { rows.unchanged(none, onCommitted); })).toEqual(NOTHING); // prettier-ignore
    expect(await committed((rows, onCommitted) => { rows.asBefore([], onCommitted); })).toEqual(NOTHING); // prettier-ignore
  });

  it.each<[string, { stream: number; key: string }[], object]>([
    ['goes with its entry', [{ stream: OWN_STREAM, key: '[1]' }], DROPPED],
    ['stays where nothing goes', [], NOTHING],
  ])('that is gone %s', async (_name, gone, expected) => {
    const done = committed((rows, onCommitted) => {
      rows.gone(gone, onCommitted);
    });
    expect(await done).toEqual(expected);
  });
});

describe('that a row was present', () => {
  it.each<[string, RowCase, boolean]>([
    ['does not matter where nothing is removed by absence', { entry: ENTRY }, false],
    ['is committed in a full replacement', { entry: ENTRY, stream: aStream({ isReplaced: true }) }, true],
    [
      'is committed where its entry is a pending deletion',
      { entry: { ...ENTRY, ...PENDING_DELETION } },
      true,
    ],
    ['is committed where an earlier record may have changed that', { entry: ENTRY, state: 'stale' }, true],
  ])('%s', async (_name, row, isCommitted) => {
    const { when, present } = await committed((rows, onCommitted) => {
      rows.seen(aRow(row), onCommitted);
    });
    expect(when).toBe(isCommitted ? 'once the ledger has it' : 'at once');
    expect(present).toEqual(isCommitted ? [{ stream: OWN_STREAM, snapshot: 2, key: '[1]', id: 7 }] : []);
  });
});

describe('a record without a key', () => {
  it('is noted of an open snapshot', async () => {
    const done = committed((rows, onCommitted) => {
      rows.keyless('users', onCommitted);
    }, OPEN);
    expect(await done).toMatchObject({
      ...LATER,
      states: [{ stream: OWN_STREAM, open: { hasKeyless: true } }],
    });
  });

  it('does not matter without one, nor in a stream that is not of this run', async () => {
    for (const [name, open] of [['users', undefined], ['others', OPEN]] as const) // prettier-ignore
      expect(await committed((rows, onCommitted) => { rows.keyless(name, onCommitted); }, open)).toEqual(NOTHING); // prettier-ignore
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import type { ChangeDetector } from '../../src/diff/change-detector.ts';
import { rowToken } from '../../src/diff/row.ts';
import { readStreamState, type StreamState } from '../../src/diff/stream-state.ts';
import { valuesHash } from '../../src/diff/values-hash.ts';
import type { LedgerChanges } from '../../src/ledger/ledger.ts';
import type { Upsert } from '../../src/model.ts';
import type { SyncMode } from '../../src/streams/modes.ts';
import { anUpsert, keyOf, lists } from '../support/rows.ts';
import { aTaskLedger, closeTaskLedgers, type TaskLedgerCase } from '../support/task-ledgers.ts';

afterEach(closeTaskLedgers);

const A = 'a@x.com';
const B = 'b@x.com';
const GOLD = { plan: 'gold' };
const ENTRY = { key: '[1]', email: A, values: GOLD };

async function aDetector(given: TaskLedgerCase = {}) {
  const its = await aTaskLedger(given);
  const rowOf = (primaryKey: string | undefined, upsert = anUpsert(A, GOLD)) => {
    const row = its.detector.rowOf({ streamKey: 'users', primaryKey, key: upsert.key, upsert });
    if (!row) throw new Error('The record has a row');
    return row;
  };
  const read = (...rows: ReturnType<typeof rowOf>[]) => its.detector.read(rows, () => Promise.resolve());
  /** Entries that no snapshot has seen become pending deletions. */
  const makePending = () =>
    its.detector.ledger.decideDeletions(
      [{ stream: its.stream.rowStream.id, snapshot: 1, state: '' }],
      () => true,
    );
  return { ...its, rowOf, read, makePending };
}

/** The states that were committed. */
function statesOf(commits: readonly LedgerChanges[]) {
  return commits.flatMap(({ states = [] }) => states.map(({ state }) => readStreamState(state)));
}

describe('the row of a record', () => {
  it.each<[string, Parameters<ChangeDetector['rowOf']>[0], TaskLedgerCase, [string, boolean] | undefined]>([
    [
      'is that of its primary key',
      { streamKey: 'users', primaryKey: '[1]', key: keyOf(A) },
      {},
      ['[1]', false],
    ],
    ['is that of its identity, else', { streamKey: 'users', key: keyOf(A) }, {}, [`email:${A}`, true]],
    [
      'is that of its identity where the stream has no primary key',
      { streamKey: 'users', key: keyOf(A) },
      { primaryKey: [] },
      [`email:${A}`, false],
    ],
    ['is none without either', { streamKey: 'users' }, {}, undefined],
    ['is none in a stream that is not of this run', { streamKey: 'x', primaryKey: '[1]' }, {}, undefined],
  ])('%s', async (_name, identity, given, expected) => {
    const { detector } = await aDetector(given);
    const row = detector.rowOf(identity);
    expect(row && [row.key, row.isKeyedByIdentity]).toEqual(expected);
  });

  it('has the hash of the values that its record writes', async () => {
    const { detector, rowOf } = await aDetector();
    expect(rowOf('[1]').valuesHash).toBe(valuesHash(GOLD));
    expect(detector.rowOf({ streamKey: 'users', primaryKey: '[1]' })?.valuesHash).toBe('');
  });
});

it('a record is unchanged where its row is current and has an entry that says the same', async () => {
  const { detector, rowOf, read } = await aDetector({ entries: [ENTRY] });
  const [row, fresh] = [rowOf('[1]'), rowOf('[2]')];
  const change = anUpsert(A, GOLD);
  const isUnchanged = () => [row, fresh].map((each) => detector.isUnchanged(each, change));
  expect(isUnchanged()).toEqual([false, false]);
  await read(row, fresh);
  expect(isUnchanged()).toEqual([true, false]);
  expect([row, fresh].map((each) => detector.identitiesBefore(each))).toEqual([[A], []]);
  row.becomeStale();
  expect(isUnchanged()).toEqual([false, false]);
});

it('rows that are written or dropped while they are read are known', async () => {
  const { detector, rowOf } = await aDetector({ entries: [ENTRY] });
  const row = rowOf('[1]');
  await detector.read([row, rowOf('[2]')], async (changed) => {
    detector.results.missing(row, () => undefined);
    await detector.flush();
    expect([...changed]).toEqual([rowToken(row.stream.id, '[1]')]);
  });
});

describe('the entries of other rows', () => {
  it.each<[string, boolean, object]>([
    ['keep their user on a list', false, { kind: 'unchanged', change: { lists: lists() } }],
    ['do not, where they are pending deletions', true, { kind: 'lists', change: { lists: lists('-VIP') } }],
  ])('%s', async (_name, isPending, expected) => {
    const entries = [
      { ...ENTRY, lists: lists('VIP') },
      { ...ENTRY, key: '[2]', lists: lists('VIP'), seen: 0 },
    ];
    const { detector, rowOf, makePending } = await aDetector({ entries });
    if (isPending) await makePending();
    const change = anUpsert(A, GOLD);
    const task = { records: [{ row: rowOf('[1]'), change }], change, valuesHash: valuesHash(GOLD) };
    expect(await detector.decide([task])).toMatchObject([expected]);
  });
});

it('calls that are about to be made are noted together, each row once', async () => {
  const { detector, commits, rowOf } = await aDetector();
  const task = (key: string, values: Upsert['values']) => {
    const change = anUpsert(A, values);
    return { records: [{ row: rowOf(key), change }], change, valuesHash: '' };
  };
  await Promise.all([
    detector.markUnconfirmed([task('[1]', GOLD), task('[2]', GOLD)]),
    detector.markUnconfirmed([task('[1]', { name: 'Ada' })]),
    detector.markUnconfirmed([]),
    detector.markEntriesUnconfirmed([]),
  ]);
  expect(commits.map(({ entries = [] }) => entries.map(({ key }) => key))).toEqual([['[1]', '[2]']]);
});

describe('what a run starts from', () => {
  it.each<[string, SyncMode, number, boolean]>([
    ['keeps the pending deletions of a mode that removes users', 'sync', 0, true],
    ['cancels those of a mode that removes no users', 'additive', 1, false],
  ])('%s', async (_name, mode, cancelled, isPending) => {
    const entries = [ENTRY, { ...ENTRY, key: '[2]', email: B, seen: 0 }];
    const { detector, stream, commits, entryOf, makePending } = await aDetector({ mode, entries });
    await makePending();
    expect(await detector.begin()).toBe(cancelled);
    expect((await entryOf('[2]'))?.isPendingDeletion).toBe(isPending);
    expect(statesOf(commits)).toEqual([stream.state]);
  });
});

describe('an open snapshot', () => {
  const hasRecord = ({ state }: { state: StreamState }) => state.open?.hasRecord;

  it('has a record from the first one on, which is stored once', async () => {
    const { detector, stream, commits } = await aDetector();
    detector.noteRecord('others');
    expect([stream.hasRecord, hasRecord(stream)]).toEqual([false, false]);
    for (let n = 0; n < 3; n++) {
      detector.noteRecord('users');
      detector.results.gone([{ stream: stream.rowStream.id, key: '[9]' }], () => undefined);
      await detector.flush();
    }
    expect([stream.hasRecord, hasRecord(stream)]).toEqual([true, true]);
    expect(statesOf(commits).map((state) => state?.open?.hasRecord)).toEqual([true]);
  });

  it('is none in a stream that is not replaced, where a record is noted all the same', async () => {
    const { detector, stream, commits } = await aDetector({ destinationSyncMode: 'append_dedup' });
    detector.noteRecord('users');
    await detector.flush();
    expect([stream.hasRecord, hasRecord(stream), commits]).toEqual([true, undefined, []]);
  });
});

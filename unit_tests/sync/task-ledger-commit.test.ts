import { afterEach, describe, expect, it } from '@jest/globals';
import { mergedHash, valuesHash } from '../../src/diff/values-hash.ts';
import type { HeldEntry } from '../../src/ledger/ledger.ts';
import type { Rejection, Upsert, UserChange } from '../../src/model.ts';
import type { TaskResult } from '../../src/sync/outcomes.ts';
import { anUpsert, lists } from '../support/rows.ts';
import { aTaskLedger, closeTaskLedgers } from '../support/task-ledgers.ts';
import { aRecord, aRemoval, aTask } from '../support/tasks.ts';

afterEach(closeTaskLedgers);

const A = 'a@x.com';
const REJECTED: Rejection = { code: 'wrong_type', reason: 'no number' };
const GOLD = { plan: 'gold' };
const FREE = { plan: 'free' };
const EXPORTED = { email: A, values: GOLD, lists: lists('VIP') };
/** As the ledger has the entry before, which is of the snapshot 1. */
const BEFORE = { email: A, valuesHash: valuesHash(GOLD), lists: lists('VIP') };
const GOLD_VIP = anUpsert(A, GOLD, { lists: lists('VIP') });

/** Which row the records are of: that of the primary key, that of the identity in its absence, or none. */
type RowKind = 'keyed' | 'keyless' | 'without row';

interface Case {
  /** The records of the task; by default one that is as the ledger has it. */
  readonly changes?: readonly UserChange[];
  readonly row?: RowKind;
  /** Whether the ledger has the row already. */
  readonly isNew?: boolean;
  /** How far the task has come: nothing was sent, its rows are unconfirmed, or its user is written. */
  readonly progress?: 'unconfirmed' | 'written';
  readonly result: TaskResult;
}

interface After {
  readonly entry: Partial<HeldEntry> | undefined;
  readonly when: 'at once' | 'once the ledger has it';
  readonly hasKeyless?: boolean;
}

const KEYS = { keyed: '[1]', keyless: `email:${A}`, 'without row': '[1]' };

/** What the ledger has after the commit, and when that is told. */
async function committed({ changes = [GOLD_VIP], row = 'keyed', isNew = false, progress, result }: Case) {
  const key = KEYS[row];
  const { tasks, stream, detector, recordOf, entryOf } = await aTaskLedger({
    entries: isNew ? [] : [{ ...EXPORTED, key }],
  });
  const task = aTask(
    ...changes.map((change) =>
      row === 'without row' ? aRecord(change) : recordOf(row === 'keyed' ? '[1]' : undefined, change),
    ),
  );
  const { change } = task;
  if (change.kind === 'removal') await tasks.decideRemoval(task, change);
  else await tasks.decide([task]);
  if (progress) await tasks.markUnconfirmed([task]);
  task.isWritten = progress === 'written';
  let times = 0;
  tasks.commit(task, result, () => times++);
  const when: After['when'] = times === 1 ? 'at once' : 'once the ledger has it';
  // Not before, and once.
  await detector.flush();
  expect([times, tasks.isBusy]).toEqual([1, false]);
  return { entry: await entryOf(key), when, hasKeyless: stream.state.open?.hasKeyless };
}

const atOnce = (entry: After['entry'], hasKeyless = false): After => ({ entry, when: 'at once', hasKeyless });
const later = (entry: After['entry'], hasKeyless = false): After => ({
  entry,
  when: 'once the ledger has it',
  hasKeyless,
});

const removing = (result: TaskResult): Case => ({
  changes: [aRemoval({ email: A })],
  progress: 'unconfirmed',
  result,
});

it('a record that was rejected after an earlier one of its row, and settled before it, has the last word', async () => {
  const { tasks, detector, recordOf, entryOf } = await aTaskLedger({ entries: [] });
  const task = aTask(recordOf('[1]', anUpsert(A, GOLD)));
  await tasks.decide([task]);
  await tasks.markUnconfirmed([task]);
  task.isWritten = true;
  task.namedSince = { email: 'b@x.com' };
  tasks.commit(task, undefined, () => undefined);
  await detector.flush();
  expect(await entryOf('[1]')).toMatchObject({ email: A, named: { email: 'b@x.com' } });
});

describe('a task is committed', () => {
  it.each<[string, Case, After]>([
    // Rejected.
    ['rejected before a call: its row is present', { result: REJECTED }, later({ ...BEFORE, seen: 2 })],
    [
      'rejected, unwritten: its row is as it was, and present',
      { changes: [anUpsert(A, FREE)], progress: 'unconfirmed', result: REJECTED },
      later({ ...BEFORE, seen: 2 }),
    ],
    [
      'rejected, unwritten, new: its entry only names the user',
      { isNew: true, progress: 'unconfirmed', result: REJECTED },
      later({ key: '[1]', named: { email: A }, origin: 'enrich', valuesHash: '', lists: new Map(), seen: 2 }),
    ],
    [
      'rejected, written: its row stays unconfirmed',
      { changes: [anUpsert(A, FREE)], progress: 'written', result: REJECTED },
      later({ ...BEFORE, valuesHash: '', seen: 2 }),
    ],
    [
      'rejected, written, new: its row stays unconfirmed',
      { isNew: true, progress: 'written', result: REJECTED },
      later({ email: A, valuesHash: '', origin: 'enrich', seen: 2 }),
    ],
    [
      'rejected, without its primary key: the snapshot has a record without a key',
      { row: 'keyless', result: REJECTED },
      later({ ...BEFORE, seen: 2 }, true),
    ],
    [
      'rejected, without its primary key, unwritten: the same, and its row is as it was',
      { row: 'keyless', progress: 'unconfirmed', result: REJECTED },
      later({ ...BEFORE, seen: 2 }, true),
    ],
    ['rejected, without a row: the same', { row: 'without row', result: REJECTED }, later({ seen: 1 }, true)],
    [
      'rejected, a removal: its entry stays unconfirmed, and present',
      removing(REJECTED),
      later({ ...BEFORE, valuesHash: '', seen: 2 }),
    ],
    // Unchanged.
    ['unchanged: its row is present', { result: 'unchanged' }, later({ ...BEFORE, seen: 2 })],
    [
      'unchanged, but with fewer lists, which other rows name: its entry has those that it names',
      { changes: [anUpsert(A, GOLD)], result: 'unchanged' },
      later({ ...BEFORE, lists: lists(), seen: 2 }),
    ],
    ['unchanged, without a row', { row: 'without row', result: 'unchanged' }, atOnce({ seen: 1 })],
    // Of an unknown user.
    [
      'not in Iterable: its entry is unconfirmed',
      { result: 'not_in_iterable' },
      later({ ...BEFORE, valuesHash: '', seen: 2 }),
    ],
    ['not in Iterable, new: it has no entry', { isNew: true, result: 'not_in_iterable' }, later(undefined)],
    [
      'not in Iterable, without its primary key: the snapshot has a record without a key, too',
      { row: 'keyless', result: 'not_in_iterable' },
      later({ ...BEFORE, valuesHash: '', seen: 2 }, true),
    ],
    [
      'not in Iterable, without a row: the snapshot has a record without a key',
      { row: 'without row', result: 'not_in_iterable' },
      later({ seen: 1 }, true),
    ],
    // A removal.
    ['removed: its entry ends', removing(undefined), later(undefined)],
    ['removed, but not there: its entry ends', removing('not_there'), later(undefined)],
    [
      'not removed, since another stream has the user: its entry ends',
      removing('held_by_another_row'),
      later(undefined),
    ],
    ['not removed, since it has no entry', { ...removing('not_in_ledger'), isNew: true }, atOnce(undefined)],
    ['removed without a row', { ...removing(undefined), row: 'without row', isNew: true }, atOnce(undefined)],
    [
      'removed after a record that was merged into it: its entry ends',
      { ...removing(undefined), changes: [GOLD_VIP, aRemoval({ email: A })] },
      later(undefined),
    ],
    // Delivered.
    [
      'delivered: its entry is what its record says',
      { changes: [anUpsert(A, FREE, { lists: lists('New') })], progress: 'written', result: undefined },
      later({ email: A, valuesHash: valuesHash(FREE), lists: lists('New'), origin: 'upsert', seen: 2 }),
    ],
    [
      'delivered, of several records: its entry is what they say together',
      {
        changes: [anUpsert(A, { a: 1 }), anUpsert(A, { b: 2 }, { lists: lists('New') })],
        progress: 'written',
        result: undefined,
      },
      later({ valuesHash: mergedHash({ a: 1, b: 2 }, valuesHash({ b: 2 })), lists: lists('New'), seen: 2 }),
    ],
    [
      'delivered, without its primary key: its entry is that of its identity',
      { row: 'keyless', progress: 'written', result: undefined, changes: [anUpsert(A, FREE)] },
      later({ valuesHash: valuesHash(FREE), seen: 2 }),
    ],
    [
      'delivered, without a row',
      { row: 'without row', progress: 'written', result: undefined },
      atOnce({ seen: 1 }),
    ],
  ])('%s', async (_name, given, { entry, ...rest }) => {
    const actual = await committed(given);
    expect(actual).toMatchObject(rest);
    if (entry) expect(actual.entry).toMatchObject(entry);
    else expect(actual.entry).toBeUndefined();
  });
});

it('an unchanged task needs no transaction in a stream that is not replaced', async () => {
  const entries = [{ ...EXPORTED, key: '[1]' }];
  const { tasks, commits, recordOf } = await aTaskLedger({ destinationSyncMode: 'append_dedup', entries });
  const task = aTask(recordOf('[1]', GOLD_VIP));
  await tasks.decide([task]);
  let times = 0;
  tasks.commit(task, 'unchanged', () => times++);
  expect([times, tasks.isBusy, commits]).toEqual([1, false, []]);
});

it('the values are those that the task had when it started, whatever it sends', async () => {
  const { tasks, recordOf, entryOf } = await aTaskLedger();
  const task = aTask(recordOf('[1]', anUpsert(A, { a: 1 })), recordOf('[1]', anUpsert(A, { b: 2 })));
  await tasks.decide([task]);
  task.change = { ...(task.change as Upsert), values: { a: 1, b: 2, cleared: null } };
  tasks.commit(task, undefined, () => undefined);
  expect((await entryOf('[1]'))?.valuesHash).toBe(mergedHash({ a: 1, b: 2 }, valuesHash({ b: 2 })));
});

describe('a rejected task of several records, which are tried one by one,', () => {
  it.each<[string, boolean, boolean, string]>([
    ['leaves its row as it was', true, false, valuesHash(GOLD)],
    ['leaves its row unconfirmed where its user is written', true, true, ''],
    ['changes nothing where no call was made', false, false, valuesHash(GOLD)],
  ])('%s', async (_name, isMarked, isWritten, expected) => {
    const { tasks, commits, recordOf, entryOf } = await aTaskLedger({
      entries: [{ ...EXPORTED, key: '[1]' }],
    });
    const task = aTask(...[FREE, GOLD].map((values) => recordOf('[1]', anUpsert(A, values))));
    await tasks.decide([task]);
    if (isMarked) await tasks.markUnconfirmed([task]);
    task.isWritten = isWritten;
    commits.splice(0);
    let times = 0;
    tasks.commitRejected(task, () => times++);
    expect((await entryOf('[1]'))?.valuesHash).toBe(expected);
    expect([times, commits.length]).toEqual([1, isMarked && !isWritten ? 1 : 0]);
  });
});

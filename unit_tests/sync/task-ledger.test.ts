import { afterEach, describe, expect, it } from '@jest/globals';
import { valuesHash } from '../../src/diff/values-hash.ts';
import type { Task } from '../../src/sync/task.ts';
import { anUpsert, lists } from '../support/rows.ts';
import { aTaskLedger, closeTaskLedgers } from '../support/task-ledgers.ts';
import { aRecord, aRemoval, aTask, taskOf } from '../support/tasks.ts';

afterEach(closeTaskLedgers);

const A = 'a@x.com';
const B = 'b@x.com';
const OLD = 'old@x.com';
const GOLD = { plan: 'gold' };

describe('the ledger may change what is sent', () => {
  it.each<[string, boolean, (its: Awaited<ReturnType<typeof aTaskLedger>>) => Task, boolean]>([
    ['of a row that is not read', false, ({ recordOf }) => aTask(recordOf('[2]', anUpsert(B))), true],
    ['of a row that it has', true, ({ recordOf }) => aTask(recordOf('[1]', anUpsert(A))), true],
    ['not of a new row', true, ({ recordOf }) => aTask(recordOf('[2]', anUpsert(B))), false],
    ['not of a record without a row', true, () => taskOf(anUpsert(A)), false],
    [
      'not of records of which one has no row',
      true,
      ({ recordOf }) => aTask(recordOf('[1]', anUpsert(A)), aRecord(anUpsert(A))),
      false,
    ],
    ['not of a removal', true, ({ recordOf }) => aTask(recordOf('[1]', aRemoval({ email: A }))), false],
  ])('%s', async (_name, isRead, make, expected) => {
    const its = await aTaskLedger({ entries: [{ key: '[1]', email: A }] });
    const task = make(its);
    const rows = task.records.flatMap(({ row }) => row ?? []);
    if (isRead) await its.detector.read(rows, () => Promise.resolve());
    expect(its.tasks.mayChange(task)).toBe(expected);
  });
});

describe('the decisions', () => {
  it('are one for each task, in order, also for those without rows', async () => {
    const entries = [
      { key: '[1]', email: A, values: GOLD, lists: lists('VIP') },
      { key: '[2]', email: B, values: GOLD },
    ];
    const { tasks, recordOf } = await aTaskLedger({ entries });
    const withoutRow = anUpsert('u1', GOLD, { lists: lists('VIP') });
    const decisions = await tasks.decide([
      taskOf(withoutRow),
      aTask(recordOf('[1]', anUpsert(A, GOLD, { lists: lists('VIP') }))),
      aTask(recordOf('[9]', aRemoval({ email: A }))),
      aTask(recordOf('[2]', anUpsert(B, GOLD, { lists: lists('New') }))),
      aTask(recordOf('[1]', anUpsert(A, { n: 1 })), aRecord(anUpsert(A, { m: 2 }))),
      aTask(recordOf('[3]', anUpsert('c@x.com', GOLD))),
      taskOf(aRemoval({ email: B })),
      aTask(recordOf('[1]', anUpsert(A, { plan: 'free' }))),
    ]);
    expect(decisions.map((decision) => decision && [decision.kind, decision.change.key.value])).toEqual([
      ['write', 'u1'],
      ['unchanged', A],
      undefined,
      ['lists', B],
      ['write', A],
      ['write', 'c@x.com'],
      undefined,
      ['write', A],
    ]);
    expect(decisions[0]?.change).toBe(withoutRow);
    expect(decisions[3]?.change.lists).toEqual(lists('New'));
    // What is merged goes as it is where one of the records has no row.
    expect({ ...decisions[4]?.change.values }).toEqual({ n: 1, m: 2 });
    expect(decisions[7]?.change.lists).toEqual(lists('-VIP'));
  });

  it('about removals say which entries end, by the row of the last record', async () => {
    const entries = [
      { key: '[1]', email: A },
      { key: '[2]', email: B },
    ];
    const { tasks, recordOf } = await aTaskLedger({ entries });
    const removal = aRemoval();
    const task = aTask(recordOf('[2]', anUpsert(B)), recordOf('[1]', removal));
    const { removals } = await tasks.decideRemoval(task, removal);
    expect(removals).toMatchObject([{ email: A, isExported: true }]);
    expect(task.removal?.gone.map(({ key }) => key)).toEqual(['[1]']);
    const withoutRow = taskOf(aRemoval());
    expect((await tasks.decideRemoval(withoutRow, aRemoval())).skip).toBe('not_in_ledger');
    expect(withoutRow.removal?.gone).toEqual([]);
  });
});

describe('tasks are marked as unconfirmed', () => {
  it('once each', async () => {
    const { tasks, commits, recordOf, entryOf } = await aTaskLedger({
      entries: [{ key: '[1]', email: A, values: GOLD }],
    });
    const [known, fresh, another] = ['[1]', '[2]', '[3]'].map((key) =>
      aTask(recordOf(key, anUpsert(`${key}@x.com`, GOLD))),
    );
    const withoutRow = taskOf(anUpsert('u1'));
    if (!known || !fresh || !another) throw new Error('There are three tasks');
    await tasks.decide([known, fresh, another]);
    await tasks.markUnconfirmed([known, fresh, withoutRow]);
    const marked = () =>
      commits.splice(0).map(({ entries = [] }) => entries.map(({ key, valuesHash: hash }) => [key, hash]));
    expect(marked()).toEqual([[['[1]', ''], ['[2]', '']]]); // prettier-ignore
    expect([known, fresh, withoutRow, another].map((task) => task.isUnconfirmed)).toEqual([true, true, true, false]); // prettier-ignore
    await tasks.markUnconfirmed([known, fresh, withoutRow]);
    expect(marked()).toEqual([]);
    await tasks.markUnconfirmed([fresh, another]);
    expect(marked()).toEqual([[['[3]', '']]]);
    expect((await entryOf('[1]'))?.email).toBe(A);
  });

  it('of a removal with the entries that end, and nothing else', async () => {
    const entries = [
      { key: '[1]', email: A, values: GOLD },
      { key: '[2]', email: 'c@x.com', values: GOLD },
      { key: '[3]', email: B, values: GOLD },
    ];
    const { tasks, commits, recordOf, entryOf } = await aTaskLedger({ entries });
    const removal = aRemoval({ email: A });
    const task = aTask(recordOf('[1]', anUpsert(A)), recordOf('[1]', removal));
    await tasks.decideRemoval(task, removal);
    await tasks.markUnconfirmed([task]);
    await tasks.markUnconfirmed([task]);
    expect(commits).toHaveLength(1);
    const hashes = await Promise.all(
      ['[1]', '[2]', '[3]'].map(async (key) => (await entryOf(key))?.valuesHash),
    );
    expect(hashes).toEqual(['', valuesHash(GOLD), valuesHash(GOLD)]);
  });
});

describe('a task whose row has the entry of its previous address', () => {
  const PREVIOUS = {
    key: `email:${OLD}`,
    email: OLD,
    userId: 'u1',
    values: GOLD,
    lists: lists('VIP', 'Old'),
  };
  const MOVE = anUpsert(A, { plan: 'free' }, { previousEmail: OLD, lists: lists('VIP', 'New') });

  async function aMove({ hasOwnEntry = false, isMerged = false } = {}) {
    const entries = [PREVIOUS, ...(hasOwnEntry ? [{ key: `email:${A}`, email: A }] : [])];
    const its = await aTaskLedger({ primaryKey: [], entries });
    const task = aTask(
      ...(isMerged ? [MOVE, MOVE] : [MOVE]).map((change) => its.recordOf(undefined, change)),
    );
    const decisions = await its.tasks.decide([task]);
    return { ...its, task, decisions };
  }

  it('has its move, which says what is sent once the profile has moved', async () => {
    const { task, decisions } = await aMove();
    expect(task.move).toBe(decisions[0]);
    expect(task.move?.previousEntries).toMatchObject([{ key: PREVIOUS.key }]);
    expect(task.move?.changeAfterMove?.lists).toEqual(lists('VIP', 'New', '-Old'));
  });

  it('has none where it has no previous address', async () => {
    const { tasks, recordOf } = await aTaskLedger({ primaryKey: [], entries: [PREVIOUS] });
    const task = aTask(recordOf(undefined, anUpsert(A)));
    await tasks.decide([task]);
    expect(task.move).toBeUndefined();
  });

  it.each<[string, boolean, string]>([
    ['is marked with that entry', true, ''],
    ['is marked without it where the profile does not move', false, valuesHash(GOLD)],
  ])('%s as unconfirmed, once', async (_name, moves, expected) => {
    const { tasks, task, commits, entryOf } = await aMove();
    if (!moves) task.move = undefined;
    await tasks.markUnconfirmed([task]);
    const count = commits.length;
    await tasks.markUnconfirmed([task]);
    expect(commits).toHaveLength(count);
    expect((await entryOf(PREVIOUS.key))?.valuesHash).toBe(expected);
    expect((await entryOf(`email:${A}`))?.valuesHash).toBe('');
  });

  it('takes that entry over once the profile has moved', async () => {
    const { tasks, task, entryOf } = await aMove({ isMerged: true });
    await tasks.markUnconfirmed([task]);
    tasks.noteMoved(task);
    expect(task.records.map(({ row }) => row?.entry?.key)).toEqual([PREVIOUS.key, PREVIOUS.key]);
    expect(await entryOf(PREVIOUS.key)).toBeUndefined();
    task.isWritten = true;
    tasks.commit(task, undefined, () => undefined);
    // The id is that of the profile that has moved.
    const expected = { key: `email:${A}`, email: A, userId: 'u1', lists: lists('VIP', 'New') };
    expect(await entryOf(`email:${A}`)).toMatchObject(expected);
  });

  it('keeps an entry of its own', async () => {
    const { tasks, task, entryOf } = await aMove({ hasOwnEntry: true });
    tasks.noteMoved(task);
    expect(task.records[0]?.row?.entry?.key).toBe(`email:${A}`);
    expect(await entryOf(`email:${A}`)).toBeDefined();
  });

  it('keeps its entries where the profile does not move', async () => {
    const { tasks, task, commits, entryOf } = await aMove();
    task.move = undefined;
    tasks.noteMoved(task);
    expect([task.records[0]?.row?.entry, commits]).toEqual([undefined, []]);
    expect(await entryOf(PREVIOUS.key)).toBeDefined();
  });
});

it('the ledger is busy until what it is told is committed', async () => {
  const { tasks, detector, run, recordOf } = await aTaskLedger();
  expect(tasks.isBusy).toBe(false);
  tasks.commit(aTask(recordOf('[1]', anUpsert(A))), undefined, () => undefined);
  expect(tasks.isBusy).toBe(true);
  await detector.flush();
  expect([tasks.isBusy, run.failure]).toEqual([false, undefined]);
});

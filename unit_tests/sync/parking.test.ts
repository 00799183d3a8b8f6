import { afterEach, describe, expect, it } from '@jest/globals';
import { valuesHash } from '../../src/diff/values-hash.ts';
import type { Rejection, UserChange } from '../../src/model.ts';
import { Backlog } from '../../src/sync/backlog.ts';
import type { TaskResult } from '../../src/sync/outcomes.ts';
import { park } from '../../src/sync/parking.ts';
import type { PendingRecord } from '../../src/sync/pending-record.ts';
import type { TaskLedger } from '../../src/sync/task-ledger.ts';
import type { Task } from '../../src/sync/task.ts';
import { anUpsert, lists } from '../support/rows.ts';
import { aTaskLedger, closeTaskLedgers } from '../support/task-ledgers.ts';
import { aRecord, aRemoval, aRequest, aTask } from '../support/tasks.ts';

afterEach(closeTaskLedgers);

const A = 'a@x.com';
const GOLD = { plan: 'gold' };
const CHANGE = anUpsert(A, GOLD, { lists: lists('VIP'), previousEmail: 'old@x.com' });
const REJECTED: Rejection = { code: 'refused', reason: 'no' };

const aWrittenRecord = (change: UserChange, rest: Partial<PendingRecord> = {}) =>
  aRecord(change, { request: aRequest(A, GOLD), bytes: 500, ...rest });

/** What becomes of the task; the ledger, where there is one, notes the values that the task has by then. */
function parked(task: Task, { hasLedger = false } = {}) {
  const loads: [PendingRecord, number][] = [];
  const kept: UserChange[] = [];
  const ledger: Pick<TaskLedger, 'keepEntry'> = { keepEntry: ({ change }) => kept.push(change) };
  park(task, {
    backlog: { park: (load, bytes) => loads.push([load as PendingRecord, bytes]) },
    ledger: hasLedger ? (ledger as TaskLedger) : undefined,
  });
  return { loads, kept };
}

describe('a task that only waits for list calls', () => {
  it.each([
    ['its line, where rejected records are stored', 'ünï', 3],
    ['nothing of its record else', undefined, 0],
  ])('keeps its identity and %s', (_name, text, bytes) => {
    const record = aWrittenRecord(CHANGE, { text });
    const task = aTask(record);
    const { loads } = parked(task);
    expect(loads).toEqual([[record, bytes]]);
    expect(task.change).toEqual(anUpsert(A));
    expect(record).toEqual(aRecord(anUpsert(A), { text, bytes: 500 }));
  });

  it('has the ledger take its entry before its values are gone', () => {
    const { loads, kept } = parked(aTask(aWrittenRecord(CHANGE)), { hasLedger: true });
    expect([kept, loads.length]).toEqual([[CHANGE], 1]);
  });

  it('keeps its change, if it is a removal, which is small', () => {
    const record = aRecord(aRemoval({ email: A, lists: ['VIP'] }), { text: 'line' });
    const task = aTask(record);
    const before = { ...record };
    expect(parked(task, { hasLedger: true })).toEqual({ loads: [[record, 4]], kept: [] });
    expect([task.change, record]).toEqual([before.change, before]);
  });

  it.each<[string, () => Task]>([
    [
      'of several records, which may be tried one by one',
      () => aTask(aWrittenRecord(CHANGE), aWrittenRecord(CHANGE)),
    ],
    ['that is parked already', () => aTask(aWrittenRecord(CHANGE, { isParked: true }))],
  ])('keeps everything: one %s', (_name, given) => {
    const task = given();
    const [change, records] = [task.change, task.records.map((record) => ({ ...record }))];
    expect(parked(task, { hasLedger: true })).toEqual({ loads: [], kept: [] });
    expect([task.change, task.records]).toEqual([change, records]);
  });

  it('is parked once in the backlog', () => {
    const backlog = new Backlog(1, { batches: 0.01, single: 0.01 }, { inFlight: 0 });
    const record = aWrittenRecord(CHANGE);
    const task = aTask(record);
    backlog.add(record);
    for (let times = 0; times < 2; times++) park(task, { backlog, ledger: undefined });
    expect([record.isParked, record.bytes]).toEqual([true, 0]);
    const tasks = { changingLists: 0, listLoad: 0, resting: 0 };
    const isFull = (size: number) => backlog.isFull({ ...tasks, size });
    expect([isFull(1_000), isFull(1_001)]).toEqual([false, true]);
  });
});

describe('the row of a task that was parked', () => {
  const held = { email: A, key: '[1]', valuesHash: 'held', lists: lists('Old'), targets: ['old'] };
  const change = anUpsert(A, { ...GOLD, userId: 'u1' }, { lists: lists('VIP', '-Old') });

  /** The entry after the task has ended so, parked before or not. */
  const entryAfter = async (result: TaskResult, isParked: boolean) => {
    const { tasks, recordOf, entryOf } = await aTaskLedger({ entries: [held], targets: ['plan', 'userId'] });
    const task = aTask(recordOf('[1]', change));
    await tasks.decide([task]);
    await tasks.markUnconfirmed([task]);
    task.isWritten = true;
    if (isParked) park(task, { backlog: { park: () => undefined }, ledger: tasks });
    let times = 0;
    tasks.commit(task, result, () => times++);
    const entry = await entryOf('[1]');
    expect(times).toBe(1);
    return entry;
  };

  it('has what the record said when it is delivered', async () => {
    expect(await entryAfter(undefined, true)).toMatchObject({
      email: A,
      userId: 'u1',
      valuesHash: valuesHash(change.values),
      targets: ['plan', 'userId'],
      lists: change.lists,
      seen: 2,
    });
  });

  it.each<[string, TaskResult]>([
    ['delivered', undefined],
    ['rejected by a list', REJECTED],
    ['unknown after all', 'not_in_iterable'],
  ])('is as that of one that was not: %s', async (_name, result) => {
    expect(await entryAfter(result, true)).toEqual(await entryAfter(result, false));
  });

  it('may be none: nothing is kept, and nothing is written', async () => {
    const { tasks, commits } = await aTaskLedger();
    const task = aTask(aRecord(change));
    await tasks.decide([task]);
    park(task, { backlog: { park: () => undefined }, ledger: tasks });
    commits.splice(0);
    let times = 0;
    tasks.commit(task, undefined, () => times++);
    expect([task.entry, times, commits]).toEqual([undefined, 1, []]);
  });
});

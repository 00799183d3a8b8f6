import { describe, expect, it } from '@jest/globals';
import { aQueue, idsOf } from '../support/queues.ts';
import { anUpsert, lists } from '../support/rows.ts';
import { aRemoval } from '../support/tasks.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const OLD = 'old@x.com';

describe('records of a user who waits', () => {
  it('are merged, last write wins', () => {
    const { add, ready, queue } = aQueue();
    add(anUpsert(A, { plan: 'old', city: 'Rome' }));
    add(anUpsert(A, { plan: 'new' }));
    expect([...ready].map((task) => [idsOf(task), task.change])).toEqual([
      [[0, 1], anUpsert(A, { plan: 'new', city: 'Rome' })],
    ]);
    expect([queue.size, queue.hasWaiting]).toEqual([1, false]);
  });

  it('are merged list by list, last write wins', () => {
    const { add, ready } = aQueue();
    add(anUpsert(A, {}, { lists: lists('VIP', 'New') }));
    add(anUpsert(A, {}, { lists: lists('-New') }));
    add(anUpsert(A));
    const [task] = ready;
    expect(task?.change).toEqual(anUpsert(A, {}, { lists: lists('VIP', '-New') }));
  });

  it('make the task ready again, unless it waits for others', () => {
    const { queue, add, told, start, first } = aQueue();
    for (const n of [0, 1]) add(anUpsert(A, { n }));
    const earlier = start(first());
    for (const n of [2, 3]) add(anUpsert(A, { n }));
    expect(told).toEqual([[0], [0, 1]]);
    queue.settle(earlier);
    add(anUpsert(A, { n: 4 }));
    expect(told.slice(2)).toEqual([
      [2, 3],
      [2, 3, 4],
    ]);
  });

  it('are not merged beyond the limit', () => {
    const { add, ready, queue } = aQueue({ maxMerged: 2 });
    for (const plan of ['a', 'b', 'c']) add(anUpsert(A, { plan }));
    expect([...ready].map(idsOf)).toEqual([[0, 1]]);
    expect(queue.size).toBe(2);
  });

  it('are not merged where the merged change may not be sent as one', () => {
    const asked: unknown[] = [];
    const { add, ready } = aQueue({
      mayMerge: (change, streamKey) => {
        asked.push([change, streamKey]);
        return false;
      },
    });
    add(anUpsert(A, { n: 1 }));
    add(anUpsert(A, { m: 2 }));
    expect([...ready].map((task) => [idsOf(task), task.change])).toEqual([[[0], anUpsert(A, { n: 1 })]]);
    expect(asked).toEqual([[anUpsert(A, { n: 1, m: 2 }), 'users']]);
  });

  it('are not merged where they are of different streams', () => {
    const { add, ready } = aQueue();
    add(anUpsert(A, { n: 1 }));
    add(anUpsert(A, { n: 2 }), { streamKey: 'leads' });
    expect([...ready].map(idsOf)).toEqual([[0]]);
  });

  it('are not merged where they are of different rows', () => {
    const { add, ready } = aQueue();
    for (const rowToken of ['\t1:[1]', '\t1:[1]', '\t1:[2]']) add(anUpsert(A), { rowToken });
    expect([...ready].map(idsOf)).toEqual([[0, 1]]);
  });

  it('are not merged where Iterable would merge an object into one that the earlier record clears', () => {
    const { add, ready } = aQueue({ mergeNestedObjects: true });
    add(anUpsert(A, { address: null }));
    add(anUpsert(A, { address: { zip: '1' } }));
    expect([...ready].map(idsOf)).toEqual([[0]]);
  });

  it('are not merged where each waits for another task', () => {
    const { add, ready } = aQueue();
    add(anUpsert(A, { n: 1 }));
    add(anUpsert(B, { n: 1 }));
    add(anUpsert(A, { email: B }));
    expect([...ready].map(idsOf)).toEqual([[0], [1]]);
  });

  it('with a change of address are merged where they have one primary key only', () => {
    const { add, ready } = aQueue();
    const change = anUpsert(A, { n: 1 }, { previousEmail: OLD });
    for (const primaryKey of ['1', '1', '2']) add(change, { primaryKey });
    expect([...ready].map(idsOf)).toEqual([[0, 1]]);
  });

  it('are discarded by a deletion', () => {
    const { add, ready } = aQueue();
    add(anUpsert(A, { n: 1 }));
    add(aRemoval({ email: A }));
    expect([...ready].map((task) => [idsOf(task), task.change])).toEqual([[[0, 1], aRemoval({ email: A })]]);
  });

  it('are not discarded by a removal from lists', () => {
    const { add, ready } = aQueue({ removalUndoesAll: false });
    add(anUpsert(A, { n: 1 }));
    add(aRemoval({ email: A }));
    expect([...ready].map(idsOf)).toEqual([[0]]);
  });

  it('are not discarded where they change the address: the profile would stay at the previous one', () => {
    const { add, ready } = aQueue();
    add(anUpsert(A, { n: 1 }, { previousEmail: B }));
    add(aRemoval({ email: A }));
    expect([...ready].map(idsOf)).toEqual([[0]]);
  });
});

describe('a task waits', () => {
  it('while an earlier one of its user is under way, merged with later ones', () => {
    const { queue, add, ready, start, first } = aQueue();
    add(anUpsert(A, { n: 1 }));
    const earlier = start(first());
    for (const n of [2, 3]) add(anUpsert(A, { n }));
    expect([ready.size, queue.size, queue.hasWaiting]).toEqual([0, 2, true]);
    queue.settle(earlier);
    expect([...ready].map(idsOf)).toEqual([[1, 2]]);
    queue.settle(start(first()));
    expect([queue.size, queue.hasWaiting]).toEqual([0, false]);
  });

  it('for the last earlier one, also where the one before that has ended', () => {
    const { queue, add, ready, start, first } = aQueue();
    add(anUpsert(A, { n: 0 }));
    const earliest = start(first());
    add(anUpsert(A, { n: 1 }));
    queue.settle(earliest);
    const earlier = start(first());
    add(anUpsert(A, { n: 2 }));
    expect(ready.size).toBe(0);
    queue.settle(earlier);
    expect([...ready].map(idsOf)).toEqual([[2]]);
  });

  it('for no identity of merged records once they are done', () => {
    const { queue, add, ready, start, first } = aQueue();
    add(anUpsert(A));
    add(anUpsert(A, { userId: 'u1' }));
    queue.settle(start(first()));
    add(anUpsert('u1'));
    expect([...ready].map(idsOf)).toEqual([[2]]);
  });

  it('while an earlier one touches the id of its user', () => {
    const { queue, add, ready, start, first } = aQueue();
    add(anUpsert(A, { userId: '7' }));
    const earlier = start(first());
    add(aRemoval({ userId: '7', identifiedBy: 'userId' }));
    expect(ready.size).toBe(0);
    queue.settle(earlier);
    expect([...ready].map(idsOf)).toEqual([[1]]);
  });

  it('until all earlier ones are settled', () => {
    const { queue, add, ready, start, first } = aQueue();
    for (const email of [A, B]) add(anUpsert(email));
    const [ofA, ofB] = [start(first()), start(first())];
    add(anUpsert(A, { email: B }));
    queue.settle(ofB);
    expect(ready.size).toBe(0);
    queue.settle(ofA);
    expect([...ready].map(idsOf)).toEqual([[2]]);
  });

  it('as an upsert after a deletion of its user', () => {
    const { queue, add, ready, start, first } = aQueue();
    add(aRemoval({ email: A }));
    add(anUpsert(A, { n: 1 }));
    expect([...ready].map(idsOf)).toEqual([[0]]);
    queue.settle(start(first()));
    expect([...ready].map(idsOf)).toEqual([[1]]);
  });

  it('for the users that its row may stand for: that of its entry, and those of the record before it', () => {
    const { queue, add, ready, start, first } = aQueue();
    add(anUpsert(A), { rowToken: '\t1:[1]', previousIdentities: [OLD] });
    const earlier = start(first());
    add(anUpsert(OLD));
    add(anUpsert(B), { rowToken: '\t1:[1]' });
    add(anUpsert(A));
    expect(ready.size).toBe(0);
    queue.settle(earlier);
    expect([...ready].map(idsOf)).toEqual([[1]]);
    queue.settle(start(first()));
    expect([...ready].map(idsOf)).toEqual([[2]]);
    queue.settle(start(first()));
    expect([...ready].map(idsOf)).toEqual([[3]]);
  });

  it.each([
    ['another record of the user', { change: anUpsert(A) }, true],
    ['a record of its id', { change: anUpsert('u1') }, true],
    ['another user', { change: anUpsert(B) }, false],
    [
      'a row that stood for the user',
      { change: anUpsert(B), rowToken: '\t1:[1]', previousIdentities: [A] },
      true,
    ],
  ])('%s: told beforehand', (_name, record, expected) => {
    const { queue, add, start, first } = aQueue();
    expect(queue.mustWait({ streamKey: 'users', ...record })).toBe(false);
    add(anUpsert(A, { userId: 'u1' }));
    expect(queue.mustWait({ streamKey: 'users', ...record })).toBe(expected);
    queue.settle(start(first()));
    expect(queue.mustWait({ streamKey: 'users', ...record })).toBe(false);
  });
});

it('the queue is crowded while too many tasks of one user wait', () => {
  const { add, queue, start, first } = aQueue({ maxMerged: 1, maxWaitingPerUser: 2 });
  for (const user of [A, A, A, B, B, B]) add(anUpsert(user));
  expect(queue.isCrowded).toBe(false);
  add(anUpsert(A));
  expect(queue.isCrowded).toBe(true);
  queue.settle(start(first()));
  expect(queue.isCrowded).toBe(true);
  for (let task = first(); task; task = first()) queue.settle(start(task));
  expect(queue.isCrowded).toBe(false);
  expect(queue.size).toBe(0);
});

it('the records of a rejected task are tried one by one, in order, before anything that came later', () => {
  const { queue, add, ready, start, first } = aQueue();
  for (const n of [1, 2]) add(anUpsert(A, { n }));
  const whole = start(first());
  add(anUpsert(A, { n: 3 }));
  queue.retryOneByOne(whole);
  const order: unknown[] = [];
  while (ready.size > 0) {
    const task = start(first());
    order.push([idsOf(task), task.change]);
    queue.settle(task);
  }
  expect(order).toEqual([1, 2, 3].map((n, id) => [[id], anUpsert(A, { n })]));
  expect(queue.size).toBe(0);
});

import { describe, expect, it } from '@jest/globals';
import type { Rejection } from '../../src/model.ts';
import { aDispatcher } from '../support/dispatcher.ts';
import { anUpsert, keyOf, lists } from '../support/rows.ts';
import { aRemoval } from '../support/tasks.ts';

const A = 'a@x';
const B = 'b@x';
const OLD = 'old@x';
const SEEN = { isSeen: true, wasThere: true };
const CONFLICT: Rejection = { code: 'conflict', reason: 'taken' };
/** Of the first record. */
const FIRST = {
  isRouted: ({ records: [first] }: { records: readonly { line: number }[] }) => first?.line === 1,
};

describe('a flush', () => {
  it('sends what waits at once', async () => {
    const { clock, calls, add, flush } = aDispatcher(FIRST);
    await add(anUpsert(A));
    await flush();
    await calls.answer('find a@x', ['skip']);
    await add(anUpsert(B));
    await flush();
    expect([calls.made, clock.sleepers]).toEqual([['find a@x', 'bulk b@x'], 0]);
    await add(anUpsert(A, {}, { lists: lists('VIP') }));
    await flush();
    await calls.answer('bulk a@x');
    await calls.answer('bulk b@x');
    await flush();
    expect(calls.made.at(-1)).toBe('+VIP a@x');
  });

  it('sends no upserts in bulk while others are being routed, which may join them', async () => {
    const { calls, add, flush } = aDispatcher(FIRST);
    await add(anUpsert(A));
    await add(anUpsert(B));
    await flush();
    await flush();
    expect(calls.made).toEqual(['find a@x']);
    await calls.answer('find a@x', ['bulk']);
    await flush();
    expect(calls.made).toEqual(['find a@x', 'bulk b@x a@x']);
  });

  it('sends no upserts in bulk while others make calls of their own, which may join them', async () => {
    const { calls, add, flush } = aDispatcher();
    await add(anUpsert(A, {}, { previousEmail: OLD }));
    await add(anUpsert(B));
    await flush();
    await calls.answer('find a@x', ['move']);
    await flush();
    expect(calls.made).toEqual(['find a@x', 'move old@x to a@x']);
    await calls.answer('move old@x to a@x', { kind: 'stays', why: 'unknown' });
    await flush();
    expect(calls.made.at(-1)).toBe('bulk b@x a@x');
  });

  it('changes no lists while users are written, who may join those on the same list', async () => {
    const { calls, add, flush } = aDispatcher({ batchSize: 2 });
    await add(anUpsert(A, {}, { lists: lists('VIP') }));
    await add(anUpsert('c@x'));
    await add(anUpsert(B, {}, { lists: lists('Old') }));
    await add(anUpsert('d@x'));
    await calls.answer('bulk a@x c@x');
    await flush();
    expect(calls.made).toEqual(['bulk a@x c@x', 'bulk b@x d@x']);
    await calls.answer('bulk b@x d@x');
    await flush();
    expect(calls.made.slice(2)).toEqual(['+VIP a@x', '+Old b@x']);
  });

  it('changes no lists while upserts are being routed', async () => {
    const { calls, add, flush } = aDispatcher({ isRouted: ({ change }) => change.lists === undefined });
    await add(anUpsert(B, {}, { lists: lists('VIP') }));
    await flush();
    await calls.answer('bulk b@x');
    await add(anUpsert(A));
    await flush();
    expect(calls.made).toEqual(['bulk b@x', 'find a@x']);
    await calls.answer('find a@x', ['skip']);
    await flush();
    expect(calls.made.at(-1)).toBe('+VIP b@x');
  });
});

describe('a flush while others may soon join', () => {
  it('waits a second while a task is looked up, however often it is asked for', async () => {
    const { clock, calls, deletions, add, flush } = aDispatcher();
    deletions.note(keyOf(A), [], SEEN);
    await add(anUpsert(A));
    await add(anUpsert(B));
    await flush();
    await clock.advance(600);
    await flush();
    await clock.advance(399);
    expect(calls.made).toEqual(['look up a@x']);
    await clock.advance(1);
    expect(calls.made).toEqual(['look up a@x', 'bulk b@x']);
  });

  it('sends all together once those that were looked up have joined, and does not wait any more', async () => {
    const { clock, calls, deletions, add, flush } = aDispatcher();
    deletions.note(keyOf(A), [], SEEN);
    await add(anUpsert(A));
    await add(anUpsert(B));
    await flush();
    await calls.answer('look up a@x');
    await flush();
    expect([calls.made.at(-1), clock.sleepers]).toEqual(['bulk b@x a@x', 0]);
  });

  it('waits a second again after one that has waited', async () => {
    const { clock, calls, deletions, add, flush } = aDispatcher();
    deletions.note(keyOf(A), [], SEEN);
    await add(anUpsert(A));
    await flush();
    await clock.advance(1_000);
    await add(anUpsert(B));
    await flush();
    await clock.advance(999);
    expect(calls.made).toEqual(['look up a@x']);
    await clock.advance(1);
    expect(calls.made.at(-1)).toBe('bulk b@x');
  });

  it('waits a second while a conflict is looked into', async () => {
    const { clock, calls, deletions, add, flush } = aDispatcher();
    deletions.note(keyOf(OLD), [], { isSeen: false, wasThere: true });
    await add(anUpsert(A, { userId: 'u1' }));
    await flush();
    await calls.answer('bulk a@x', { [A]: CONFLICT });
    await add(anUpsert(B));
    await flush();
    expect(calls.made).toEqual(['bulk a@x', 'look up u1']);
    await clock.advance(1_000);
    expect(calls.made.at(-1)).toBe('bulk b@x');
  });

  it('waits a second while a removal is in flight that other tasks wait for', async () => {
    const { clock, calls, add, flush } = aDispatcher();
    await add(aRemoval({ email: A }));
    await add(anUpsert(A));
    await add(anUpsert(B));
    await flush();
    await clock.advance(999);
    expect(calls.made).toEqual(['delete a@x']);
    await clock.advance(1);
    expect(calls.made).toEqual(['delete a@x', 'bulk b@x']);
  });

  it('does not wait for a removal that no other task waits for, nor where tasks wait for other calls', async () => {
    const { calls, add, flush } = aDispatcher();
    await add(aRemoval({ email: OLD }));
    await add(anUpsert(A));
    await flush();
    expect(calls.made).toEqual(['delete old@x', 'bulk a@x']);
    await calls.answer('delete old@x');
    await add(anUpsert(A));
    await add(anUpsert(B));
    await flush();
    expect(calls.made).toEqual(['delete old@x', 'bulk a@x', 'bulk b@x']);
  });
});

describe('a dispatcher', () => {
  it('is idle where everything waits for more records, and not while a batch is complete or in flight', async () => {
    const { dispatcher, calls, add } = aDispatcher({ batchSize: 2 });
    const states: [boolean, number][] = [];
    const note = () => states.push([dispatcher.isIdle, dispatcher.inFlight]);
    note();
    await add(anUpsert(A, {}, { lists: lists('VIP') }));
    note();
    await add(anUpsert(B));
    note();
    await calls.answer('bulk a@x b@x');
    note();
    expect(states).toEqual([[true, 0], [true, 0], [false, 1], [true, 0]]); // prettier-ignore
  });

  it.each<[string, string, string[]]>([
    ['routed', 'find a@x', []],
    ['written by calls of their own', 'write a@x', ['single']],
  ])('is not idle while upserts are %s', async (_name, call, routes) => {
    const { dispatcher, calls, add, flush } = aDispatcher(FIRST);
    await add(anUpsert(A));
    expect(dispatcher.isIdle).toBe(true);
    await flush();
    if (routes.length > 0) await calls.answer('find a@x', routes);
    expect([calls.made.at(-1), dispatcher.isIdle, dispatcher.inFlight]).toEqual([call, false, 1]);
    await (routes.length > 0 ? calls.answer(call) : calls.answer(call, ['bulk']));
    expect([dispatcher.isIdle, dispatcher.inFlight]).toEqual([true, 0]);
  });

  it('is not idle while lists are changed, nor while users are removed', async () => {
    const { dispatcher, calls, add, flush } = aDispatcher({ removal: 'remove_from_lists' });
    await add(aRemoval({ email: A, lists: ['VIP'] }));
    expect(dispatcher.isIdle).toBe(true);
    await flush();
    expect([dispatcher.isIdle, dispatcher.inFlight]).toEqual([false, 1]);
    await calls.answer('-VIP a@x');
    expect([dispatcher.isIdle, dispatcher.inFlight]).toEqual([true, 0]);
    const deleting = aDispatcher();
    await deleting.add(aRemoval({ email: A }));
    expect([deleting.dispatcher.isIdle, deleting.dispatcher.inFlight]).toEqual([false, 1]);
    await deleting.calls.answer('delete a@x');
    expect([deleting.dispatcher.isIdle, deleting.dispatcher.inFlight]).toEqual([true, 0]);
  });

  it('is not idle while a task is looked up, which is no call of its lanes', async () => {
    const { dispatcher, calls, deletions, add } = aDispatcher();
    deletions.note(keyOf(A), [], SEEN);
    await add(anUpsert(A));
    expect([dispatcher.isIdle, dispatcher.inFlight]).toEqual([false, 0]);
    await calls.answer('look up a@x');
    expect(dispatcher.isIdle).toBe(true);
  });

  it('is not idle while a conflict is looked into, and wakes what waits after that', async () => {
    const { dispatcher, run, calls, deletions, add, flush } = aDispatcher();
    deletions.note(keyOf(OLD), [], { isSeen: false, wasThere: true });
    await add(anUpsert(A, { userId: 'u1' }));
    await flush();
    await calls.answer('bulk a@x', { [A]: CONFLICT });
    expect([dispatcher.isIdle, dispatcher.inFlight]).toEqual([false, 0]);
    let isIdle: boolean | undefined;
    run.onMoved(() => (isIdle = dispatcher.isIdle));
    await calls.answer('look up u1', { email: B, userId: 'u1' });
    expect(isIdle).toBe(true);
  });

  it('is not idle while results are being written to the ledger, which counts as one in flight', async () => {
    const { dispatcher, calls, detector, add } = aDispatcher({ batchSize: 1, hasLedger: true });
    expect([dispatcher.isIdle, dispatcher.inFlight]).toEqual([true, 0]);
    detector.isBusy = true;
    expect([dispatcher.isIdle, dispatcher.inFlight]).toEqual([false, 1]);
    await add(anUpsert(A));
    expect(dispatcher.inFlight).toBe(2);
    await calls.answer('bulk a@x');
    expect(dispatcher.inFlight).toBe(1);
  });
});

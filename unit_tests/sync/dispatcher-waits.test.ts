import { describe, expect, it } from '@jest/globals';
import type { Rejection } from '../../src/model.ts';
import { aDispatcher, type DispatcherCase } from '../support/dispatcher.ts';
import { anUpsert, keyOf, lists } from '../support/rows.ts';
import { aRemoval } from '../support/tasks.ts';

const A = 'a@x';
const B = 'b@x';
const OLD = 'old@x';
const SEEN = { isSeen: true, wasThere: true };
const CONFLICT: Rejection = { code: 'conflict', reason: 'taken' };

describe('an upsert of a user who was just deleted', () => {
  /** With one that waits until Iterable no longer shows the user. */
  const aWait = async (given: DispatcherCase = {}) => {
    const all = aDispatcher(given);
    all.deletions.note(keyOf(A), [], SEEN);
    await all.add(anUpsert(A, { n: 1 }));
    return all;
  };

  it('waits until the user is gone, and goes in bulk then', async () => {
    const { clock, calls, outcomes, flush } = await aWait();
    expect(calls.made).toEqual(['look up a@x']);
    await calls.answer('look up a@x', { email: A });
    await clock.advance(250);
    expect(calls.made).toEqual(['look up a@x', 'look up a@x']);
    await calls.answer('look up a@x');
    await flush();
    await calls.answer('bulk a@x');
    expect(outcomes).toEqual(['1 a@x delivered']);
  });

  it('is routed then, where it has to be', async () => {
    const { calls, flush } = await aWait({ isRouted: () => true });
    await calls.answer('look up a@x');
    await flush();
    expect(calls.made).toEqual(['look up a@x', 'find a@x']);
  });

  it('has no record merged into it meanwhile', async () => {
    const { calls, outcomes, add, flush } = await aWait();
    await add(anUpsert(A, { n: 2 }));
    await calls.answer('look up a@x');
    await flush();
    await calls.answer('bulk a@x');
    expect(outcomes).toEqual(['1 a@x delivered']);
  });

  it('waits at most a second more for others, where it has waited long', async () => {
    const { clock, calls } = await aWait();
    await clock.advance(5 * 60_000);
    await calls.answer('look up a@x');
    await clock.advance(999);
    expect(calls.made).not.toContain('bulk a@x');
    await clock.advance(1);
    expect(calls.made).toContain('bulk a@x');
  });

  it('waits until ten seconds after its record came, where it has not waited long', async () => {
    const { clock, calls } = await aWait();
    await clock.advance(200);
    await calls.answer('look up a@x');
    await clock.advance(9_799);
    expect(calls.made).not.toContain('bulk a@x');
    await clock.advance(1);
    expect(calls.made).toContain('bulk a@x');
  });

  it('wakes what waits for the run to move once it goes on', async () => {
    const { run, calls } = await aWait();
    let moves = 0;
    run.onMoved(() => moves++);
    await calls.answer('look up a@x');
    expect(moves).toBe(1);
  });

  it('fails the run where it can’t be looked up', async () => {
    const { dispatcher, run, calls, flush } = await aWait();
    await calls.fail('look up a@x');
    await flush();
    expect([run.failure?.message, dispatcher.isIdle, calls.made.length]).toEqual(['away', true, 1]);
  });
});

describe('a conflict', () => {
  /** With an upsert whose id is refused in bulk while the deletion of another user is in flight. */
  const aConflict = async () => {
    const all = aDispatcher();
    await all.add(aRemoval({ email: OLD }));
    await all.add(anUpsert(A, { userId: 'u1' }));
    await all.flush();
    return all;
  };

  it('is looked into while a deletion is in flight; the upsert goes again once the id is free', async () => {
    const { calls, outcomes, flush } = await aConflict();
    await calls.answer('bulk a@x', { [A]: CONFLICT });
    expect([calls.made.at(-1), outcomes]).toEqual(['look up u1', []]);
    await calls.answer('look up u1');
    await flush();
    await calls.answer('delete old@x');
    await flush();
    await calls.answer('bulk a@x');
    expect(outcomes).toEqual(['1 old@x removed', '2 a@x delivered']);
  });

  it('is waited out while the one who has the id is being deleted', async () => {
    const { calls, clock } = await aConflict();
    await calls.answer('bulk a@x', { [A]: CONFLICT });
    await calls.answer('look up u1', { email: OLD, userId: 'u1' });
    await clock.advance(250);
    expect(calls.made.filter((name) => name === 'look up u1')).toHaveLength(2);
  });

  it('rejects the upsert where a living user has the id', async () => {
    const { calls, outcomes } = await aConflict();
    await calls.answer('bulk a@x', { [A]: CONFLICT });
    await calls.answer('look up u1', { email: B, userId: 'u1' });
    expect(outcomes).toEqual(['2 a@x rejected']);
  });

  it('is looked into no more once the deletion is done, of a user known to be another one', async () => {
    const { calls, outcomes } = await aConflict();
    await calls.answer('delete old@x');
    await calls.answer('bulk a@x', { [A]: CONFLICT });
    expect(outcomes).toEqual(['1 old@x removed', '2 a@x rejected']);
  });

  it('is looked into no more once the deletion has failed', async () => {
    const { run, calls, outcomes } = await aConflict();
    await calls.fail('delete old@x');
    await calls.answer('bulk a@x', { [A]: CONFLICT });
    expect([run.failure?.message, outcomes]).toEqual(['away', ['2 a@x rejected']]);
  });

  it('is not looked into where users are only taken off lists', async () => {
    const { calls, outcomes, add, flush } = aDispatcher({ removal: 'remove_from_lists' });
    await add(aRemoval({ userId: 'u9', lists: ['VIP'] }));
    await add(anUpsert(A, { userId: 'u1' }));
    await flush();
    expect(calls.made).toEqual(['identify u9', 'bulk a@x']);
    await calls.answer('bulk a@x', { [A]: CONFLICT });
    expect(outcomes).toEqual(['2 a@x rejected']);
  });

  it('fails the run where it can’t be looked into', async () => {
    const { run, calls, outcomes } = await aConflict();
    await calls.answer('bulk a@x', { [A]: CONFLICT });
    await calls.fail('look up u1', 'still shown');
    expect([run.failure?.message, outcomes]).toEqual(['still shown', []]);
  });
});

describe('calls of their own after a bulk call for the same user', () => {
  it('rest until enough time has passed, and are in no other task’s way', async () => {
    const { dispatcher, run, clock, calls, add, flush } = aDispatcher({
      isRouted: ({ records: [first] }) => first?.line === 1,
      restMs: 60_000,
    });
    let moves = 0;
    await add(anUpsert(A));
    await flush();
    await calls.answer('find a@x', ['single']);
    run.onMoved(() => moves++);
    expect([dispatcher.resting, dispatcher.inFlight, dispatcher.isIdle]).toEqual([1, 0, true]);
    await add(anUpsert(B, {}, { lists: lists('VIP') }));
    await flush();
    await calls.answer('bulk b@x');
    expect(moves).toBe(1);
    await clock.advance(59_999);
    expect([calls.made.at(-1), dispatcher.resting, moves]).toEqual(['+VIP b@x', 1, 1]);
    await clock.advance(1);
    expect([calls.made.at(-1), dispatcher.resting, moves]).toEqual(['write a@x', 0, 2]);
  });

  it('are made at once where no time need pass', async () => {
    const { dispatcher, clock, calls, add, flush } = aDispatcher({ isRouted: () => true });
    await add(anUpsert(A));
    await flush();
    await calls.answer('find a@x', ['single']);
    expect([calls.made.at(-1), dispatcher.resting, clock.sleepers]).toEqual(['write a@x', 0, 0]);
  });

  it('are 64 at a time', async () => {
    const { calls, add, flush } = aDispatcher({ isRouted: () => true });
    const users = Array.from({ length: 66 }, (_, n) => `${n}@x`);
    for (const user of users) await add(anUpsert(user));
    await flush();
    await calls.answer(`find ${users.join(' ')}`, users.map(() => 'single')); // prettier-ignore
    expect(calls.made).toHaveLength(65);
    await calls.answer('write 3@x');
    expect(calls.made.at(-1)).toBe('write 64@x');
  });
});

describe('once the run is over', () => {
  it.each<[string, (given: ReturnType<typeof aDispatcher>) => Promise<void>]>([
    ['no upsert is looked up', ({ add }) => add(anUpsert(OLD))],
    ['no upsert goes in bulk', ({ add }) => add(anUpsert(A))],
    ['no user is removed', ({ add }) => add(aRemoval({ email: A }))],
    ['nothing that waits is flushed', ({ flush }) => flush()],
    ['nothing that waits goes out in time', ({ clock }) => clock.advance(120_000)],
  ])('%s', async (_name, then) => {
    const all = aDispatcher({ isRouted: ({ records: [first] }) => first?.line === 1, restMs: 60_000 });
    const { run, calls, deletions, add, flush } = all;
    deletions.note(keyOf(OLD), [], SEEN);
    await add(anUpsert('resting@x'));
    await flush();
    await calls.answer('find resting@x', ['single']);
    await add(anUpsert('waiting@x'));
    run.end();
    await then(all);
    expect(calls.made).toEqual(['find resting@x']);
  });

  it('what is in flight is settled, and nothing follows it', async () => {
    const { run, calls, outcomes, add } = aDispatcher({ batchSize: 2 });
    await add(anUpsert(A));
    await add(anUpsert(B, {}, { lists: lists('VIP') }));
    await add(anUpsert(A));
    run.fail(new Error('away'));
    await calls.answer('bulk a@x b@x');
    expect([outcomes, calls.made]).toEqual([['1 a@x delivered'], ['bulk a@x b@x']]);
  });
});

import { describe, expect, it } from '@jest/globals';
import type { Rejection } from '../../src/model.ts';
import { aDispatcher, type DispatcherCase } from '../support/dispatcher.ts';
import { anUpsert, lists } from '../support/rows.ts';
import { aRemoval } from '../support/tasks.ts';

const A = 'a@x';
const B = 'b@x';
const C = 'c@x';
const REFUSED: Rejection = { code: 'invalid_data', reason: 'wrong' };

const onLists = (user: string, ...names: string[]) => anUpsert(user, {}, { lists: lists(...names) });

/** With these upserts, whose users are written. */
async function written(upserts: ReturnType<typeof anUpsert>[], given: DispatcherCase = {}) {
  const all = aDispatcher({ batchSize: upserts.length, ...given });
  for (const upsert of upserts) await all.add(upsert);
  const [bulk = ''] = all.calls.made.splice(0);
  await all.calls.answer(bulk);
  return all;
}

describe('an upsert that changes lists', () => {
  it('goes in bulk, then through its lists one after the other, and ends', async () => {
    const { dispatcher, calls, outcomes, summary, add, flush } = aDispatcher({ batchSize: 2 });
    await add(onLists(A, 'VIP', '-Old'));
    expect([calls.made, dispatcher.size]).toEqual([[], 1]);
    await add(anUpsert(B));
    await calls.answer('bulk a@x b@x');
    expect([outcomes, dispatcher.size, dispatcher.changingLists]).toEqual([['2 b@x delivered'], 1, 1]);
    await flush();
    expect(calls.made).toEqual(['bulk a@x b@x', '-Old a@x']);
    await calls.answer('-Old a@x');
    expect([calls.made.at(-1), dispatcher.changingLists, outcomes.length]).toEqual(['+VIP a@x', 1, 1]);
    await calls.answer('+VIP a@x');
    expect([dispatcher.changingLists, dispatcher.size, summary.of('users').listChanges]).toEqual([0, 0, 2]);
    expect(outcomes.at(-1)).toBe('1 a@x delivered');
  });

  it('waits for all of its lists at once: the first that is full goes first', async () => {
    const { calls, outcomes } = await written([onLists(A, 'VIP', 'New'), onLists(B, 'New', 'Old')]);
    expect(calls.made).toEqual(['+New a@x b@x']);
    await calls.answer('+New a@x b@x');
    expect([calls.made.length, outcomes]).toEqual([1, []]);
  });

  it('counts each change as it is made, also those of an upsert that a later list refuses', async () => {
    const { dispatcher, calls, outcomes, summary, flush } = await written([onLists(A, 'VIP', 'New', 'Old')]);
    expect(summary.of('users').listChanges).toBe(0);
    await calls.answer('+VIP a@x');
    expect(summary.of('users').listChanges).toBe(1);
    await calls.answer('+New a@x', { [A]: REFUSED });
    await flush();
    expect([outcomes, calls.made]).toEqual([['1 a@x rejected'], ['+VIP a@x', '+New a@x']]);
    expect([dispatcher.changingLists, dispatcher.size, summary.of('users').listChanges]).toEqual([0, 0, 1]);
  });

  it('puts no user on a list whom its stream may not create', async () => {
    const { calls } = await written([onLists(A, 'VIP')], { enriched: ['users'] });
    expect(calls.made).toEqual(['+VIP of existing a@x']);
  });

  it('waits for others from its first record on', async () => {
    const { clock, calls, add } = aDispatcher();
    await add(onLists(A, 'VIP'));
    await clock.advance(10_000);
    await calls.answer('bulk a@x');
    // A call takes 0.2 seconds.
    await clock.advance(29_799);
    expect(calls.made).toEqual(['bulk a@x']);
    await clock.advance(1);
    expect(calls.made).toEqual(['bulk a@x', '+VIP a@x']);
  });

  it('of several records that a list refuses is tried record by record', async () => {
    const { calls, outcomes, summary, add, flush } = aDispatcher();
    await add(onLists(A, 'VIP'));
    await add(onLists(A, 'New'));
    await flush();
    await calls.answer('bulk a@x');
    await flush();
    await calls.answer('+VIP a@x');
    await calls.answer('+New a@x', { [A]: REFUSED });
    calls.made.splice(0);
    for (const [list, answer] of [
      ['+VIP', {}],
      ['+New', { [A]: REFUSED }],
    ] as const) {
      // prettier-ignore
      await flush();
      await calls.answer('bulk a@x');
      await flush();
      await calls.answer(`${list} a@x`, answer);
    }
    expect(calls.made).toEqual(['bulk a@x', '+VIP a@x', 'bulk a@x', '+New a@x']);
    expect([outcomes, summary.of('users').listChanges]).toEqual([['1 a@x delivered', '2 a@x rejected'], 2]);
  });
});

describe('an upsert whose user is written', () => {
  it('keeps little while it waits for list calls', async () => {
    const { outcomes, parked } = await written([onLists(A, 'VIP'), anUpsert(B), onLists(C, 'New')]);
    expect([parked, outcomes]).toEqual([[1, 3], ['2 b@x delivered']]);
  });

  it.each<[string, DispatcherCase, string[]]>([
    ['in a dry run, which shows its values', { isDryRun: true }, ['VIP']],
    ['where it has no lists to change', {}, []],
  ])('keeps all: %s', async (_name, given, names) => {
    const { parked } = await written([onLists(A, ...names)], given);
    expect(parked).toEqual([]);
  });
});

describe('a removal that takes users off lists', () => {
  const FROM_LISTS = { removal: 'remove_from_lists' } as const;

  it('goes by one call for all users of a list', async () => {
    const { dispatcher, calls, outcomes, add, flush } = aDispatcher(FROM_LISTS);
    await add(aRemoval({ email: A, lists: ['VIP'] }));
    await add(aRemoval({ email: B, lists: ['VIP'] }));
    expect(dispatcher.changingLists).toBe(2);
    await flush();
    await calls.answer('-VIP a@x b@x');
    expect([calls.made, outcomes]).toEqual([['-VIP a@x b@x'], ['1 a@x removed', '2 b@x removed']]);
    expect(dispatcher.changingLists).toBe(0);
  });

  it('waits, while flushing, for users who are found out, and may leave the same list', async () => {
    const { calls, detector, add, flush } = aDispatcher({ ...FROM_LISTS, hasLedger: true });
    let findOut: () => void = () => undefined;
    const foundOut = new Promise<void>((resolve) => (findOut = resolve));
    detector.decideRemoval = async (_row, _stream, removal) => {
      if (removal.email === B) await foundOut;
      return { removals: [removal], leaves: [], gone: [], stale: [] };
    };
    for (const email of [A, B]) await add(aRemoval({ email, lists: ['VIP'] }));
    await flush();
    expect(calls.made).toEqual([]);
    findOut();
    await flush();
    await flush();
    expect(calls.made).toEqual(['-VIP a@x b@x']);
  });

  it('of two users goes on with the second once the first has left all of its lists', async () => {
    const all = aDispatcher({ ...FROM_LISTS, hasLedger: true });
    const { dispatcher, calls, detector, add, flush, outcomes, summary } = all;
    const removals = [aRemoval({ email: A, lists: ['VIP', 'Old'] }), aRemoval({ email: B, lists: ['VIP'] })];
    detector.decideRemoval = () => Promise.resolve({ removals, leaves: [], gone: [], stale: [] });
    await add(aRemoval({ email: A }));
    for (const call of ['-VIP a@x', '-Old a@x', '-VIP b@x']) {
      await flush();
      expect([calls.made.at(-1), dispatcher.changingLists, outcomes]).toEqual([call, 1, []]);
      await calls.answer(call);
    }
    expect([dispatcher.changingLists, outcomes]).toEqual([0, ['1 a@x removed']]);
    expect(summary.of('users').listChanges).toBe(3);
  });
});

describe('the list load of a dispatcher', () => {
  it('is the share of 20 seconds that the changes take, of users that are written', async () => {
    const { dispatcher, calls, add } = aDispatcher({ batchSize: 2 });
    await add(onLists(A, 'VIP', 'New'));
    await add(onLists(B, 'VIP', 'New'));
    expect(dispatcher.listLoad).toBe(0);
    await calls.answer('bulk a@x b@x');
    expect(dispatcher.listLoad).toBe(4 / 2 / 5 / 20);
    await calls.answer('+VIP a@x b@x');
    expect(dispatcher.listLoad).toBe(2 / 2 / 5 / 20);
    await calls.answer('+New a@x b@x');
    expect(dispatcher.listLoad).toBe(0);
  });
});

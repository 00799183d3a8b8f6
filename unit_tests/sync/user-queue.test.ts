import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonValue } from '../../src/json.ts';
import type { Removal, Upsert, UserChange } from '../../src/model.ts';
import { plainObject } from '../../src/mapping/paths.ts';
import { touchedKeys, type QueuedRecord } from '../../src/sync/touched-identities.ts';
import { UserQueue, type UserQueueOptions, type Work } from '../../src/sync/user-queue.ts';

type Rec = QueuedRecord & { readonly id: number };

function upsert(email: string, values: Record<string, JsonValue> = {}): Upsert {
  return {
    kind: 'upsert',
    key: { kind: 'email', value: email },
    values: Object.assign(plainObject(), values),
  };
}

function removal(email: string): Removal {
  return { kind: 'removal', email, identifiedBy: 'email' };
}

/** A queue whose ready works are kept until a test starts and settles them. */
function aQueue(options: Partial<Omit<UserQueueOptions<Rec>, 'mayMerge' | 'onReady'>> = {}) {
  const ready = new Set<Work<Rec>>();
  const queue = new UserQueue<Rec>({
    mergeNestedObjects: options.mergeNestedObjects ?? false,
    removalUndoesAll: options.removalUndoesAll ?? true,
    maxMerged: options.maxMerged ?? Infinity,
    maxWaitingPerPerson: options.maxWaitingPerPerson ?? Infinity,
    mayMerge: () => true,
    onReady: (work) => ready.add(work),
  });
  let id = 0;
  const add = (change: UserChange, streamKey = 'users') => {
    queue.add({ streamKey, change, id: id++ });
  };
  const start = (work: Work<Rec> | undefined) => {
    if (!work) throw new Error('nothing is ready');
    ready.delete(work);
    queue.start(work);
    return work;
  };
  const first = () => [...ready][0];
  return { queue, ready, add, start, first };
}

const ids = (work: Work<Rec>) => work.records.map((record) => record.id);

describe('UserQueue', () => {
  it('lays what records say of lists over each other, list by list', () => {
    const { add, ready } = aQueue();
    add({
      ...upsert('a@x'),
      lists: new Map([
        ['A', true],
        ['B', true],
      ]),
    });
    add({ ...upsert('a@x'), lists: new Map([['B', false]]) });
    add(upsert('a@x'));
    const [work] = ready;
    expect(work?.change).toEqual({
      ...upsert('a@x'),
      lists: new Map([
        ['A', true],
        ['B', false],
      ]),
    });
  });

  it('lays no more records over each other than it may', () => {
    const { add, ready, queue } = aQueue({ maxMerged: 2 });
    for (const plan of ['a', 'b', 'c']) add(upsert('a@x', { plan }));
    expect([...ready].map(ids)).toEqual([[0, 1]]);
    expect(queue.size).toBe(2);
  });

  it('is crowded while too many works of one person wait for each other', () => {
    const { add, queue, start, first } = aQueue({ maxMerged: 1, maxWaitingPerPerson: 2 });
    for (const person of ['a@x', 'a@x', 'a@x', 'b@x', 'b@x', 'b@x']) add(upsert(person));
    expect(queue.isCrowded).toBe(false);
    add(upsert('a@x'));
    expect(queue.isCrowded).toBe(true);
    queue.settle(start(first()));
    expect(queue.isCrowded).toBe(true);
    for (let work = first(); work; work = first()) queue.settle(start(work));
    expect(queue.isCrowded).toBe(false);
    expect(queue.size).toBe(0);
  });

  it('lays records of a waiting user over each other, the last word winning', () => {
    const { add, ready } = aQueue();
    add(upsert('a@x', { plan: 'old', city: 'Rome' }));
    add(upsert('a@x', { plan: 'new' }));
    expect([...ready].map((work) => [ids(work), work.change])).toEqual([
      [[0, 1], upsert('a@x', { plan: 'new', city: 'Rome' })],
    ]);
  });

  it('keeps a user that is under way apart from what comes later', () => {
    const { queue, add, ready, start, first } = aQueue();
    add(upsert('a@x', { n: 1 }));
    const under = start(first());
    add(upsert('a@x', { n: 2 }));
    add(upsert('a@x', { n: 3 }));
    expect(ready.size).toBe(0);
    queue.settle(under);
    expect([...ready].map(ids)).toEqual([[1, 2]]);
  });

  it('holds back a change that touches another user’s id until that one is settled', () => {
    const { queue, add, ready, start, first } = aQueue();
    add(upsert('a@x', { userId: '7' }));
    const under = start(first());
    add({ kind: 'removal', userId: '7', identifiedBy: 'userId' });
    expect(ready.size).toBe(0);
    queue.settle(under);
    expect([...ready].map(ids)).toEqual([[1]]);
  });

  it('lets a deletion discard what waits before it', () => {
    const { add, ready } = aQueue();
    add(upsert('a@x', { n: 1 }));
    add(removal('a@x'));
    expect([...ready].map((work) => [ids(work), work.change])).toEqual([[[0, 1], removal('a@x')]]);
  });

  it('does not discard a change of address: the profile would stay where it was', () => {
    const { add, ready } = aQueue();
    add({ ...upsert('a@x', { n: 1 }), previousEmail: 'b@x' });
    add(removal('a@x'));
    expect([...ready].map(ids)).toEqual([[0]]);
  });

  it('lays no change of address over that of another row', () => {
    const { queue, ready } = aQueue();
    const change = { ...upsert('a@x', { n: 1 }), previousEmail: 'b@x' };
    for (const [id, primaryKey] of ['1', '1', '2'].entries())
      queue.add({ id, streamKey: 's', change, primaryKey });
    expect([...ready].map(ids)).toEqual([[0, 1]]);
  });

  it('sends an upsert after a deletion on its own, once that is done', () => {
    const { queue, add, ready, start, first } = aQueue();
    add(removal('a@x'));
    add(upsert('a@x', { n: 1 }));
    expect([...ready].map(ids)).toEqual([[0]]);
    queue.settle(start(first()));
    expect([...ready].map(ids)).toEqual([[1]]);
  });

  it('does not lay records of different streams over each other', () => {
    const { add, ready } = aQueue();
    add(upsert('a@x', { n: 1 }), 'users');
    add(upsert('a@x', { n: 2 }), 'leads');
    expect([...ready].map(ids)).toEqual([[0]]);
  });

  it('does not lay an object over what Iterable would merge it into', () => {
    const { add, ready } = aQueue({ mergeNestedObjects: true });
    add(upsert('a@x', { address: { city: 'Rome' } }));
    add(upsert('a@x', { address: { zip: '1' } }));
    expect([...ready].map(ids)).toEqual([[0]]);
  });

  it('tries the records of a refused user one by one, in order, before anything that came later', () => {
    const { queue, add, ready, start, first } = aQueue();
    add(upsert('a@x', { n: 1 }));
    add(upsert('a@x', { n: 2 }));
    const whole = start(first());
    add(upsert('a@x', { n: 3 }));
    queue.retryOneByOne(whole);
    const order: number[][] = [];
    while (ready.size > 0) {
      const work = start(first());
      order.push(ids(work));
      queue.settle(work);
    }
    expect(order).toEqual([[0], [1], [2]]);
    expect(queue.size).toBe(0);
  });

  it('never has two works of one person under way, keeps their order, and ends with nothing left', () => {
    const email = fc.constantFrom('a@x', 'b@x', 'c@x');
    const userId = fc.constantFrom('1', '2', undefined);
    const change: fc.Arbitrary<UserChange> = fc.oneof(
      fc
        .tuple(email, userId, fc.nat(9))
        .map(([e, u, n]) => upsert(e, u === undefined ? { n } : { n, userId: u })),
      email.map(removal),
      fc.constantFrom('1', '2').map((u): Removal => ({ kind: 'removal', userId: u, identifiedBy: 'userId' })),
    );
    const step = fc.oneof(
      change,
      fc.constant('start' as const),
      fc.constant('settle' as const),
      fc.constant('refuse' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { queue, add, ready, start, first } = aQueue();
        const underWay: Work<Rec>[] = [];
        const done: Work<Rec>[] = [];
        const all: UserChange[] = [];
        const advance = (what: 'start' | 'settle' | 'refuse') => {
          if (what === 'start') {
            if (ready.size > 0) underWay.push(start(first()));
            const touched = underWay.flatMap((work) => [
              ...new Set(work.records.flatMap((r) => touchedKeys(r.change)).map((k) => k.kind + k.value)),
            ]);
            expect(new Set(touched).size).toBe(touched.length);
            return;
          }
          const work = underWay.shift();
          if (!work) return;
          if (what === 'refuse' && work.records.length > 1) queue.retryOneByOne(work);
          else {
            done.push(work);
            queue.settle(work);
          }
        };
        for (const what of steps) {
          if (typeof what === 'string') advance(what);
          else {
            all.push(what);
            add(what);
          }
        }
        while (queue.size > 0) {
          advance('start');
          advance('settle');
        }
        const order = done.flatMap(ids);
        expect([...order].sort((a, b) => a - b)).toEqual(all.map((_, index) => index));
        // Of any two records that touch the same identity, the earlier one is done first.
        const position = new Map(order.map((id, index) => [id, index]));
        for (let i = 0; i < all.length; i++) {
          for (let j = i + 1; j < all.length; j++) {
            const [a, b] = [all[i], all[j]];
            if (!a || !b) continue;
            const keys = new Set(touchedKeys(a).map((k) => k.kind + k.value));
            if (touchedKeys(b).some((k) => keys.has(k.kind + k.value))) {
              expect(position.get(i) ?? -1).toBeLessThan(position.get(j) ?? -1);
            }
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

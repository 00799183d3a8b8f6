import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { UserChange } from '../../src/model.ts';
import { touchedKeys } from '../../src/sync/touched-identities.ts';
import { aQueue, idsOf, type NumberedTask } from '../support/queues.ts';
import { anUpsert } from '../support/rows.ts';
import { aRemoval } from '../support/tasks.ts';

const email = fc.constantFrom('a@x', 'b@x', 'c@x');
const userId = fc.constantFrom('1', '2');
const change: fc.Arbitrary<UserChange> = fc.oneof(
  fc
    .tuple(email, fc.option(userId), fc.nat(9))
    .map(([address, id, n]) => anUpsert(address, id === null ? { n } : { n, userId: id })),
  email.map((address) => aRemoval({ email: address })),
  userId.map((id) => aRemoval({ userId: id, identifiedBy: 'userId' })),
);
const step = fc.oneof(
  { arbitrary: change, weight: 4 },
  { arbitrary: fc.constantFrom('start' as const, 'settle' as const), weight: 4 },
  { arbitrary: fc.constant('reject' as const), weight: 1 },
);

const identitiesOf = (one: UserChange) => touchedKeys(one).map(({ kind, value }) => kind + value);

/** Takes the steps, then lets all tasks end; gives the numbers of the records in the order in which they are done. */
function orderOf(steps: readonly (UserChange | 'start' | 'settle' | 'reject')[]): number[] {
  const { queue, add, ready, start, first } = aQueue();
  const underWay: NumberedTask[] = [];
  const done: NumberedTask[] = [];
  const advance = (what: 'start' | 'settle' | 'reject') => {
    if (what === 'start') {
      if (ready.size > 0) underWay.push(start(first()));
      const touched = underWay.flatMap(({ records }) => [
        ...new Set(records.flatMap((record) => identitiesOf(record.change))),
      ]);
      expect(new Set(touched).size).toBe(touched.length);
      return;
    }
    const task = underWay.shift();
    if (!task) return;
    if (what === 'reject' && task.records.length > 1) queue.retryOneByOne(task);
    else {
      done.push(task);
      queue.settle(task);
    }
  };
  for (const what of steps) {
    if (typeof what === 'string') advance(what);
    else add(what);
  }
  // Each round settles a task or tries one record of it: a queue that needs more is stuck.
  for (let round = 0; round < 2 * steps.length && queue.size > 0; round++) {
    advance('start');
    advance('settle');
  }
  expect(queue.size).toBe(0);
  return done.flatMap(idsOf);
}

it('no two tasks of one user are under way at once, they keep their order, and nothing is left', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const order = orderOf(steps);
      const all = steps.filter((what) => typeof what !== 'string');
      expect([...order].sort((a, b) => a - b)).toEqual(all.map((_, index) => index));
      // Of any two records that touch the same identity, the earlier one is done first.
      const position = new Map(order.map((id, index) => [id, index]));
      for (const [i, earlier] of all.entries()) {
        const identities = new Set(identitiesOf(earlier));
        for (const [j, later] of all.entries()) {
          if (j > i && identitiesOf(later).some((identity) => identities.has(identity)))
            expect(position.get(i) ?? -1).toBeLessThan(position.get(j) ?? -1);
        }
      }
    }),
    { numRuns: 500 },
  );
});

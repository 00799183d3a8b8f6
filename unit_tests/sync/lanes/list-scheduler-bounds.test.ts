import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { UserListChange } from '../../../src/delivery/list-members.ts';
import { aListWorld, type ListUser, type ListWorldCase } from '../../support/list-world.ts';

/** Some lists of many, evenly spread, another mixture for each user. */
interface Crowd {
  readonly users: number;
  readonly lists: number;
  /** How many lists each user is on, at most. */
  readonly each: number;
  readonly seed: number;
}

/** Users leave every third list, and go on the others. */
function changesOf({ users, lists, each, seed }: Crowd): UserListChange[][] {
  let state = seed * 2 + 1;
  const random = (below: number) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
    return (state >>> 8) % below;
  };
  return Array.from({ length: users }, () => {
    const numbers = new Set(Array.from({ length: each }, () => random(lists)));
    return [...numbers].map((n) => ({ list: `list ${n}`, isOn: n % 3 > 0, onlyExisting: false }));
  });
}

/** All calls of each list are full, but for one. */
function leastCalls(users: readonly ListUser[], maxUsers: number): number {
  const sizes = new Map<string, number>();
  for (const { changes } of users) for (const name of changes) sizes.set(name, (sizes.get(name) ?? 0) + 1);
  return [...sizes.values()].reduce((sum, size) => sum + Math.ceil(size / maxUsers), 0);
}

/** Puts all users, then flushes. */
async function callsFor(crowd: Crowd, given: ListWorldCase): Promise<{ calls: number; least: number }> {
  const { put, finish, users, faults, counts, scheduler } = aListWorld(given);
  for (const changes of changesOf(crowd)) put({ changes });
  await finish();
  expect([faults, scheduler.memberships]).toEqual([[], 0]);
  return { calls: counts.calls, least: leastCalls(users, given.maxUsers) };
}

const latencies = fc.array(fc.nat(1_500), { minLength: 1, maxLength: 5 });

describe('the number of list calls, when all users are put and then flushed,', () => {
  it('is the least while not too many wait', async () => {
    const crowd = fc.record({
      users: fc.integer({ min: 1, max: 120 }),
      lists: fc.integer({ min: 1, max: 12 }),
      each: fc.integer({ min: 1, max: 4 }),
      seed: fc.nat(),
    });
    const rates = fc.constantFrom(2, 5, Infinity);
    await fc.assert(
      fc.asyncProperty(crowd, rates, latencies, async (one, rate, times) => {
        const { calls, least } = await callsFor(one, { maxUsers: 20, rate, latencies: times });
        expect(calls).toBe(least);
      }),
      { numRuns: 150 },
    );
  });

  // As many as make two full calls, or more, of each list: the lower the rate, the more than may wait.
  it.each([
    ['10 lists', { users: 200, lists: 10, each: 2 }],
    ['10 lists, of which each user is on up to five', { users: 200, lists: 10, each: 5 }],
    ['20 lists', { users: 200, lists: 20, each: 5 }],
    ['50 lists', { users: 600, lists: 50, each: 5 }],
    ['5 lists, and nearly all users are on all of them', { users: 100, lists: 5, each: 8 }],
  ])('is little more than the least at any rate: users on %s', async (_name, crowd) => {
    for (const rate of [0.1, 0.5, 1, 2, 5]) {
      for (const latency of [100, 2_000]) {
        const given = { maxUsers: 20, rate, latencies: [latency] };
        const { calls, least } = await callsFor({ ...crowd, seed: 1 }, given);
        expect(calls / least).toBeLessThanOrEqual(1.25);
      }
    }
  });
});

describe('users who wait for list calls', () => {
  it('are all served in time: after 40 seconds, but for the calls themselves', async () => {
    const someone = fc.record({
      pauseMs: fc.oneof(fc.constant(0), fc.nat(30_000)),
      ageMs: fc.oneof(fc.constant(0), fc.nat(90_000)),
      seed: fc.nat(),
      each: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(someone, { maxLength: 20 }), latencies, async (all, times) => {
        const { put, clock, users, faults } = aListWorld({ maxUsers: 4, rate: Infinity, latencies: times });
        for (const { pauseMs, ageMs, ...rest } of all) {
          await clock.advance(pauseMs);
          for (const changes of changesOf({ users: 1, lists: 6, ...rest })) put({ changes, ageMs });
        }
        // Nothing is flushed.
        await clock.advance(120_000);
        expect(faults).toEqual([]);
        // A call that is due waits up to 50 ms for others.
        for (const { endedAt = Infinity, dueAt, changes } of users)
          expect(endedAt - dueAt).toBeLessThanOrEqual(changes.size * Math.max(...times) + 50);
      }),
      { numRuns: 150 },
    );
  });
});

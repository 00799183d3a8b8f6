import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { UserListChange } from '../../../src/delivery/list-members.ts';
import { settle } from '../../support/hand-clock.ts';
import { aListWorld, type ListWorldCase, type UserCase } from '../../support/list-world.ts';

const change: fc.Arbitrary<UserListChange> = fc.record({
  list: fc.constantFrom('VIP', 'New', 'Old'),
  isOn: fc.boolean(),
  onlyExisting: fc.constantFrom(false, false, true),
});

const user: fc.Arbitrary<UserCase> = fc.record({
  changes: fc.array(change, { minLength: 1, maxLength: 6 }),
  ageMs: fc.oneof(fc.constant(0), fc.nat(90_000)),
  refusedAt: fc.option(fc.nat(5), { freq: 6, nil: undefined }),
});

const latencies = fc.array(fc.nat(3_000), { minLength: 1, maxLength: 5 });

/** Time passes, users come, or what waits is sent. */
type Step = number | readonly UserCase[] | 'flush' | 'end';

const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.array(user, { minLength: 1, maxLength: 8 }), weight: 5 },
  { arbitrary: fc.oneof(fc.nat(500), fc.nat(30_000)), weight: 4 },
  { arbitrary: fc.constant('flush' as const), weight: 2 },
);
const end = fc.constant('end' as const);

/** Takes the steps; what is in flight may then end, and all the rest, unless the run is over. */
async function world(given: ListWorldCase, steps: readonly Step[]) {
  const all = aListWorld(given);
  const { scheduler, clock, run, counts, put, finish } = all;
  for (const what of steps) {
    if (typeof what === 'number') await clock.advance(what);
    else if (what === 'flush') scheduler.flush();
    else if (what === 'end') {
      run.end();
      await settle();
      // What is in flight goes on; nothing else waits for the time to pass.
      expect(clock.sleepers).toBeLessThanOrEqual(counts.inFlight + counts.turns);
    } else for (const each of what) put(each);
  }
  await finish();
  const isOver = run.isOver;
  run.end();
  await clock.advance(60_000);
  return { ...all, isOver };
}

describe('list calls of any users, in any order and at any pace', () => {
  const given: fc.Arbitrary<ListWorldCase> = fc.record({
    maxUsers: fc.integer({ min: 1, max: 6 }),
    rate: fc.constantFrom(0.5, 5, 100, Infinity),
    latencies,
    failsAt: fc.option(fc.nat(20), { freq: 3, nil: undefined }),
  });

  it('make each change once, of users who are not refused, and none of the others; then nothing waits', async () => {
    const steps = fc.array(step, { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(given, steps, async (one, all) => {
        const { scheduler, clock, run, users, faults, counts, isOver } = await world(one, all);
        expect([faults, run.failure?.message]).toEqual([[], isOver ? 'away' : undefined]);
        expect([counts.inFlight, scheduler.inFlight, scheduler.busyCalls, clock.sleepers]).toEqual([
          0, 0, 0, 0,
        ]);
        if (isOver) return;
        expect([scheduler.memberships, scheduler.load]).toEqual([0, 0]);
        for (const { made, changes, isRefused, refusedAt } of users) {
          expect(isRefused).toBe(refusedAt !== undefined);
          if (!isRefused) expect(made).toEqual(changes);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('begin no more once the run is over, and leave no timer', async () => {
    const steps = fc.tuple(
      fc.array(step, { minLength: 1, maxLength: 8 }),
      end,
      fc.array(step, { maxLength: 4 }),
    );
    await fc.assert(
      fc.asyncProperty(given, steps, async (one, [before, over, after]) => {
        const { scheduler, clock, faults, counts } = await world(one, [...before, over, ...after]);
        expect([faults, counts.inFlight, scheduler.inFlight, scheduler.busyCalls, clock.sleepers]).toEqual([
          [],
          0,
          0,
          0,
          0,
        ]);
      }),
      { numRuns: 100 },
    );
  });
});

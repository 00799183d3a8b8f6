/** A scheduler of list calls, with calls that are paced and take their time. It notes all that must not happen. */
import { RateLimiter } from '../../src/delivery/rate-limiter.ts';
import type { UserListChange } from '../../src/delivery/list-members.ts';
import type { UserKey } from '../../src/model.ts';
import { Run } from '../../src/run.ts';
import { ListScheduler } from '../../src/sync/lanes/list-scheduler.ts';
import { HandClock, settle } from './hand-clock.ts';
import { changeText } from './list-scheduler.ts';
import { keyOf } from './rows.ts';

export interface ListWorldCase {
  readonly maxUsers: number;
  /** Calls a second, of each direction. */
  readonly rate: number;
  /** Of the calls in turn, and from the start again. */
  readonly latencies: readonly number[];
  /** Which call fails for good, counted from 0; none by default. */
  readonly failsAt?: number | undefined;
}

export interface UserCase {
  readonly changes: readonly UserListChange[];
  /** How long its first record has been pending. */
  readonly ageMs?: number;
  /** The change for which it is refused: its number. */
  readonly refusedAt?: number | undefined;
}

/** A user, and what has become of it. */
export class ListUser {
  readonly key: UserKey;
  readonly changes: ReadonlySet<string>;
  readonly refusedAt: string | undefined;
  /** When it has to be served at the latest, but for the time of calls. */
  readonly dueAt: number;
  readonly sent = new Set<string>();
  readonly made = new Set<string>();
  isInFlight = false;
  isRefused = false;
  endedAt: number | undefined;

  constructor(number: number, { changes, refusedAt }: UserCase, dueAt: number) {
    this.key = keyOf(`user${number}@x`);
    const names = changes.map(changeText);
    this.changes = new Set(names);
    this.refusedAt = refusedAt === undefined ? undefined : names[refusedAt];
    this.dueAt = dueAt;
  }
}

export function aListWorld({ maxUsers, rate, latencies, failsAt }: ListWorldCase) {
  const clock = new HandClock();
  const run = new Run(clock);
  const limiters = [new RateLimiter(rate, clock), new RateLimiter(rate, clock)] as const;
  const users: ListUser[] = [];
  /** What must not happen. */
  const faults: string[] = [];
  const counts = { calls: 0, inFlight: 0, turns: 0 };
  const fault = (isOne: boolean, what: string, user?: ListUser) => {
    if (isOne) faults.push(user ? `${user.key.value} ${what}` : what);
  };

  const change = async (listChange: UserListChange, sent: readonly ListUser[]) => {
    const name = changeText(listChange);
    const number = counts.calls++;
    fault(run.isOver, 'a call begins though the run is over');
    fault(sent.length === 0 || sent.length > maxUsers, `a call has ${sent.length} users`);
    for (const user of sent) {
      fault(user.isInFlight, 'is in two calls', user);
      fault(user.isRefused, 'is in a call after it was refused', user);
      fault(user.sent.has(name) || !user.changes.has(name), `is in a call for ${name}, not needed`, user);
      user.isInFlight = true;
      user.sent.add(name);
    }
    counts.inFlight++;
    await limiters[listChange.isOn ? 1 : 0].acquire();
    await clock.sleep(latencies[number % latencies.length] ?? 0);
    counts.inFlight--;
    for (const user of sent) user.isInFlight = false;
    if (number === failsAt) throw new Error('away');
    const refused = new Set(sent.filter(({ refusedAt }) => refusedAt === name));
    for (const user of refused) {
      user.isRefused = true;
      user.endedAt = clock.now();
    }
    return refused;
  };

  const scheduler = new ListScheduler<ListUser>({
    run,
    clock,
    maxUsers,
    maxBytes: 1_000_000,
    preferUserId: false,
    pace: {
      rate: () => rate,
      untilTurn: async (isOn) => {
        counts.turns++;
        await limiters[isOn ? 1 : 0].untilTurn();
        counts.turns--;
      },
    },
    change: (listChange, sent) => change(listChange, [...sent.keys()]),
    made: (user, listChange, isLast) => {
      const name = changeText(listChange);
      fault(user.made.has(name) || !user.sent.has(name), `has ${name} made once too often`, user);
      fault(user.isRefused, 'has a change made after it was refused', user);
      user.made.add(name);
      fault(isLast !== (user.made.size === user.changes.size), `has ${name} as the last: ${isLast}`, user);
      if (isLast) user.endedAt = clock.now();
    },
  });

  let newestSince = 0;
  const put = (given: UserCase) => {
    const since = clock.now() - (given.ageMs ?? 0);
    // A user waits no longer than those of its lists who were there before it.
    newestSince = Math.max(newestSince, since);
    const user = new ListUser(users.length, given, Math.max(newestSince + 40_000, clock.now() + 50));
    users.push(user);
    scheduler.put(user, given.changes, since);
  };
  /** Flushes until all is done, or the run is over. */
  const finish = async () => {
    for (let minutes = 0; minutes < 120 && scheduler.memberships > 0 && !run.isOver; minutes++) {
      scheduler.flush();
      await clock.advance(60_000);
    }
    await settle();
  };
  return { scheduler, clock, run, users, faults, counts, put, finish };
}

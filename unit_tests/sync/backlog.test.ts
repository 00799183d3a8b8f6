import { describe, expect, it } from '@jest/globals';
import { Backlog, singleCalls, type Load, type Pace } from '../../src/sync/backlog.ts';

const FAST: Pace = { batches: 5, single: 100 };
const upsert = aLoad({ bytes: 100 });
const removal = aLoad({ needsOwnCalls: true });
const NO_TASKS = { size: 0, changingLists: 0, listLoad: 0, resting: 0 };

function aLoad(rest: Partial<Load> = {}): Load {
  return { bytes: 0, needsOwnCalls: false, isParked: false, ...rest };
}

/** Where no call is made. */
function aBacklog(pace: Pace = FAST, batchSize = 1000): Backlog {
  return new Backlog(batchSize, pace, { inFlight: 0 });
}

/** How many of these fit before it is full. */
function room(backlog: Backlog, load: Load, resting = 0): number {
  let count = 0;
  for (; !backlog.isFull({ ...NO_TASKS, resting }); count++) backlog.add(load);
  return count;
}

/** How many tasks there may be at a time. */
function maxTasks(backlog: Backlog, rest: { changingLists?: number; resting?: number } = {}): number {
  let size = 0;
  while (!backlog.isFull({ ...NO_TASKS, ...rest, size }) && size < 100_000) size++;
  return size;
}

describe('a backlog', () => {
  it.each([
    ['at Iterable’s own limit, 12 batches', 1000, 5, 12_000],
    ['at a slow rate, what 20 seconds take', 1000, 0.2, 4_000],
    ['at a very slow rate, two batches', 1000, 0.01, 2_000],
    ['with small batches, a thousand records', 1, 5, 1_000],
  ])('holds, %s', (_name, batchSize, batches, expected) => {
    expect(room(aBacklog({ batches, single: 100 }, batchSize), upsert)).toBe(expected);
  });

  it.each([
    [0, 2_000],
    [2, 4_000],
    [9, 11_000],
    [11, 13_000],
  ])('holds two batches of tasks more than the %d that calls carry', (inFlight, expected) => {
    expect(maxTasks(new Backlog(1000, FAST, { inFlight }))).toBe(expected);
  });

  it('counts the calls that are in flight at the time', () => {
    const calls = { inFlight: 0 };
    const backlog = new Backlog(1000, FAST, calls);
    calls.inFlight = 3;
    expect(maxTasks(backlog)).toBe(5_000);
  });

  it('holds as many tasks more as change lists or rest', () => {
    expect(maxTasks(aBacklog(), { changingLists: 700 })).toBe(2_700);
    expect(maxTasks(aBacklog(), { resting: 40 })).toBe(2_040);
    expect(maxTasks(aBacklog(), { changingLists: 700, resting: 40 })).toBe(2_740);
  });

  it('holds a thousand tasks at least', () => {
    expect(maxTasks(aBacklog(FAST, 10))).toBe(1_000);
  });

  it('takes no more removals than 20 seconds take, since each is a call', () => {
    expect(room(aBacklog(), removal)).toBe(2_000);
  });

  it('takes others in place of those that only wait for time to pass', () => {
    const backlog = aBacklog({ batches: 5, single: 1 });
    expect(room(backlog, removal)).toBe(20);
    expect(room(backlog, removal, 15)).toBe(15);
    expect(backlog.isFull(NO_TASKS)).toBe(true);
  });

  it('is bounded in bytes, whatever the number', () => {
    expect(room(aBacklog(), aLoad({ bytes: 3_999_999 }))).toBe(7);
  });

  it.each([
    ['records', upsert],
    ['removals', removal],
    ['bytes', aLoad({ bytes: 4_000_000 })],
  ])('has room again for what left: %s', (_name, load) => {
    const backlog = aBacklog({ batches: 5, single: 1 }, 1);
    const count = room(backlog, load);
    backlog.remove(load);
    expect(backlog.isFull(NO_TASKS)).toBe(false);
    expect(room(backlog, load)).toBe(1);
    for (let left = count; left > 0; left--) backlog.remove(load);
    expect(room(backlog, load)).toBe(count);
  });
});

describe('a backlog with records that only wait for list calls', () => {
  /** These records, parked. */
  const park = (
    backlog: Backlog,
    count: number,
    { bytes = 100, keptBytes = 0, needsOwnCalls = false } = {},
  ) =>
    Array.from({ length: count }, () => {
      const load = aLoad({ bytes, needsOwnCalls });
      backlog.add(load);
      backlog.park(load, keptBytes);
      return load;
    });

  it('has each say so, with the bytes that it keeps', () => {
    expect(park(aBacklog(), 1, { keptBytes: 30, needsOwnCalls: true })).toEqual([
      { bytes: 30, needsOwnCalls: false, isParked: true },
    ]);
  });

  it.each<[string, Load, { bytes?: number; needsOwnCalls?: boolean }, number]>([
    ['records', upsert, {}, 2_000],
    ['removals', removal, { needsOwnCalls: true }, 20],
    ['bytes', aLoad({ bytes: 4_000_000 }), { bytes: 23_000_000 }, 6],
  ])('has room for others in their place: %s', (_name, load, parked, expected) => {
    const backlog = aBacklog({ batches: 0.01, single: 1 });
    park(backlog, 30, parked);
    expect(room(backlog, load)).toBe(expected);
  });

  it('has room for no more records once they have left', () => {
    const backlog = aBacklog({ batches: 0.01, single: 1 });
    for (const load of park(backlog, 30)) backlog.remove(load);
    expect(room(backlog, upsert)).toBe(2_000);
  });

  it('counts the bytes that they keep, until they leave', () => {
    const backlog = aBacklog();
    const [first, ...others] = park(backlog, 6, { keptBytes: 4_000_000 });
    expect(backlog.isFull(NO_TASKS)).toBe(true);
    backlog.remove(first as Load);
    expect(room(backlog, aLoad({ bytes: 4_000_000 }))).toBe(1);
    for (const load of others) backlog.remove(load);
    expect(room(backlog, aLoad({ bytes: 4_000_000 }))).toBe(5);
  });

  it('holds as many tasks besides them as without them', () => {
    const backlog = aBacklog();
    const loads = park(backlog, 700);
    expect(maxTasks(backlog, { changingLists: 700 })).toBe(2_700);
    // Of these, 50 are of several records, which keep everything.
    expect(maxTasks(backlog, { changingLists: 750 })).toBe(2_750);
    for (const load of loads) backlog.remove(load);
    expect(maxTasks(backlog)).toBe(2_000);
  });

  it('holds a thousand tasks besides them at least', () => {
    const backlog = aBacklog(FAST, 10);
    park(backlog, 700);
    expect(maxTasks(backlog, { changingLists: 700 })).toBe(1_700);
  });

  it.each([
    [0.999, false],
    [1, true],
  ])('is full when list calls can take no more: %d of what may wait', (listLoad, expected) => {
    expect(aBacklog().isFull({ ...NO_TASKS, listLoad })).toBe(expected);
  });
});

describe('singleCalls', () => {
  it('is what 20 seconds take, and never nothing', () => {
    expect([singleCalls(5), singleCalls(0.01)]).toEqual([100, 10]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { Backlog, singleCalls } from '../../src/sync/backlog.ts';

const upsert = { bytes: 100, needsOwnCalls: false };
/** More works are under way than there can be: what is pending is bounded by other things. */
const manyUnderWay = { pending: () => 0, underWay: () => 100_000, resting: () => 0 };
const removal = { bytes: 0, needsOwnCalls: true };

/** How many of these fit before it is full. */
function room(backlog: Backlog, load: { bytes: number; needsOwnCalls: boolean }): number {
  let count = 0;
  for (; !backlog.isFull; count++) backlog.add(load);
  return count;
}

describe('Backlog', () => {
  it.each([
    ['at Iterable’s own limit, 12 batches', 1000, 5, 12_000],
    ['at a slow rate, what 20 seconds take', 1000, 0.2, 4_000],
    ['at a very slow rate, two batches', 1000, 0.01, 2_000],
    ['with small batches, a thousand records', 1, 5, 1_000],
  ])('%s', (_name, batchSize, batches, expected) => {
    expect(room(new Backlog(batchSize, { batches, single: 100 }, manyUnderWay), upsert)).toBe(expected);
  });

  it.each([
    [0, 2_000],
    [2, 4_000],
    [9, 11_000],
    [11, 13_000],
  ])('holds two batches of works more than the %d that calls carry', (calls, expected) => {
    let pending = 0;
    const works = { pending: () => pending, underWay: () => calls * 1000, resting: () => 0 };
    const backlog = new Backlog(1000, { batches: 5, single: 100 }, works);
    while (!backlog.isFull && pending < 100_000) pending++;
    expect(pending).toBe(expected);
  });

  it('takes no more removals than 20 seconds take, since each is a call', () => {
    expect(room(new Backlog(1000, { batches: 5, single: 100 }, manyUnderWay), removal)).toBe(2_000);
  });

  it('takes others in place of those that only wait for time to pass', () => {
    let resting = 0;
    const works = { ...manyUnderWay, resting: () => resting };
    const backlog = new Backlog(1000, { batches: 5, single: 1 }, works);
    expect(room(backlog, removal)).toBe(20);
    resting = 15;
    expect(room(backlog, removal)).toBe(15);
    resting = 0;
    expect(backlog.isFull).toBe(true);
  });

  it('is bounded in bytes, whatever the number', () => {
    expect(
      room(new Backlog(1000, { batches: 5, single: 100 }, manyUnderWay), {
        bytes: 3_999_999,
        needsOwnCalls: false,
      }),
    ).toBe(7);
  });

  it('has room again for what left', () => {
    const backlog = new Backlog(1, { batches: 5, single: 100 }, manyUnderWay);
    const count = room(backlog, upsert);
    backlog.remove(upsert);
    expect(backlog.isFull).toBe(false);
    expect(room(backlog, upsert)).toBe(1);
    for (let left = count; left > 0; left--) backlog.remove(upsert);
    expect(room(backlog, upsert)).toBe(count);
  });
});

describe('singleCalls', () => {
  it('is what 20 seconds take, and never nothing', () => {
    expect([singleCalls(5), singleCalls(0.01)]).toEqual([100, 10]);
  });
});

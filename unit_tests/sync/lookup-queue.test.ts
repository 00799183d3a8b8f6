import { describe, expect, it } from '@jest/globals';
import { Run } from '../../src/run.ts';
import { LookupQueue } from '../../src/sync/lookup-queue.ts';
import { HandClock, settle } from '../support/hand-clock.ts';

/** A queue whose groups are sent on when the test says so. */
function aQueue() {
  const run = new Run(new HandClock());
  const groups: (readonly number[])[] = [];
  const ends: { go: () => void; fail: (error: Error) => void }[] = [];
  const queue = new LookupQueue<number>({
    run,
    lookUp: (items) => {
      groups.push(items);
      return new Promise((go, fail) => {
        ends.push({ go, fail });
      });
    },
  });
  return { queue, run, groups, ends };
}

describe('LookupQueue', () => {
  it('looks for one group at a time, and gathers the next one meanwhile, in order', async () => {
    const { queue, groups, ends } = aQueue();
    await queue.add([1, 2]);
    await queue.add([3]);
    await queue.add([4, 5]);
    expect(groups).toEqual([[1, 2]]);
    ends[0]?.go();
    await settle();
    expect(groups).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
  });

  it('takes no more while many are gathered', async () => {
    const { queue, ends } = aQueue();
    await queue.add([0]);
    let hasRoom = false;
    const many = queue.add(Array.from({ length: 2_000 }, (_, at) => at)).then(() => (hasRoom = true));
    await settle();
    expect(hasRoom).toBe(false);
    ends[0]?.go();
    await many;
    expect(hasRoom).toBe(true);
  });

  it('is drained when all has been sent on, and goes on after that', async () => {
    const { queue, groups, ends } = aQueue();
    await queue.drain();
    await queue.add([1]);
    await queue.add([2]);
    let isDrained = false;
    const drained = queue.drain().then(() => (isDrained = true));
    ends[0]?.go();
    await settle();
    expect(isDrained).toBe(false);
    ends[1]?.go();
    await drained;
    await queue.add([3]);
    expect(groups).toEqual([[1], [2], [3]]);
  });

  it('fails the run with what a lookup throws, sends on nothing after it, and keeps no caller waiting', async () => {
    const { queue, run, groups, ends } = aQueue();
    await queue.add([1]);
    const many = queue.add(Array.from({ length: 2_000 }, () => 2));
    ends[0]?.fail(new Error('away'));
    await many;
    await queue.add([3]);
    await queue.drain();
    expect([groups.length, run.failure?.message]).toEqual([1, 'away']);
  });

  it('looks nothing up once the run has failed elsewhere', async () => {
    const { queue, run, groups, ends } = aQueue();
    await queue.add([1]);
    await queue.add([2]);
    run.fail(new Error('the disk is full'));
    ends[0]?.go();
    await queue.drain();
    await queue.add([3]);
    expect([groups, run.failure?.message]).toEqual([[[1]], 'the disk is full']);
  });
});

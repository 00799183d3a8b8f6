import { describe, expect, it } from '@jest/globals';
import { LookupQueue } from '../../src/sync/lookup-queue.ts';

/** A line whose groups are handed on when the test says so. */
function aLine() {
  const groups: (readonly number[])[] = [];
  const failures: string[] = [];
  const ends: { go: () => void; fail: (error: Error) => void }[] = [];
  const line = new LookupQueue<number>({
    recall: (items) => {
      groups.push(items);
      return new Promise((go, fail) => {
        ends.push({ go, fail });
      });
    },
    onFailure: ({ message }) => failures.push(message),
  });
  return { line, groups, failures, ends };
}

/** Lets everything happen that needs nothing more. */
const settle = () => new Promise(setImmediate);

describe('LookupQueue', () => {
  it('looks for one group at a time, and gathers the next one meanwhile, in order', async () => {
    const { line, groups, ends } = aLine();
    await line.add([1, 2]);
    await line.add([3]);
    await line.add([4, 5]);
    expect(groups).toEqual([[1, 2]]);
    ends[0]?.go();
    await settle();
    expect(groups).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
  });

  it('takes no more while many are gathered', async () => {
    const { line, ends } = aLine();
    await line.add([0]);
    let hasRoom = false;
    const many = line.add(Array.from({ length: 2_000 }, (_, at) => at)).then(() => (hasRoom = true));
    await settle();
    expect(hasRoom).toBe(false);
    ends[0]?.go();
    await many;
    expect(hasRoom).toBe(true);
  });

  it('is drained when all has been handed on, and goes on after that', async () => {
    const { line, groups, ends } = aLine();
    await line.drain();
    await line.add([1]);
    await line.add([2]);
    let isDrained = false;
    const drained = line.drain().then(() => (isDrained = true));
    ends[0]?.go();
    await settle();
    expect(isDrained).toBe(false);
    ends[1]?.go();
    await drained;
    await line.add([3]);
    expect(groups).toEqual([[1], [2], [3]]);
  });

  it('tells of a failure once, hands on nothing after it, and holds nobody up', async () => {
    const { line, groups, ends, failures } = aLine();
    await line.add([1]);
    const many = line.add(Array.from({ length: 2_000 }, () => 2));
    ends[0]?.fail(new Error('away'));
    await many;
    await line.add([3]);
    await line.drain();
    expect([groups.length, failures]).toEqual([1, ['away']]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { SingleLane } from '../../src/sync/single-lane.ts';
import { settle } from '../support/hand-clock.ts';

/** A lane with two works in flight at most; each ends when the test says so. */
function aLane() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const inFlightWhenDone: number[] = [];
  const lane = new SingleLane<string>({
    maxInFlight: 2,
    run: (work) => {
      begun.push(work);
      return new Promise((resolve) => ends.set(work, resolve));
    },
    onDone: () => inFlightWhenDone.push(lane.inFlight),
  });
  const end = async (work: string) => {
    ends.get(work)?.();
    await settle();
  };
  return { lane, begun, inFlightWhenDone, end };
}

describe('a lane of works with calls of their own', () => {
  it('begins so many at once, and the next one when one is done, in the order they came', async () => {
    const { lane, begun, end } = aLane();
    for (const work of ['a', 'b', 'c', 'd']) lane.put(work);
    expect([begun, lane.inFlight]).toEqual([['a', 'b'], 2]);
    await end('b');
    expect([begun, lane.inFlight]).toEqual([['a', 'b', 'c'], 2]);
    await end('a');
    await end('c');
    await end('d');
    expect([begun, lane.inFlight]).toEqual([['a', 'b', 'c', 'd'], 0]);
  });

  it('leaves a work that waits in its place when it is put again, and takes it anew when it is under way', async () => {
    const { lane, begun, end } = aLane();
    for (const work of ['a', 'b', 'c', 'd', 'c', 'a']) lane.put(work);
    for (const work of ['a', 'b', 'c', 'd']) await end(work);
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'a']);
  });

  it('tells of each work when it is no longer in flight, and has begun the next', async () => {
    const { lane, inFlightWhenDone, end } = aLane();
    for (const work of ['a', 'b', 'c']) lane.put(work);
    for (const work of ['a', 'b', 'c']) await end(work);
    expect(inFlightWhenDone).toEqual([2, 1, 0]);
  });

  it('begins nothing more once it is stopped; what is in flight goes on', async () => {
    const { lane, begun, inFlightWhenDone, end } = aLane();
    for (const work of ['a', 'b', 'c']) lane.put(work);
    lane.stop();
    await end('a');
    lane.put('d');
    expect([begun, lane.inFlight, inFlightWhenDone]).toEqual([['a', 'b'], 1, [1]]);
  });
});

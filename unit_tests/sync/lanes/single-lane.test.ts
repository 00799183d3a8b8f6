import { describe, expect, it } from '@jest/globals';
import { Run } from '../../../src/run.ts';
import { SingleLane } from '../../../src/sync/lanes/single-lane.ts';
import { HandClock, settle } from '../../support/hand-clock.ts';

/** A lane with two tasks in flight at most; each ends when the test says so. */
function aLane() {
  const run = new Run(new HandClock());
  const begun: string[] = [];
  const ends = new Map<string, { readonly done: () => void; readonly fail: (error: Error) => void }>();
  const inFlightWhenMoved: number[] = [];
  const lane = new SingleLane<string, number>({
    run,
    maxInFlight: 2,
    carryOut: (task, step) => {
      begun.push(`${task}${step}`);
      return new Promise((done, fail) => ends.set(task, { done, fail }));
    },
  });
  run.onMoved(() => {
    inFlightWhenMoved.push(lane.inFlight);
  });
  const put = (...tasks: string[]) => {
    for (const task of tasks) lane.put(task, 1);
  };
  const end = async (...tasks: string[]) => {
    for (const task of tasks) {
      ends.get(task)?.done();
      await settle();
    }
  };
  const fail = async (task: string) => {
    ends.get(task)?.fail(new Error(`${task} failed`));
    await settle();
  };
  return { lane, run, begun, inFlightWhenMoved, put, end, fail };
}

describe('a lane of tasks with calls of their own', () => {
  it('begins so many at once, and the next one when one is done, in the order they came', async () => {
    const { lane, begun, put, end } = aLane();
    put('a', 'b', 'c', 'd');
    expect([begun, lane.inFlight]).toEqual([['a1', 'b1'], 2]);
    await end('b');
    expect([begun, lane.inFlight]).toEqual([['a1', 'b1', 'c1'], 2]);
    await end('a', 'c', 'd');
    expect([begun, lane.inFlight]).toEqual([['a1', 'b1', 'c1', 'd1'], 0]);
  });

  it('leaves a task that waits in its place when it is put again, and takes it anew when it is under way', async () => {
    const { begun, put, end } = aLane();
    put('a', 'b', 'c', 'd', 'c', 'a');
    await end('a', 'b', 'c', 'd');
    expect(begun).toEqual(['a1', 'b1', 'c1', 'd1', 'a1']);
  });

  it('carries out the step that a task was put with last', async () => {
    const { lane, begun, put, end } = aLane();
    put('a', 'b', 'c', 'd');
    lane.put('c', 2);
    await end('a', 'b');
    expect(begun).toEqual(['a1', 'b1', 'c2', 'd1']);
  });

  it('tells the run of each task when it is no longer in flight, and has begun the next', async () => {
    const { inFlightWhenMoved, put, end } = aLane();
    put('a', 'b', 'c');
    await end('a', 'b', 'c');
    expect(inFlightWhenMoved).toEqual([2, 1, 0]);
  });

  it('begins nothing more once the run is over; what is in flight goes on', async () => {
    const { lane, run, begun, inFlightWhenMoved, put, end } = aLane();
    put('a', 'b', 'c');
    run.end();
    await end('a');
    put('d');
    expect([begun, lane.inFlight, inFlightWhenMoved]).toEqual([['a1', 'b1'], 1, [1]]);
  });

  it('fails the run with what a task throws, and has that no longer in flight', async () => {
    const { lane, run, begun, put, fail } = aLane();
    put('a', 'b', 'c');
    await fail('a');
    expect([run.failure?.message, lane.inFlight, begun]).toEqual(['a failed', 1, ['a1', 'b1']]);
    await fail('b');
    expect([run.failure?.message, lane.inFlight]).toEqual(['a failed', 0]);
  });
});

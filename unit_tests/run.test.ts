import { describe, expect, it } from '@jest/globals';
import { Run } from '../src/run.ts';
import { HandClock, settle } from './support/hand-clock.ts';

function aRun() {
  const clock = new HandClock();
  return { clock, run: new Run(clock) };
}

const DISK = new Error('the disk is full');
const PIPE = new Error('the pipe is closed');

describe('a run', () => {
  it('goes on until it ends', () => {
    const { run } = aRun();
    expect([run.isOver, run.over.aborted, run.failure]).toEqual([false, false, undefined]);
    run.end();
    expect([run.isOver, run.over.aborted, run.failure]).toEqual([true, true, undefined]);
    expect(run.over.reason).toEqual(new Error('the run has ended'));
  });

  it('fails by the first failure', () => {
    const { run } = aRun();
    run.fail(DISK);
    run.fail(PIPE);
    expect([run.isOver, run.failure, run.over.reason]).toEqual([true, DISK, DISK]);
  });

  it('fails also after it has ended, since results are still on their way', () => {
    const { run } = aRun();
    run.end();
    run.fail(DISK);
    run.end();
    expect([run.isOver, run.failure]).toEqual([true, DISK]);
  });
});

describe('a move of a run', () => {
  it('is told to all listeners, in order, before what waits for it goes on', async () => {
    const { run } = aRun();
    const events: string[] = [];
    run.onMoved(() => events.push('first'));
    run.onMoved(() => events.push('second'));
    const moved = run.untilMoved().then(() => events.push('woken'));
    await settle();
    expect(events).toEqual([]);
    run.moved();
    expect(events).toEqual(['first', 'second']);
    await moved;
    expect(events).toEqual(['first', 'second', 'woken']);
  });

  it('wakes everything that waits for it', async () => {
    const { run } = aRun();
    const woken: number[] = [];
    for (const waiter of [1, 2]) void run.untilMoved().then(() => woken.push(waiter));
    run.moved();
    await settle();
    expect(woken).toEqual([1, 2]);
  });

  it('wakes what waits for the next one, and not for an earlier one', async () => {
    const { run } = aRun();
    let woken = 0;
    run.moved();
    void run.untilMoved().then(() => woken++);
    await settle();
    expect(woken).toBe(0);
    run.moved();
    run.moved();
    await settle();
    expect(woken).toBe(1);
  });

  it('is told to listeners each time', () => {
    const { run } = aRun();
    let times = 0;
    run.onMoved(() => times++);
    run.moved();
    run.moved();
    expect(times).toBe(2);
  });

  it('is its first failure, which listeners find it over by; the next one is none', async () => {
    const { run } = aRun();
    const found: unknown[] = [];
    run.onMoved(() => found.push([run.isOver, run.failure]));
    const moved = run.untilMoved();
    run.fail(DISK);
    run.fail(PIPE);
    await moved;
    expect(found).toEqual([[true, DISK]]);
  });
});

describe('a call that is planned for later', () => {
  it('is made when the time has passed, once', async () => {
    const { clock, run } = aRun();
    const madeAt: number[] = [];
    const startedAt = clock.now();
    run.after(1_000, () => madeAt.push(clock.now() - startedAt));
    run.after(500, () => madeAt.push(clock.now() - startedAt));
    await clock.advance(60_000);
    expect(madeAt).toEqual([500, 1_000]);
  });

  it('is not made once it is cancelled, and nothing waits for it', async () => {
    const { clock, run } = aRun();
    let made = 0;
    const { cancel } = run.after(1_000, () => made++);
    run.after(2_000, () => made++);
    cancel();
    await settle();
    expect(clock.sleepers).toBe(1);
    cancel();
    await clock.advance(60_000);
    expect(made).toBe(1);
  });

  it('may be cancelled after it was made', async () => {
    const { clock, run } = aRun();
    let made = 0;
    const { cancel } = run.after(1_000, () => made++);
    await clock.advance(1_000);
    cancel();
    run.end();
    expect(made).toBe(1);
  });

  it.each([
    [
      'ends',
      (run: Run) => {
        run.end();
      },
    ],
    [
      'fails',
      (run: Run) => {
        run.fail(DISK);
      },
    ],
  ])('is not made once the run %s, and nothing keeps the process alive', async (_name, stop) => {
    const { clock, run } = aRun();
    let made = 0;
    run.after(1_000, () => made++);
    run.after(2_000, () => made++);
    stop(run);
    expect(clock.sleepers).toBe(0);
    await clock.advance(60_000);
    expect(made).toBe(0);
  });

  it('is not planned once the run is over', async () => {
    const { clock, run } = aRun();
    let made = 0;
    run.end();
    const { cancel } = run.after(0, () => made++);
    expect(clock.sleepers).toBe(0);
    cancel();
    await clock.advance(60_000);
    expect(made).toBe(0);
  });
});

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { coalesce } from '../src/coalesce.ts';
import { HandClock, settle } from './support/hand-clock.ts';

/** Doubles what it is asked, and notes what each load was asked. */
function doubling(whenToLoad?: () => Promise<unknown>) {
  const loads: (readonly number[])[] = [];
  const ask = coalesce((questions: readonly number[]) => {
    loads.push([...questions]);
    return Promise.resolve(questions.map((question) => 2 * question));
  }, whenToLoad);
  return { loads, ask };
}

describe('questions of one turn of the event loop', () => {
  it('become one load, in their order, and each gets the combined result', async () => {
    const { loads, ask } = doubling();
    const results = [ask(3), ask(1), ask(3)];
    expect(loads).toEqual([]);
    expect(await Promise.all(results)).toEqual([
      [6, 2, 6],
      [6, 2, 6],
      [6, 2, 6],
    ]);
    expect(loads).toEqual([[3, 1, 3]]);
  });

  it('are all those that promises and ticks lead to within the turn', async () => {
    const { loads, ask } = doubling();
    const chain = async () => {
      for (let step = 0; step < 20; step++) {
        await Promise.resolve();
        await new Promise((resolve) => {
          process.nextTick(resolve);
        });
      }
      return ask(2);
    };
    await Promise.all([ask(1), chain()]);
    expect(loads).toEqual([[1, 2]]);
  });

  it('are apart from those of the next turn', async () => {
    const { loads, ask } = doubling();
    const first = ask(1);
    await nextTurn();
    const second = ask(2);
    expect(await Promise.all([first, second])).toEqual([[2], [4]]);
    expect(loads).toEqual([[1], [2]]);
  });
});

describe('questions within a given time', () => {
  it('become one load when the time is over, counted from the first', async () => {
    const clock = new HandClock();
    const { loads, ask } = doubling(() => clock.sleep(250));
    const first = ask(1);
    await clock.advance(249);
    const second = ask(2);
    expect([loads, clock.sleepers]).toEqual([[], 1]);
    await clock.advance(1);
    expect(await Promise.all([first, second])).toEqual([
      [2, 4],
      [2, 4],
    ]);
    expect(loads).toEqual([[1, 2]]);
  });

  it('need a load that began after them, though another is under way', async () => {
    const clock = new HandClock();
    const answers: ((result: string) => void)[] = [];
    const loads: string[] = [];
    const ask = coalesce(
      (questions: readonly string[]) => {
        loads.push(questions.join());
        return new Promise<string>((resolve) => answers.push(resolve));
      },
      () => clock.sleep(250),
    );
    const first = ask('a');
    await clock.advance(250);
    const second = ask('b');
    answers[0]?.('to a');
    expect(await first).toBe('to a');
    const third = ask('c');
    await clock.advance(250);
    expect(loads).toEqual(['a', 'b,c']);
    answers[1]?.('to b and c');
    expect(await Promise.all([second, third])).toEqual(['to b and c', 'to b and c']);
  });
});

it('a load that fails fails for all who asked, and for nobody after them', async () => {
  let loads = 0;
  const ask = coalesce((questions: readonly number[]) =>
    ++loads === 1 ? Promise.reject(new Error('no')) : Promise.resolve(questions),
  );
  const results = await Promise.allSettled([ask(1), ask(2)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await ask(3)).toEqual([3]);
});

it('a wait that is given up fails for all who waited, and for nobody after them', async () => {
  let waits = 0;
  const { loads, ask } = doubling(() =>
    ++waits === 1 ? Promise.reject(new Error('stopped')) : Promise.resolve(),
  );
  const results = await Promise.allSettled([ask(1), ask(2)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await ask(3)).toEqual([6]);
  expect(loads).toEqual([[3]]);
});

it('nobody asks, nothing is loaded', async () => {
  const { loads } = doubling();
  await settle();
  expect(loads).toEqual([]);
});

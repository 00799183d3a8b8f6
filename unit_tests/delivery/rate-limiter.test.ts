import { describe, expect, it } from '@jest/globals';
import { RateLimiter } from '../../src/delivery/rate-limiter.ts';
import { HandClock } from '../support/hand-clock.ts';

async function grantsWithin(
  limiter: RateLimiter,
  clock: HandClock,
  ms: number,
  asks: number,
): Promise<number[]> {
  const startedAt = clock.now();
  const grants: number[] = [];
  for (let i = 0; i < asks; i++) void limiter.acquire().then(() => grants.push(clock.now() - startedAt));
  await clock.advance(ms);
  return grants;
}

describe('RateLimiter', () => {
  it('spaces calls evenly at its rate', async () => {
    const clock = new HandClock();
    expect(await grantsWithin(new RateLimiter(5, clock), clock, 1000, 100)).toEqual([
      0, 180, 380, 580, 780, 980,
    ]);
  });

  it('uses its full rate over a minute and never exceeds it', async () => {
    const clock = new HandClock();
    expect((await grantsWithin(new RateLimiter(5, clock), clock, 60_000, 1000)).length).toBe(301);
  });

  it('does not save up unused calls', async () => {
    const clock = new HandClock();
    const limiter = new RateLimiter(5, clock);
    await grantsWithin(limiter, clock, 0, 1);
    await clock.advance(60_000);
    expect(await grantsWithin(limiter, clock, 200, 10)).toEqual([0, 180]);
  });

  it('pauses all calls after a 429, queued ones included, and continues at half the rate', async () => {
    const clock = new HandClock();
    const limiter = new RateLimiter(5, clock);
    const grants: number[] = [];
    for (let i = 0; i < 4; i++) void limiter.acquire().then(() => grants.push(clock.now() - 1_000_000));
    await clock.advance(0);
    limiter.onRefused(3_000);
    await clock.advance(4_000);
    expect(grants).toEqual([0, 3_000, 3_380, 3_780]);
  });

  it('halves once for all calls that were refused together', () => {
    const clock = new HandClock();
    const limiter = new RateLimiter(8, clock);
    for (let i = 0; i < 5; i++) limiter.onRefused(1_000);
    expect(limiter.rate).toBe(4);
  });

  it('rises quickly to just under the refused rate, then slowly', async () => {
    const clock = new HandClock();
    const limiter = new RateLimiter(10, clock);
    limiter.onRefused(1_000);
    await clock.advance(1_000);
    for (let i = 0; i < 8; i++) limiter.onAccepted();
    expect(limiter.rate).toBe(9);
    for (let i = 0; i < 10; i++) limiter.onAccepted();
    expect(limiter.rate).toBeCloseTo(9.1, 6);
  });

  it('ends the wait when the stop signal is aborted', async () => {
    const clock = new HandClock();
    const limiter = new RateLimiter(1, clock);
    await limiter.acquire();
    const stop = new AbortController();
    const waiting = limiter.acquire(stop.signal);
    await clock.advance(10);
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
  });
});

describe('RateLimiter.untilTurn', () => {
  /** After how many milliseconds each of these resolves, in order; the clock goes on for a minute. */
  async function timesOf(clock: HandClock, ...waits: readonly Promise<void>[]): Promise<number[]> {
    const startedAt = clock.now();
    const times: number[] = [];
    for (const [index, wait] of waits.entries())
      void wait.then(() => (times[index] = clock.now() - startedAt));
    await clock.advance(60_000);
    return times;
  }

  it('does not take the turn', async () => {
    const clock = new HandClock();
    const limiter = new RateLimiter(5, clock);
    const waits = [limiter.untilTurn(), limiter.untilTurn(), limiter.acquire(), limiter.acquire()];
    expect(await timesOf(clock, ...waits)).toEqual([0, 0, 0, 180]);
  });

  it.each<[string, (limiter: RateLimiter) => unknown, number]>([
    ['nothing, where no call was made', () => undefined, 0],
    ['the spacing after a call', (limiter) => limiter.acquire(), 180],
    ['all who are in the queue', (limiter) => [1, 2, 3].map(() => limiter.acquire()), 580],
    [
      'a pause',
      (limiter) => {
        limiter.onRefused(3_000);
      },
      3_000,
    ],
    ['a pause and the spacing after it', (limiter) => (limiter.onRefused(3_000), limiter.acquire()), 3_380],
  ])('waits for %s', async (_name, before, expected) => {
    const clock = new HandClock();
    const limiter = new RateLimiter(5, clock);
    before(limiter);
    expect(await timesOf(clock, limiter.untilTurn())).toEqual([expected]);
  });

  it('waits for a pause that begins meanwhile, and for a call that comes first', async () => {
    const clock = new HandClock();
    const limiter = new RateLimiter(5, clock);
    await limiter.acquire();
    const [call, wait] = [limiter.acquire(), limiter.untilTurn()];
    await clock.advance(100);
    limiter.onRefused(1_000);
    expect(await timesOf(clock, call, wait)).toEqual([1_000, 1_380]);
  });

  it('holds up no call', async () => {
    const clock = new HandClock();
    const limiter = new RateLimiter(5, clock);
    await limiter.acquire();
    expect(await timesOf(clock, limiter.untilTurn(), limiter.acquire())).toEqual([180, 180]);
  });

  it('is not kept from its turn by a call that was aborted', async () => {
    const clock = new HandClock();
    const limiter = new RateLimiter(5, clock);
    const aborted = limiter.acquire(AbortSignal.abort(new Error('stopped')));
    aborted.catch(() => undefined);
    expect(await timesOf(clock, limiter.untilTurn())).toEqual([0]);
  });

  it('rejects when the stop signal is aborted, before and meanwhile', async () => {
    const clock = new HandClock();
    const limiter = new RateLimiter(1, clock);
    const stop = new AbortController();
    await limiter.acquire();
    const waiting = limiter.untilTurn(stop.signal);
    await clock.advance(10);
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    await expect(limiter.untilTurn(stop.signal)).rejects.toThrow('stopped');
    expect(clock.sleepers).toBe(0);
  });
});

describe('RateLimiter without a published limit', () => {
  /** Calls for so many seconds against a limit that the limiter does not know; gives the calls accepted each second. */
  async function against(limit: number, seconds: number) {
    const clock = new HandClock();
    const limiter = new RateLimiter(5, clock, 25);
    const accepted: number[] = [];
    let refused = 0;
    for (let second = 0; second < seconds; second++) {
      let inSecond = 0;
      const end = clock.now() + 1_000;
      const over = new AbortController();
      const calls = (async () => {
        for (;;) {
          await limiter.acquire();
          if (over.signal.aborted) return;
          if (++inSecond <= limit) limiter.onAccepted();
          else {
            refused++;
            limiter.onRefused(500);
          }
        }
      })();
      await clock.advance(end - clock.now());
      over.abort();
      await clock.advance(1_000);
      await calls;
      accepted.push(Math.min(inSecond, limit));
    }
    return { accepted, refused, rate: limiter.rate };
  }

  it('begins as usual, and is tried out slowly up to the highest rate', async () => {
    const { accepted, refused, rate } = await against(Infinity, 120);
    expect(Math.max(...accepted.slice(0, 3))).toBeLessThanOrEqual(6);
    expect(accepted[40]).toBeGreaterThan(10);
    expect([rate, refused]).toEqual([25, 0]);
  });

  it('settles just under a limit that a 429 has shown', async () => {
    const { accepted, refused } = await against(15, 120);
    const settled = accepted.slice(60);
    expect(settled.reduce((sum, calls) => sum + calls, 0) / settled.length).toBeGreaterThan(11);
    expect(refused).toBeLessThan(10);
  });
});

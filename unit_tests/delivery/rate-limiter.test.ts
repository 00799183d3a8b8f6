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

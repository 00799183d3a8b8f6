import { describe, expect, it } from '@jest/globals';
import { durationText, retry } from '../src/retry.ts';

describe('retrying', () => {
  it('resolves with the first success, and waits between attempts as the caller decides', async () => {
    const failures: string[] = [];
    const result = await retry(
      (attempt) => (attempt < 3 ? Promise.reject(new Error(`no ${attempt}`)) : Promise.resolve(attempt)),
      {
        afterFailure: (error, attempt) => {
          failures.push(`${attempt}: ${error.message}`);
          return Promise.resolve();
        },
      },
    );
    expect([result, failures]).toEqual([3, ['1: no 1', '2: no 2']]);
  });

  it('ends with the error that afterFailure throws', async () => {
    let attempts = 0;
    const giveUp = new Error('given up');
    const repetition = retry(() => Promise.reject(new Error(`no ${++attempts}`)), {
      afterFailure: (_error, attempt) => (attempt === 2 ? Promise.reject(giveUp) : Promise.resolve()),
    });
    await expect(repetition).rejects.toBe(giveUp);
    expect(attempts).toBe(2);
  });

  it('ends with the reason of its signal', async () => {
    const stop = new AbortController();
    const repetition = retry(() => Promise.reject(new Error('no')), {
      signal: stop.signal,
      afterFailure: () => {
        stop.abort(new Error('stopped'));
        return Promise.resolve();
      },
    });
    await expect(repetition).rejects.toThrow('stopped');
  });
});

describe('a duration', () => {
  it.each([
    [1_800_000, '30 minutes'],
    [60_000, '1 minute'],
    [20_000, '20 seconds'],
    [1_000, '1 second'],
    [300, '0.3 seconds'],
  ])('of %i ms', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });
});

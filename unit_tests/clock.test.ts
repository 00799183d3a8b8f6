import { expect, it, jest } from '@jest/globals';
import { systemClock } from '../src/clock.ts';

it('a sleep of years is longer than one of milliseconds', async () => {
  const enough = new AbortController();
  const years = systemClock.sleep(1e12, enough.signal).then(
    () => 'over',
    () => 'ended',
  );
  await systemClock.sleep(5);
  enough.abort(new Error('enough'));
  expect(await years).toBe('ended');
});

it('is unaffected by setting the system clock back or ahead', () => {
  const before = systemClock.now();
  expect(Math.abs(before - Date.now())).toBeLessThan(60_000);
  for (const hours of [-1, 1]) {
    const set = jest.spyOn(Date, 'now').mockReturnValue(before + hours * 3_600_000);
    const after = systemClock.now();
    set.mockRestore();
    expect(after).toBeGreaterThanOrEqual(before);
    expect(after).toBeLessThan(before + 60_000);
  }
});

import { expect, it } from '@jest/globals';
import { systemClock } from '../src/clock.ts';

it('a sleep of years lasts longer than one of milliseconds', async () => {
  const enough = new AbortController();
  const years = systemClock.sleep(1e12, enough.signal).then(
    () => 'over',
    () => 'ended',
  );
  await systemClock.sleep(5);
  enough.abort(new Error('enough'));
  expect(await years).toBe('ended');
});

import { describe, expect, it } from '@jest/globals';
import { Caller } from '../../src/delivery/caller.ts';
import { SharedIds } from '../../src/delivery/shared-ids.ts';
import { aClient } from '../support/fake-http.ts';
import { HandClock } from '../support/hand-clock.ts';

/** A project of these users, which is exported as often as need be. */
function project(users: readonly object[]) {
  const clock = new HandClock();
  const lines = users.map((user) => JSON.stringify(user));
  const { client, calls } = aClient(lines, lines);
  const caller = new Caller({ clock, rateOf: () => 1_000, callBudgetMs: 0 });
  return { clock, ids: new SharedIds(caller, client, clock), exports: () => calls.length };
}

describe('the addresses of a user id', () => {
  const users = [
    { email: 'Ada@x.com', userId: 'U1' },
    { email: 'grace@x.com', userId: 'U2' },
    { email: 'alan@x.com', userId: 'U1' },
    { email: 'nobody@x.com' },
    { userId: 'U1' },
  ];

  it('are those of all who have it, in lower case', async () => {
    const { clock, ids, exports } = project(users);
    const asked = ['U1', 'U2', 'u1', 'U1'].map((id) => ids.addressesOf(id));
    await clock.advance(250);
    expect(await Promise.all(asked)).toEqual([
      ['ada@x.com', 'alan@x.com'],
      ['grace@x.com'],
      [],
      ['ada@x.com', 'alan@x.com'],
    ]);
    expect(exports()).toBe(1);
  });

  it('come from an export that begins a quarter of a second after the first who asks, and is for no later ones', async () => {
    const { clock, ids, exports } = project(users);
    const first = ids.addressesOf('U1');
    await clock.advance(249);
    const second = ids.addressesOf('U2');
    expect(exports()).toBe(0);
    await clock.advance(1);
    expect(exports()).toBe(1);
    const third = ids.addressesOf('U2');
    await clock.advance(249);
    expect(exports()).toBe(1);
    await clock.advance(1);
    expect(exports()).toBe(2);
    expect(await Promise.all([first, second, third])).toEqual([
      ['ada@x.com', 'alan@x.com'],
      ['grace@x.com'],
      ['grace@x.com'],
    ]);
  });

  it('are not known by an export that names nobody', async () => {
    const { clock, ids } = project([]);
    const failure = ids.addressesOf('U1').catch((error: unknown) => error);
    await clock.advance(250);
    expect(String(await failure)).toContain('the export holds no user');
  });
});

import { describe, expect, it } from '@jest/globals';
import { Deletions } from '../../src/delivery/deletions.ts';
import type { UserKey } from '../../src/model.ts';
import { HandClock } from '../support/hand-clock.ts';

interface Profile {
  readonly email?: string;
  readonly userId?: string;
}

const email = (value: string): UserKey => ({ kind: 'email', value });
const userId = (value: string): UserKey => ({ kind: 'userId', value });

const SEEN = { isSeen: true, wasThere: true };

/** Iterable as look-ups show it; the test removes deleted users from `shown`. */
function iterable(...profiles: readonly Profile[]) {
  const clock = new HandClock();
  const shown = new Set(profiles);
  const asked: string[] = [];
  const deletions = new Deletions({
    clock,
    lookUp: ({ kind, value }) => {
      asked.push(value);
      return Promise.resolve(
        [...shown].find((profile) => profile[kind]?.toLowerCase() === value.toLowerCase()),
      );
    },
  });
  return { clock, shown, asked, deletions };
}

describe('the deletions of earlier runs', () => {
  it('concern both identities, and may hide others, until ten minutes after they were made', async () => {
    const { clock, deletions } = iterable();
    deletions.noteEarlier([
      { identity: 'a@x.com', isNamed: true, agoMs: 60_000 },
      { identity: ' U1', isNamed: false, agoMs: 60_000 },
    ]);
    for (const key of [email('a@x.com'), userId('U1')]) expect(deletions.concern([key])).toBe(true);
    expect(deletions.mayHideIdentities).toBe(true);
    await clock.advance(9 * 60_000);
    expect([deletions.concern([email('a@x.com')]), deletions.mayHideIdentities]).toEqual([false, false]);
  });
});

describe('the deletions of a run', () => {
  it('concern the identity that a deletion named, and the other identities of the user, for ten minutes', async () => {
    const { clock, deletions } = iterable();
    expect([deletions.isEmpty, deletions.concern([email('a@x.com')])]).toEqual([true, false]);
    deletions.note(email('a@x.com'), [userId('U1')], SEEN);
    expect(deletions.isEmpty).toBe(false);
    for (const key of [email('a@x.com'), userId('U1')])
      expect(deletions.concern([email('b@x.com'), key])).toBe(true);
    expect(deletions.concern([email('b@x.com'), userId('a@x.com')])).toBe(false);
    await clock.advance(10 * 60_000);
    expect(deletions.concern([email('a@x.com'), userId('U1')])).toBe(false);
    expect(deletions.isEmpty).toBe(true);
  });

  it.each([
    ['the identity that the deletion named', email('a@x.com')],
    ['the other identity', userId('U1')],
  ])('make writes to %s wait until no profile has it', async (_what, key) => {
    const ada = { email: 'A@x.com', userId: 'U1' };
    const { clock, shown, asked, deletions } = iterable(ada);
    deletions.note(email('a@x.com'), [userId('U1')], SEEN);
    let gone: UserKey[] | undefined;
    void deletions.waitUntilGone([email('c@x.com'), key]).then((keys) => (gone = keys));
    await clock.advance(60_000);
    expect(gone).toBeUndefined();
    shown.delete(ada);
    await clock.advance(10_000);
    expect(gone).toEqual([key]);
    expect(asked).not.toContain('c@x.com');
    expect(deletions.concern([key])).toBe(false);
  });

  it.each([
    ['no further identities', 'the profile was looked up', true, false],
    ['further identities', 'the profile was not looked up', false, true],
  ])('may hide %s for ten minutes if %s', async (_which, _why, isSeen, mayHide) => {
    const { clock, deletions } = iterable();
    expect(deletions.mayHideIdentities).toBe(false);
    deletions.note(email('a@x.com'), [], { isSeen, wasThere: true });
    expect(deletions.mayHideIdentities).toBe(mayHide);
    await clock.advance(10 * 60_000);
    expect(deletions.mayHideIdentities).toBe(false);
  });

  it('do not make an identity wait that belongs to another user', async () => {
    const { asked, deletions } = iterable({ email: 'b@x.com', userId: 'U1' });
    deletions.note(email('a@x.com'), [userId('U1')], SEEN);
    expect(await deletions.waitUntilGone([userId('U1')])).toEqual([]);
    expect(asked).toEqual(['U1']);
    expect(deletions.concern([userId('U1')])).toBe(false);
    expect(deletions.concern([email('a@x.com')])).toBe(true);
  });

  it('are waited for at most ten minutes, and don’t expire during a wait', async () => {
    const { clock, deletions } = iterable({ email: 'a@x.com', userId: 'U1' });
    deletions.note(email('a@x.com'), [userId('U1')], SEEN);
    await clock.advance(9 * 60_000);
    const waiting = deletions.waitUntilGone([userId('U1')]);
    const failure = expect(waiting).rejects.toThrow(
      'Iterable still shows a user ten minutes after deleting it',
    );
    await clock.advance(2 * 60_000);
    expect(deletions.concern([email('z@x.com')])).toBe(false);
    await clock.advance(9 * 60_000);
    await failure;
  });
});

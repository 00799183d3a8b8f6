import { expect, it } from '@jest/globals';
import type { UserIdentities } from '../../src/diff/holds.ts';
import { keepersByProfile } from '../../src/sync/held-otherwise.ts';
import { anEntry, keyOf } from '../support/rows.ts';
import { aRemoval } from '../support/tasks.ts';

const A = 'a@x.com';
const HOLDER = anEntry({ userId: 'u1' });

/** Asks who keeps the user `a@x.com`, whose profile has the id `u1`. Calls and questions to the ledger are noted. */
async function asked(identifiesBothWays: boolean, alsoKnownAs: readonly string[] = []) {
  const events: string[] = [];
  const keepers = await keepersByProfile(aRemoval({ email: A }), {
    remover: {
      identify: () => {
        events.push('identify');
        return Promise.resolve({ key: keyOf(A), others: alsoKnownAs.map(keyOf), isKnown: true });
      },
      lookUp: () => {
        events.push('look up');
        return Promise.resolve({ email: A, userId: 'u1' });
      },
    },
    detector: {
      identifiesBothWays,
      keepersOf: ({ userIds }: UserIdentities) => {
        events.push(`keepers of ${userIds.join()}`);
        return Promise.resolve([HOLDER]);
      },
    },
  });
  return { events, keepers };
}

it('a user is found by the identity that only its profile has', async () => {
  expect(await asked(true)).toEqual({ events: ['identify', 'look up', 'keepers of u1'], keepers: [HOLDER] });
});

it('costs no call where all streams know users in one way, nor where both identities are known', async () => {
  expect(await asked(false)).toEqual({ events: [], keepers: [] });
  expect(await asked(true, ['u1'])).toEqual({ events: ['identify'], keepers: [] });
});

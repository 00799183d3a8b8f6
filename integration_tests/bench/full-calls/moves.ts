/** Changes of address by the previous address, on a hybrid project. */
import type { Standin } from '../../standin/server.ts';
import {
  BULK_UPDATE,
  emailOf,
  EXPORT,
  LOOK_UP,
  range,
  USERS_PER_CALL,
  type Row,
  type Situation,
} from './situation.ts';

const oldEmailOf = (n: number) => `old.${emailOf(n)}`;

/**
 * The least: each user is in one bulk call of a thousand, and one export tells which addresses there are. A user whose new address
 * exists already is written there, which takes no call of its own.
 * @param isTaken whether another user has the new address of user number n
 */
function moves(name: string, users: number, isTaken: (n: number) => boolean): Situation {
  const add = (standin: Standin, email: string) => {
    standin.store.write({ email, dataFields: {}, preferUserId: false, mergeNestedObjects: false });
  };
  return {
    name,
    config: { previous_email_column: 'was' },
    prepare: (standin) => {
      for (const n of range(users)) add(standin, oldEmailOf(n));
      for (const n of range(users)) if (isTaken(n)) add(standin, emailOf(n));
    },
    rows: function* (): Generator<Row> {
      for (const n of range(users)) yield { email: emailOf(n), was: oldEmailOf(n), n };
    },
    least: { [BULK_UPDATE]: Math.ceil(users / USERS_PER_CALL), [EXPORT]: 1 },
    others: [LOOK_UP, 'POST /api/users/update', 'POST /api/users/updateEmail'],
    faults: ({ store }) =>
      [...range(users)].flatMap((n) => {
        const isThere = store.userByEmail(emailOf(n))?.dataFields.n === n;
        const isBehind = store.userByEmail(oldEmailOf(n)) !== undefined;
        return isThere && isBehind === isTaken(n) ? [] : [`user ${n} is not where it should be`];
      }),
  };
}

export const MOVE_SITUATIONS: readonly Situation[] = [
  moves('10,000 changes of address, hybrid', 10_000, () => false),
  moves('10,000, half of them to an address that is taken', 10_000, (n) => n % 2 === 0),
];

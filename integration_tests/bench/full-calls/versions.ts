/** Several versions of each user, whose rows hold an object. */
import {
  BULK_UPDATE,
  emailOf,
  randomOf,
  range,
  USERS_PER_CALL,
  type Row,
  type Situation,
} from './situation.ts';

const VERSIONS = 10;

/** Numbers from 0 in a random order. */
function shuffled(count: number): number[] {
  const numbers = [...range(count)];
  const random = randomOf(1);
  for (let at = count - 1; at > 0; at--) {
    const other = random() % (at + 1);
    [numbers[at], numbers[other]] = [numbers[other] ?? 0, numbers[at] ?? 0];
  }
  return numbers;
}

/**
 * The least: all versions of a user are merged into one, and each bulk call carries a thousand users. Where versions are far apart
 * that takes all of the input in memory.
 * @param order which user comes with each record
 */
function versions(name: string, users: number, order: () => Iterable<number>): Situation {
  const rows = function* (): Generator<Row> {
    const versionOf = new Array<number>(users).fill(0);
    for (const user of order()) {
      const version = (versionOf[user] = (versionOf[user] ?? 0) + 1);
      const profile = { version, [`from${version}`]: true, address: { city: `City ${version}` } };
      yield { email: emailOf(user), version, profile };
    }
  };
  return {
    name,
    config: {},
    rows,
    least: { [BULK_UPDATE]: Math.ceil(users / USERS_PER_CALL) },
    faults: ({ store }) =>
      [...range(users)].flatMap((n) => {
        const { version, profile = {} } = store.userByEmail(emailOf(n))?.dataFields ?? {};
        // Of each version one key, and two that all of them have.
        const isWhole = version === VERSIONS && Object.keys(profile as object).length === VERSIONS + 2;
        return isWhole ? [] : [`user ${n} is not the last version with the keys of all`];
      }),
  };
}

export const VERSION_SITUATIONS: readonly Situation[] = [
  versions('10 versions of 5,000 with objects, in runs', 5_000, () =>
    [...range(5_000 * VERSIONS)].map((n) => Math.floor(n / VERSIONS)),
  ),
  versions('the same, shuffled', 5_000, () => shuffled(5_000 * VERSIONS).map((n) => n % 5_000)),
];

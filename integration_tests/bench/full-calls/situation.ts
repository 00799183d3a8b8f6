/** What is measured: users, what is known before, the records of the measured sync, and the least possible calls. */
import type { Standin } from '../../standin/server.ts';

export const USERS_PER_CALL = 1_000;

export type Row = Readonly<Record<string, unknown>>;

export interface Situation {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** What Iterable has before. */
  readonly prepare?: (standin: Standin) => void;
  /** With a ledger: a sync before the one that is measured. */
  readonly before?: () => Iterable<Row>;
  /** Both syncs are full replacements with a primary key, whose statuses say that they are complete. */
  readonly isSnapshot?: boolean;
  readonly rows: () => Iterable<Row>;
  /**
   * Endpoint (method and path) → the least possible calls, by unlimited foresight and memory. Calls of these endpoints are counted
   * and no others: where lists are in question, the bulk calls that write the users are not.
   */
  readonly least: Readonly<Record<string, number>>;
  /** Endpoints that could do the same work by more calls, which are counted too. */
  readonly others?: readonly string[];
  /** Says what is wrong with Iterable's users afterwards. */
  readonly faults: (standin: Standin) => string[];
}

/** One user goes on a list, or leaves it. */
export interface Membership {
  readonly list: string;
  readonly isOn: boolean;
}

export const SUBSCRIBE = 'POST /api/lists/subscribe';
export const UNSUBSCRIBE = 'POST /api/lists/unsubscribe';
export const BULK_UPDATE = 'POST /api/users/bulkUpdate';
export const EXPORT = 'GET /api/export/data.json';
export const LOOK_UP = 'GET /api/users/getByEmail';

/** A call changes one list in one direction, for so many users: for each of them full calls and a partial one. */
export function leastListCalls(
  memberships: Iterable<Membership>,
  usersPerCall = USERS_PER_CALL,
): Record<typeof SUBSCRIBE | typeof UNSUBSCRIBE, number> {
  const sizes = new Map<string, { readonly isOn: boolean; users: number }>();
  for (const { list, isOn } of memberships) {
    const size = sizes.get(`${isOn} ${list}`) ?? { isOn, users: 0 };
    size.users++;
    sizes.set(`${isOn} ${list}`, size);
  }
  const least = { [SUBSCRIBE]: 0, [UNSUBSCRIBE]: 0 };
  for (const { isOn, users } of sizes.values())
    least[isOn ? SUBSCRIBE : UNSUBSCRIBE] += Math.ceil(users / usersPerCall);
  return least;
}

/** Some lists of many, evenly spread, another mixture for each user. */
export function spread(lists: number, of: number): (n: number) => string[] {
  return (n) => {
    const chosen = new Set<number>();
    const random = randomOf(n);
    while (chosen.size < lists) chosen.add(random() % of);
    return [...chosen].map((list) => `List ${list}`);
  };
}

/** Whole numbers, the same for the same seed. */
export function randomOf(n: number): () => number {
  let seed = n * 2_654_435_761;
  return () => {
    seed = (Math.imul(seed ^ (seed >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
    return seed;
  };
}

export function* range(count: number): Generator<number> {
  for (let n = 0; n < count; n++) yield n;
}

export const emailOf = (n: number) => `user${n}@example.com`;

/** Compares the number of members of each list with the expected one. */
export function wrongMembers(standin: Standin, expected: ReadonlyMap<string, number>): string[] {
  return [...expected].flatMap(([list, users]) => {
    const members = standin.members(list).length;
    return members === users ? [] : [`${list} has ${members} members instead of ${users}`];
  });
}

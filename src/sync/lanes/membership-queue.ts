/**
 * Users who wait for changes of their memberships, each for all of its changes at once. A group is one change, as one call makes
 * it for many users. A user is free while no call for it is in flight. Knows nothing of time and calls.
 */

export interface Waiting<Item, Change> {
  readonly item: Item;
  /** Since when the user's first record has been pending, by the clock. */
  readonly since: number;
  /** Changes that are not made yet: few. */
  readonly left: Group<Item, Change>[];
  isInFlight: boolean;
}

export interface Group<Item, Change> {
  readonly change: Change;
  /** In the order they came. */
  readonly users: Set<Waiting<Item, Change>>;
  /** How many of them are free. */
  free: number;
}

export interface CallLimits<Item> {
  readonly maxUsers: number;
  readonly maxBytes: number;
  readonly bytesOf: (item: Item) => number;
}

export class MembershipQueue<Item, Change> {
  readonly #groups = new Map<string, Group<Item, Change>>();
  readonly #nameOf: (change: Change) => string;
  #memberships = 0;
  #users = 0;

  /** @param nameOf equal for changes that one call can make together */
  constructor(nameOf: (change: Change) => string) {
    this.#nameOf = nameOf;
  }

  /** Changes that wait or are in flight, of all users together. */
  get memberships(): number {
    return this.#memberships;
  }

  /** Users who wait, or whose call is in flight. */
  get users(): number {
    return this.#users;
  }

  /** The groups in which users wait, in the order they came. */
  get groups(): Iterable<Group<Item, Change>> {
    return this.#groups.values();
  }

  /** Adds a user with its changes, one at least. Gives the groups. */
  put(item: Item, changes: readonly Change[], since: number): readonly Group<Item, Change>[] {
    const groups: Group<Item, Change>[] = [];
    for (const change of changes) {
      const group = this.#groupOf(change);
      if (!groups.includes(group)) groups.push(group);
    }
    const waiting: Waiting<Item, Change> = { item, since, left: groups, isInFlight: false };
    this.#users++;
    for (const group of groups) {
      group.users.add(waiting);
      group.free++;
      this.#memberships++;
    }
    return groups;
  }

  /** The first free users of the group that fit into a call, one at least: it is in flight from now on. */
  take(
    group: Group<Item, Change>,
    { maxUsers, maxBytes, bytesOf }: CallLimits<Item>,
  ): Waiting<Item, Change>[] {
    const taken: Waiting<Item, Change>[] = [];
    let bytes = 0;
    for (const user of group.users) {
      if (taken.length >= maxUsers) break;
      if (user.isInFlight) continue;
      bytes += bytesOf(user.item);
      if (taken.length > 0 && bytes > maxBytes) break;
      user.isInFlight = true;
      for (const other of user.left) other.free--;
      taken.push(user);
    }
    return taken;
  }

  /** The call for the user is answered: the change is made. True when it was the last one. */
  made(user: Waiting<Item, Change>, group: Group<Item, Change>): boolean {
    this.#leave(user, group);
    user.isInFlight = false;
    for (const other of user.left) other.free++;
    return user.left.length === 0;
  }

  /** The call for the user is answered: the user was refused, and its other changes are dropped. */
  refused(user: Waiting<Item, Change>): void {
    for (const group of [...user.left]) this.#leave(user, group);
  }

  #leave(user: Waiting<Item, Change>, group: Group<Item, Change>): void {
    user.left.splice(user.left.indexOf(group), 1);
    if (user.left.length === 0) this.#users--;
    group.users.delete(user);
    this.#memberships--;
    if (group.users.size === 0) this.#groups.delete(this.#nameOf(group.change));
  }

  #groupOf(change: Change): Group<Item, Change> {
    const name = this.#nameOf(change);
    let group = this.#groups.get(name);
    if (!group) this.#groups.set(name, (group = { change, users: new Set(), free: 0 }));
    return group;
  }
}

export interface Choice {
  readonly now: number;
  /** Users of a call. */
  readonly maxUsers: number;
  /** Calls a second. */
  readonly rate: number;
  /** Users should wait no longer than this for a fuller call. */
  readonly maxWaitMs: number;
  /** So many wait that no more may come before some calls are made. */
  readonly isCrowded: boolean;
  /** No more users come. */
  readonly isFlushing: boolean;
}

/** A share of the longest wait: calls never start earlier to serve all groups in time. */
export const LATEST_SHARE = 0.5;

/**
 * The group whose call goes next; undefined while it is better to wait.
 * - A full call goes at once, the fullest group first.
 * - The fullest group goes when too many users wait, or when it is time to begin for all groups to be served in time; the oldest
 *   one when its first user has waited too long.
 * - While flushing, a partial call goes when all users of its group are free: no second call has to follow for the others.
 */
export function chooseGroup<Item, Change>(
  groups: Iterable<Group<Item, Change>>,
  { now, maxUsers, rate, maxWaitMs, isCrowded, isFlushing }: Choice,
): Group<Item, Change> | undefined {
  let count = 0;
  let fullest: Group<Item, Change> | undefined;
  let fullestComplete: Group<Item, Change> | undefined;
  let oldest: Group<Item, Change> | undefined;
  let oldestSince = Infinity;
  for (const group of groups) {
    count++;
    if (group.free === 0) continue;
    if (!fullest || group.free > fullest.free) fullest = group;
    const isComplete = group.free === group.users.size;
    if (isComplete && (!fullestComplete || group.free > fullestComplete.free)) fullestComplete = group;
    const since = firstSince(group);
    if (since < oldestSince) [oldest, oldestSince] = [group, since];
  }
  if (!fullest || !oldest) return undefined;
  if (fullest.free >= maxUsers) return fullest;
  const dueAt = oldestSince + maxWaitMs;
  if (now >= dueAt) return oldest;
  const msForAll = Math.min((count * 1000) / rate, maxWaitMs * LATEST_SHARE);
  if (isCrowded || now + msForAll >= dueAt) return fullest;
  return isFlushing ? fullestComplete : undefined;
}

/** When the first call has to go, if no more users come: `now` of {@link chooseGroup} from then on. */
export function nextDueAt<Item, Change>(
  groups: Iterable<Group<Item, Change>>,
  { rate, maxWaitMs }: Pick<Choice, 'rate' | 'maxWaitMs'>,
): number {
  let count = 0;
  let oldestSince = Infinity;
  for (const group of groups) {
    count++;
    oldestSince = Math.min(oldestSince, firstSince(group));
  }
  return oldestSince + maxWaitMs - Math.min((count * 1000) / rate, maxWaitMs * LATEST_SHARE);
}

/** Since when the first of the group's free users waits. */
function firstSince<Item, Change>({ users }: Group<Item, Change>): number {
  for (const { isInFlight, since } of users) if (!isInFlight) return since;
  return Infinity;
}

/** Which users a flagged deletion removes, given the ledger. Pure. */
import type { HeldEntry } from '../ledger/ledger.ts';
import type { ProjectType } from '../mapping/options.ts';
import type { Removal, SkipReason, UserKey } from '../model.ts';
import { holds, identitiesIn, keepersOf, listsLeft, listsNamedBy, type UserIdentities } from './holds.ts';
import { isUnconfirmed } from './row.ts';

export interface RemovalDecision {
  /** No user is removed, for this reason. */
  readonly skip?: SkipReason;
  /** The users to remove: the one that the record names, and the one that its row stood for until now. */
  readonly removals: readonly Removal[];
  /** The users who stay, with the lists that only the released entries name. */
  readonly leaves: readonly Removal[];
  /** Entries that end with the removal. */
  readonly gone: readonly HeldEntry[];
  /** Entries that hold the users who stay: what their rows say counts now, so they are sent again. */
  readonly stale: readonly HeldEntry[];
}

export interface RemovalCase {
  readonly removal: Removal;
  /** The entry of the record's row. */
  readonly held: HeldEntry | undefined;
  /** All other entries with an address or id of the user that the record names, or of the one that its row stood for. */
  readonly others: readonly HeldEntry[];
  /** The record lacks its primary key: it is about all rows of its stream that stand for the user. */
  readonly isKeyless: boolean;
  readonly streamId: number;
  readonly projectType: ProjectType;
}

export function decideRemoval({
  removal,
  held,
  others,
  isKeyless,
  streamId,
  projectType,
}: RemovalCase): RemovalDecision {
  const isNamed = removal.email !== undefined || removal.userId !== undefined;
  const own = held ? [held] : [];
  // An entry without a user is of a row whose records were all rejected.
  if (!isNamed && (held?.email ?? held?.userId) === undefined)
    return { skip: 'not_in_ledger', removals: [], leaves: [], gone: own, stale: [] };
  const named = identitiesIn(removal);
  const released = [
    ...own,
    ...(isKeyless ? others.filter((entry) => entry.stream === streamId && holds(entry, named)) : []),
  ];
  const left = others.filter((entry) => !released.includes(entry));
  const previous = held && !isSameUser(removal, held, projectType) ? removalOf(held, removal) : undefined;
  const users: Removal[] = [...(isNamed ? [removal] : []), ...(previous ? [previous] : [])];

  const removals: Removal[] = [];
  const leaves: Removal[] = [];
  const stale = new Set<HeldEntry>();
  for (const user of users) {
    const isOfRow = user === previous || !previous;
    const about = [
      ...(isOfRow ? own : []),
      ...released.filter((entry) => entry !== held && holds(entry, identitiesIn(user))),
    ];
    const identities = allOf(user, about, projectType);
    const keepers = keepersOf(identities, left);
    if (keepers.length === 0) {
      removals.push({
        ...user,
        lists: [...new Set([...(user.lists ?? []), ...listsNamedBy(about)])],
        alsoKnownAs: identitiesBesides(user, about),
        isExported: about.some((entry) => !isUnconfirmed(entry)),
      });
    } else {
      for (const entry of keepers) stale.add(entry);
      const lists = listsLeft(identities, about, keepers);
      if (lists.length > 0) leaves.push({ ...(isOfRow && held ? removalOf(held, removal) : user), lists });
    }
  }
  const skip = removals.length === 0 ? ({ skip: 'held_by_another_row' } as const) : {};
  return { ...skip, removals, leaves, gone: released, stale: [...stale] };
}

/** All that the user is known by: what the record says, and what its entries say. */
function allOf(user: Removal, entries: readonly HeldEntry[], projectType: ProjectType): UserIdentities {
  // Where the address tells the user, several users may share an id.
  const isTold = projectType === 'email' && user.email !== undefined;
  const all = (isTold ? [user] : [user, ...entries]).map(identitiesIn);
  return { emails: all.flatMap(({ emails }) => emails), userIds: all.flatMap(({ userIds }) => userIds) };
}

/** Whether the identities of the record lead to the user of the row. */
function isSameUser(removal: Removal, held: HeldEntry, projectType: ProjectType): boolean {
  if (projectType === 'email') {
    // Deletion is by address there.
    if (removal.email !== undefined) return held.email === undefined || held.email === removal.email;
    return held.userId === removal.userId && removal.userId !== undefined;
  }
  const kind = removal.identifiedBy === 'email' ? 'email' : 'userId';
  if (removal[kind] === undefined) {
    const other = kind === 'email' ? 'userId' : 'email';
    return removal[other] !== undefined && held[other] === removal[other];
  }
  return held[kind] === undefined || held[kind] === removal[kind];
}

/** The user of the entry. */
function removalOf({ email, userId }: HeldEntry, { identifiedBy, lists }: Removal): Removal {
  return {
    kind: 'removal',
    identifiedBy,
    ...(email === undefined ? {} : { email }),
    ...(userId === undefined ? {} : { userId }),
    ...(lists ? { lists } : {}),
  };
}

/** Further identities of the user, as these entries say. */
function identitiesBesides({ email, userId }: Removal, entries: readonly HeldEntry[]): UserKey[] {
  return entries.flatMap((entry) => [
    ...(entry.email === undefined || entry.email === email
      ? []
      : [{ kind: 'email', value: entry.email } as const]),
    ...(entry.userId === undefined || entry.userId === userId
      ? []
      : [{ kind: 'userId', value: entry.userId } as const]),
  ]);
}

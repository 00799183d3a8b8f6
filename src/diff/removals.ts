/** Which users a flagged deletion removes, given the ledger. Pure. */
import type { HeldEntry } from '../ledger/ledger.ts';
import type { ProjectType } from '../mapping/options.ts';
import type { Removal, SkipReason, UserKey } from '../model.ts';
import { isUnconfirmed } from './row.ts';
import { holds } from './upserts.ts';

export interface RemovalDecision {
  /** No user is removed, for this reason. */
  readonly skip?: SkipReason;
  /** The users to remove: the one that the record names, and the one that its row stood for until now. */
  readonly removals: readonly Removal[];
  /** The user that its row stood for until now, if that one stays, with the lists that only the row's entry names. */
  readonly leaves?: Removal;
  /** Entries that end with the removal. */
  readonly gone: readonly HeldEntry[];
}

/**
 * @param held the entry of the record's row
 * @param others entries with an address or id of the user, in any stream
 */
export function decideRemoval({
  removal,
  held,
  others,
  streamId,
  projectType,
}: {
  readonly removal: Removal;
  readonly held: HeldEntry | undefined;
  readonly others: readonly HeldEntry[];
  readonly streamId: number;
  readonly projectType: ProjectType;
}): RemovalDecision {
  const own = held ? [held] : [];
  const isNamed = removal.email !== undefined || removal.userId !== undefined;
  if (!isNamed && !held) return { skip: 'not_in_ledger', removals: [], gone: [] };
  const named = isNamed ? [removal] : [];
  const previous = held && !isSameUser(removal, held, projectType) ? [removalOf(held, removal)] : [];
  const isHeld = (user: Removal, entries: readonly HeldEntry[]) =>
    entries.some((entry) => holds(entry, identitiesIn(user)));
  const elsewhere = others.filter(({ stream }) => stream !== streamId);
  const removals = [
    ...named.filter((user) => !isHeld(user, elsewhere)),
    // Another user may have the previous address or id by now.
    ...previous.filter((user) => !isHeld(user, others)),
  ];
  const isGoing = removals.includes(previous[0] ?? removal);
  const decided = {
    removals: removals.map((user) => {
      const about = [
        ...(user === removal && previous.length > 0 ? [] : own),
        ...others.filter((entry) => holds(entry, identitiesIn(user))),
      ];
      return {
        ...user,
        lists: listsToLeave(user, about),
        alsoKnownAs: identitiesBesides(user, about),
        isExported: about.some((entry) => !isUnconfirmed(entry)),
      };
    }),
    ...(isGoing ? {} : leavingOnly(removal, held, others)),
  };
  if (removals.length === 0) return { skip: 'held_by_another_stream', ...decided, gone: own };
  const same = others.filter(
    (entry) => entry.stream === streamId && removals.some((user) => holds(entry, identitiesIn(user))),
  );
  return { ...decided, gone: [...own, ...same] };
}

function leavingOnly(
  removal: Removal,
  held: HeldEntry | undefined,
  others: readonly HeldEntry[],
): Pick<RemovalDecision, 'leaves'> {
  if (!held) return {};
  const named = namedLists(others.filter((entry) => holds(entry, identitiesIn(removalOf(held, removal)))));
  const lists = namedLists([held]).filter((list) => !named.includes(list));
  return lists.length > 0 ? { leaves: { ...removalOf(held, removal), lists } } : {};
}

function namedLists(entries: readonly HeldEntry[]): string[] {
  return entries.flatMap(({ lists }) => [...lists].flatMap(([list, isOn]) => (isOn ? [list] : [])));
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

function removalOf({ email, userId }: HeldEntry, { identifiedBy, lists }: Removal): Removal {
  return {
    kind: 'removal',
    identifiedBy,
    ...(email === undefined ? {} : { email }),
    ...(userId === undefined ? {} : { userId }),
    ...(lists ? { lists } : {}),
  };
}

/** The lists that the record names, and those that its entries put the user on. */
function listsToLeave({ lists }: Removal, about: readonly HeldEntry[]): string[] {
  return [...new Set([...(lists ?? []), ...namedLists(about)])];
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

function identitiesIn({ email, userId }: Removal): { emails: string[]; userIds: string[] } {
  return {
    emails: email === undefined ? [] : [email],
    userIds: userId === undefined ? [] : [userId],
  };
}

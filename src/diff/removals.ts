/** Whom a flagged deletion removes, given what was exported before. Pure. */
import type { HeldEntry } from '../ledger/ledger.ts';
import type { ProjectType } from '../mapping/options.ts';
import type { Removal, SkipReason, UserKey } from '../model.ts';
import { isUnconfirmed } from './row.ts';
import { holds } from './upserts.ts';

export interface RemovalDecision {
  /** Nobody is removed, for this reason. */
  readonly skip?: SkipReason;
  /** The people to remove: whom the record names, and whom its row was until now. */
  readonly removals: readonly Removal[];
  /** Whoever its row was until now, where that person stays, and the lists that only the row's own entry named. */
  readonly leaves?: Removal;
  /** Entries that are true no more afterwards. */
  readonly gone: readonly HeldEntry[];
}

/**
 * @param held what the ledger holds of the record's own row
 * @param others entries that hold an address or id of the person, in whatever stream
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
  const former = held && !isSamePerson(removal, held, projectType) ? [removalOf(held, removal)] : [];
  const isHeld = (person: Removal, entries: readonly HeldEntry[]) =>
    entries.some((entry) => holds(entry, peopleOf(person)));
  const elsewhere = others.filter(({ stream }) => stream !== streamId);
  const removals = [
    ...named.filter((person) => !isHeld(person, elsewhere)),
    // Whoever has the former address or id by now is not who the record is about.
    ...former.filter((person) => !isHeld(person, others)),
  ];
  const isGoing = removals.includes(former[0] ?? removal);
  const decided = {
    removals: removals.map((person) => {
      const about = [
        ...(person === removal && former.length > 0 ? [] : own),
        ...others.filter((entry) => holds(entry, peopleOf(person))),
      ];
      return {
        ...person,
        lists: listsToLeave(person, about),
        alsoKnownAs: identitiesBesides(person, about),
        isExported: about.some((entry) => !isUnconfirmed(entry)),
      };
    }),
    ...(isGoing ? {} : leavingOnly(removal, held, others)),
  };
  if (removals.length === 0) return { skip: 'held_by_another_stream', ...decided, gone: own };
  const same = others.filter(
    (entry) => entry.stream === streamId && removals.some((person) => holds(entry, peopleOf(person))),
  );
  return { ...decided, gone: [...own, ...same] };
}

function leavingOnly(
  removal: Removal,
  held: HeldEntry | undefined,
  others: readonly HeldEntry[],
): Pick<RemovalDecision, 'leaves'> {
  if (!held) return {};
  const named = namedLists(others.filter((entry) => holds(entry, peopleOf(removalOf(held, removal)))));
  const lists = namedLists([held]).filter((list) => !named.includes(list));
  return lists.length > 0 ? { leaves: { ...removalOf(held, removal), lists } } : {};
}

function namedLists(entries: readonly HeldEntry[]): string[] {
  return entries.flatMap(({ lists }) => [...lists].flatMap(([list, isOn]) => (isOn ? [list] : [])));
}

/** Whether the row's person is whom the record's own identities lead to. */
function isSamePerson(removal: Removal, held: HeldEntry, projectType: ProjectType): boolean {
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

/** Those that the record names, and those that it was put on before. */
function listsToLeave({ lists }: Removal, about: readonly HeldEntry[]): string[] {
  return [...new Set([...(lists ?? []), ...namedLists(about)])];
}

/** What the user is known by besides, as these entries say. */
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

function peopleOf({ email, userId }: Removal): { emails: string[]; userIds: string[] } {
  return {
    emails: email === undefined ? [] : [email],
    userIds: userId === undefined ? [] : [userId],
  };
}

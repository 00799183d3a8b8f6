/**
 * The one rule for who goes: a user stays in Iterable as long as anything holds it. Deletion records, rows that a snapshot lacks,
 * rows that become another user, the removal guard and the plan all ask this. The ledgers ask the same in SQL. Pure.
 */
import { heldBy, type HeldEntry, type PendingDeletion } from '../ledger/ledger.ts';
import type { Identities } from '../model.ts';

/** All that a user is known by. */
export interface UserIdentities {
  readonly emails: readonly string[];
  readonly userIds: readonly string[];
}

/** Whether the row of the entry stands for the user. */
export function holds({ email, userId }: Identities, user: UserIdentities): boolean {
  return (
    (email !== undefined && user.emails.includes(email)) ||
    (userId !== undefined && user.userIds.includes(userId))
  );
}

/** Whether the last record of the row names the user, though it was not written. */
export function names({ named }: Pick<HeldEntry, 'named'>, user: UserIdentities): boolean {
  return named !== undefined && holds(named, user);
}

/** Entries that keep a user in Iterable. */
export type Keepers = readonly HeldEntry[];

/** Those of the entries that keep the user in Iterable: a pending deletion keeps nobody. */
export function keepersOf(user: UserIdentities, entries: readonly HeldEntry[]): HeldEntry[] {
  return entries.filter((entry) => !entry.isPendingDeletion && (holds(entry, user) || names(entry, user)));
}

/** What keeps the user in Iterable. */
export function whatKeeps(user: UserIdentities, entries: readonly HeldEntry[]): PendingDeletion['heldBy'] {
  const keepers = keepersOf(user, entries);
  return heldBy({
    isHeld: keepers.some((entry) => holds(entry, user)),
    isNamed: keepers.length > 0,
  });
}

export function identitiesIn({ email, userId }: Identities): UserIdentities {
  return {
    emails: email === undefined ? [] : [email],
    userIds: userId === undefined ? [] : [userId],
  };
}

/** The lists that the entries put their users on. */
export function listsNamedBy(entries: readonly Pick<HeldEntry, 'lists'>[]): string[] {
  return [
    ...new Set(entries.flatMap(({ lists }) => [...lists].flatMap(([list, isOn]) => (isOn ? [list] : [])))),
  ];
}

/** The lists that a user leaves with these entries: those that no other entry of the user names. */
export function listsLeft(
  user: UserIdentities,
  released: readonly Pick<HeldEntry, 'lists'>[],
  keepers: readonly HeldEntry[],
): string[] {
  // An entry that only names the user put another one on its lists.
  return listsBesides(
    listsNamedBy(released),
    keepers.filter((entry) => holds(entry, user)),
  );
}

/** Those of the lists that none of the entries names. */
export function listsBesides(lists: readonly string[], entries: Keepers): string[] {
  const named = listsNamedBy(entries);
  return lists.filter((list) => !named.includes(list));
}

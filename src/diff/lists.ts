/** Which memberships a record changes, given those exported before. Pure. */
import type { ListMemberships, Upsert } from '../model.ts';

type StatedLists = Pick<Upsert, 'lists' | 'unspecifiedLists'>;

const NONE: ListMemberships = new Map();

/** The memberships after the record: those that it states, and for lists that it leaves unspecified those exported before. */
export function membershipsAfter(
  held: ListMemberships,
  { lists = NONE, unspecifiedLists = [] }: StatedLists,
): ListMemberships {
  if (unspecifiedLists.length === 0) return lists;
  const after = new Map(lists);
  for (const [list, isOn] of held) {
    if (!after.has(list) && (unspecifiedLists === 'any' || unspecifiedLists.includes(list.trim())))
      after.set(list, isOn);
  }
  return after;
}

/** The same after several records, in order. */
export function membershipsAfterAll(held: ListMemberships, records: readonly StatedLists[]): ListMemberships {
  return records.reduce(membershipsAfter, held);
}

/** List name → on or off, for a user whose memberships in Iterable are unconfirmed: all that the records state, and off all others. */
export function membershipsAnew(
  held: ListMemberships,
  after: ListMemberships,
  records: readonly StatedLists[],
): Map<string, boolean> {
  const changes = new Map<string, boolean>();
  for (const [list, isOn] of after)
    if (records.some(({ lists }) => lists?.has(list) === true)) changes.set(list, isOn);
  for (const list of held.keys()) if (isLeft(list, after)) changes.set(list, false);
  return changes;
}

/** List name → on or off, for each membership to change. A list that is no longer named is left, too. */
export function membershipChanges(held: ListMemberships, after: ListMemberships): Map<string, boolean> {
  const changes = new Map<string, boolean>();
  for (const [list, isOn] of after) if (held.get(list) !== isOn) changes.set(list, isOn);
  for (const [list, isOn] of held) if (isOn && isLeft(list, after)) changes.set(list, false);
  return changes;
}

/** An entry of an older version may have a name with blanks around it: Iterable takes it for the name without them. */
function isLeft(list: string, after: ListMemberships): boolean {
  return !after.has(list) && after.get(list.trim()) !== true;
}

/** Which list calls a record leads to, given what was exported before. Pure. */
import type { ListMemberships, Upsert } from '../model.ts';

type ToldLists = Pick<Upsert, 'lists' | 'untoldLists'>;

const NONE: ListMemberships = new Map();

/** What is exported once the record is: what it says, and what it leaves open and was exported before. */
export function membershipsAfter(
  held: ListMemberships,
  { lists = NONE, untoldLists = [] }: ToldLists,
): ListMemberships {
  if (untoldLists.length === 0) return lists;
  const after = new Map(lists);
  for (const [list, isOn] of held) {
    if (!after.has(list) && (untoldLists === 'any' || untoldLists.includes(list.trim())))
      after.set(list, isOn);
  }
  return after;
}

/** The same for records in order. */
export function membershipsAfterAll(held: ListMemberships, records: readonly ToldLists[]): ListMemberships {
  return records.reduce(membershipsAfter, held);
}

/** List name → on or off, for whoever may be on any list that was exported or not: as the records say, and off all others. */
export function membershipsAnew(
  held: ListMemberships,
  after: ListMemberships,
  records: readonly ToldLists[],
): Map<string, boolean> {
  const changes = new Map<string, boolean>();
  for (const [list, isOn] of after)
    if (records.some(({ lists }) => lists?.has(list) === true)) changes.set(list, isOn);
  for (const list of held.keys()) if (isLeft(list, after)) changes.set(list, false);
  return changes;
}

/** List name → on or off, for each membership to change. Off the lists that are no longer named, too. */
export function membershipChanges(held: ListMemberships, after: ListMemberships): Map<string, boolean> {
  const changes = new Map<string, boolean>();
  for (const [list, isOn] of after) if (held.get(list) !== isOn) changes.set(list, isOn);
  for (const [list, isOn] of held) if (isOn && isLeft(list, after)) changes.set(list, false);
  return changes;
}

/** An older entry may hold a name with blanks around it, which leads to the same list as the name without them. */
function isLeft(list: string, after: ListMemberships): boolean {
  return !after.has(list) && after.get(list.trim()) !== true;
}

/** The lists that a record of a history changes, and the memberships that its row then has. */
import type { HistorySync, Row, StreamSetup } from './history.ts';
import { OpenCase, type Entry, type Profile } from './history-state.ts';

/**
 * The memberships that the rules and the record state. `unspecified` are the lists of flags whose column is absent;
 * `isUnspecified` is true if the column with names of lists is absent.
 */
export function statedLists(sync: HistorySync, { name }: StreamSetup, data: Row['data']) {
  const stated = new Map<string, boolean>();
  const unspecified = new Set<string>();
  let isUnspecified = false;
  for (const rule of sync.rules) {
    if (rule.stream !== undefined && rule.stream !== name) continue;
    if (rule.kind === 'all') stated.set(rule.list, true);
    else if (rule.kind === 'flag' && data.vip === undefined) unspecified.add(rule.list);
    else if (rule.kind === 'flag') stated.set(rule.list, data.vip === true);
    else if (data.segments === undefined) isUnspecified = true;
    else for (const list of data.segments ?? []) stated.set(list, true);
  }
  return { stated, unspecified, isUnspecified };
}

/** The memberships of the row after the record is delivered. */
export function membershipsOf(
  sync: HistorySync,
  stream: StreamSetup,
  data: Row['data'],
  held: Entry | undefined,
  isSame: boolean,
): Map<string, boolean> {
  const { stated, unspecified, isUnspecified } = statedLists(sync, stream, data);
  const after = new Map(stated);
  for (const [list, isOn] of held?.lists ?? []) {
    if (after.has(list)) continue;
    const isNamesList = ['Red', 'Blue'].includes(list);
    if (!unspecified.has(list) && !isUnspecified) continue;
    if (isOn && !unspecified.has(list) && !isNamesList) throw new OpenCase('which rule named the list');
    if (isOn && !isSame) throw new OpenCase('an unspecified membership of another profile');
    after.set(list, isOn);
  }
  return after;
}

/** The membership changes to send: list → true to add the user, false to remove it. */
export function listChanges(
  stated: ReadonlyMap<string, boolean>,
  lists: ReadonlyMap<string, boolean>,
  row: { held: Entry | undefined; isSame: boolean; isResent: boolean; isStale: boolean; profile: Profile },
): Map<string, boolean> {
  const { held, isSame, isResent, isStale, profile } = row;
  const changes = new Map<string, boolean>();
  for (const [list, isOn] of lists)
    if (held?.lists.get(list) !== isOn || (!isSame && stated.has(list))) changes.set(list, isOn);
  for (const [list, isOn] of held?.lists ?? []) {
    if ((!isOn && !isStale) || lists.has(list)) continue;
    if (!isSame && profile.lists.has(list)) throw new OpenCase('a list that another profile is on');
    changes.set(list, false);
  }
  if (isResent) for (const [list, isOn] of stated) changes.set(list, isOn);
  return changes;
}

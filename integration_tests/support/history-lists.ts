/** Which lists a record of a history speaks of, and what its row stands for. */
import type { HistorySync, Row, StreamSetup } from './history.ts';
import { OpenCase, type Entry, type Profile } from './history-state.ts';

/** What the rules and the record say of lists; `untold` are those of flags whose column is absent. */
export function toldLists(sync: HistorySync, { name }: StreamSetup, data: Row['data']) {
  const told = new Map<string, boolean>();
  const untold = new Set<string>();
  let isUntold = false;
  for (const rule of sync.rules) {
    if (rule.stream !== undefined && rule.stream !== name) continue;
    if (rule.kind === 'all') told.set(rule.list, true);
    else if (rule.kind === 'flag' && data.vip === undefined) untold.add(rule.list);
    else if (rule.kind === 'flag') told.set(rule.list, data.vip === true);
    else if (data.segments === undefined) isUntold = true;
    else for (const list of data.segments ?? []) told.set(list, true);
  }
  return { told, untold, isUntold };
}

/** The memberships that the row stands for once the record is delivered. */
export function membershipsOf(
  sync: HistorySync,
  stream: StreamSetup,
  data: Row['data'],
  held: Entry | undefined,
  isSame: boolean,
): Map<string, boolean> {
  const { told, untold, isUntold } = toldLists(sync, stream, data);
  const after = new Map(told);
  for (const [list, isOn] of held?.lists ?? []) {
    if (after.has(list)) continue;
    const isNamesList = ['Red', 'Blue'].includes(list);
    if (!untold.has(list) && !isUntold) continue;
    if (isOn && !untold.has(list) && !isNamesList) throw new OpenCase('which rule named it');
    if (isOn && !isSame) throw new OpenCase('what the record leaves open, of another profile');
    after.set(list, isOn);
  }
  return after;
}

/** List → on or off, for each membership to change. */
export function listChanges(
  told: ReadonlyMap<string, boolean>,
  lists: ReadonlyMap<string, boolean>,
  row: { held: Entry | undefined; isSame: boolean; isResent: boolean; profile: Profile },
): Map<string, boolean> {
  const { held, isSame, isResent, profile } = row;
  const changes = new Map<string, boolean>();
  for (const [list, isOn] of lists)
    if (held?.lists.get(list) !== isOn || (!isSame && told.has(list))) changes.set(list, isOn);
  for (const [list, isOn] of held?.lists ?? []) {
    if (!isOn || lists.has(list)) continue;
    if (!isSame && profile.lists.has(list)) throw new OpenCase('the list of another profile');
    changes.set(list, false);
  }
  if (isResent) for (const [list, isOn] of told) changes.set(list, isOn);
  return changes;
}

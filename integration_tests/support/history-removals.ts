/** The users that are removed in a history: flagged by a record, or missing from a complete snapshot. */
import type { HistorySync, Row, StreamSetup } from './history.ts';
import { statedLists } from './history-lists.ts';
import { isAbout, onLists, OpenCase, type Entry, type HistoryState, type Person } from './history-state.ts';

/** Returns whether there was anything to remove. */
export function removeFlagged(
  state: HistoryState,
  sync: HistorySync,
  stream: StreamSetup,
  data: Row['data'],
  held: Entry | undefined,
): boolean {
  const named: Person | undefined =
    data.email === undefined && data.userId === undefined
      ? undefined
      : {
          ...(data.email === undefined ? {} : { email: data.email }),
          ...(data.userId === undefined ? {} : { userId: data.userId }),
        };
  if (!named && !held) return false;
  const others = state.entries.filter((entry) => entry !== held);
  const elsewhere = others.filter((entry) => entry.stream !== stream.name);
  // A deletion discards earlier upserts of the row that still wait in a batch.
  if (
    state.notes.upserted.has(`${stream.name} ${held?.key ?? ''}`) &&
    elsewhere.some((entry) => isAbout(entry, ...(held ? [held] : []), ...(named ? [named] : [])))
  )
    throw new OpenCase('an upsert that a deletion may discard although the user stays');
  if (state.notes.changed.has(`${stream.name} ${held?.key ?? ''}`))
    throw new OpenCase('a change of user that a deletion may discard');
  const former = held && !(named && isAbout(held, named)) ? held : undefined;
  const removed: Person[] = [];
  if (named && !elsewhere.some((entry) => isAbout(entry, named))) removed.push(named);
  if (former && !others.some((entry) => isAbout(entry, former))) removed.push(former);
  const isGone = (entry: Entry) =>
    entry === held || (entry.stream === stream.name && removed.some((person) => isAbout(entry, person)));
  const gone = state.entries.filter(isGone);
  state.entries = state.entries.filter((entry) => !isGone(entry));
  if (held && !removed.some((person) => isAbout(held, person))) state.leaveOwn(held);
  const { stated, unspecified } = statedLists(sync, stream, data);
  for (const person of removed) {
    const profile = state.find(person);
    if (!profile) continue;
    if (
      state.history.identifyBy === 'user_id' &&
      profile.email !== undefined &&
      profile.email !== held?.email
    )
      state.notes.free(profile.email);
    if (sync.removal === 'delete_user') state.profiles.splice(state.profiles.indexOf(profile), 1);
    else {
      const lists = gone.filter((entry) => isAbout(entry, person)).flatMap(onLists);
      for (const list of [...lists, ...(person === named || !named ? stated.keys() : [])])
        profile.lists.delete(list);
      if (person !== named && [...stated.keys()].some((list) => profile.lists.has(list)))
        throw new OpenCase('lists that the record states, of a user that it does not name');
      if ([...unspecified].some((list) => profile.lists.has(list))) throw new OpenCase('an unspecified flag');
    }
  }
  return true;
}

/** Removes the users of `absent`: entries missing from complete snapshots. */
export function removeMissing(state: HistoryState, sync: HistorySync, absent: readonly Entry[]): void {
  state.entries = state.entries.filter((entry) => !absent.includes(entry));
  for (const entry of absent) {
    if (state.entries.some((other) => isAbout(other, entry))) state.leaveOwn(entry);
    else {
      const profile = state.find(entry);
      if (!profile) continue;
      if (sync.removal === 'delete_user') state.profiles.splice(state.profiles.indexOf(profile), 1);
      else for (const list of onLists(entry)) profile.lists.delete(list);
    }
  }
}

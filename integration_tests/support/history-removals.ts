/** The users that are removed in a history: flagged by a record, missing from a complete snapshot, or left behind by a row. */
import type { CutOff, HistorySync, Row, StreamSetup } from './history.ts';
import { statedLists } from './history-lists.ts';
import {
  isAbout,
  onLists,
  OpenCase,
  personOf,
  tokenOf,
  withoutPending,
  type Entry,
  type HistoryState,
  type Person,
} from './history-state.ts';

/** Returns whether there was anything to remove. `key` is undefined for a record that lacks the stream's primary key. */
export function removeFlagged(
  state: HistoryState,
  sync: HistorySync,
  stream: StreamSetup,
  data: Row['data'],
  key: string | undefined,
): boolean {
  const row = key === undefined ? undefined : { stream: stream.name, key };
  const held = row && state.entries.find((entry) => tokenOf(entry) === tokenOf(row));
  if (row) state.endRejected(row);
  const { email, userId } = data;
  const named = email === undefined && userId === undefined ? undefined : personOf(data);
  if (!named && !held) return false;
  const own = held ? [held] : [];
  const former = held && !(named && isAbout(held, named)) ? held : undefined;
  // Without its primary key the record is about all rows of its stream that hold the user.
  const released =
    row || !named ? own : state.holders([named]).filter((entry) => entry.stream === stream.name);
  if (!row) state.features.push('a deletion without a key');
  if (!row) for (const entry of released) state.notes.released.add(tokenOf(entry));
  const everyone: Person[] = [...own, ...(named ? [named] : [])];
  // A deletion discards earlier upserts of the row that still wait in a batch.
  if (row && state.notes.upserted.has(tokenOf(row)) && state.whatHolds(everyone, released))
    throw new OpenCase('an upsert that a deletion may discard although the user stays');
  if (row && state.notes.changed.has(tokenOf(row)))
    throw new OpenCase('a change of user that a deletion may discard');
  const removed: { user: Person; about: readonly Entry[] }[] = [];
  const staying: Person[][] = [];
  for (const user of [...(named ? [named] : []), ...(former ? [former] : [])]) {
    const about = released.filter((entry) =>
      entry === held ? user === former || !former : isAbout(entry, user),
    );
    // Where the address tells the user, several users may share an id.
    const isTold = state.history.projectType === 'email' && user.email !== undefined;
    const people = isTold ? [user] : [user, ...about];
    if (!state.whatHolds(people, released)) removed.push({ user, about });
    else {
      state.leaveLists(user === former || former ? user : (held ?? user), about, people);
      staying.push(people);
      state.features.push('a deletion of a user whom another row holds');
    }
  }
  state.entries = state.entries.filter((entry) => !released.includes(entry));
  for (const people of staying) state.sendAgain(people);
  const { stated, unspecified } = statedLists(sync, stream, data);
  for (const { user, about } of removed) {
    state.notes.removed.push(user, ...about);
    const profile = state.find(user);
    if (!profile) continue;
    if (
      state.history.identifyBy === 'user_id' &&
      profile.email !== undefined &&
      profile.email !== held?.email
    )
      state.notes.free(profile.email);
    if (sync.removal === 'delete_user') state.profiles.splice(state.profiles.indexOf(profile), 1);
    else {
      for (const list of [...about.flatMap(onLists), ...(user === named || !named ? stated.keys() : [])])
        profile.lists.delete(list);
      if (user !== named && [...stated.keys()].some((list) => profile.lists.has(list)))
        throw new OpenCase('lists that the record states, of a user that it does not name');
      if ([...unspecified].some((list) => profile.lists.has(list))) throw new OpenCase('an unspecified flag');
    }
  }
  return true;
}

/** The row of this entry has become another user. */
export function releaseFormer(
  state: HistoryState,
  sync: HistorySync,
  stream: StreamSetup,
  known: Entry,
): void {
  const former = personOf(known);
  state.leaveLists(former, [known]);
  const rest = state.entries.filter((entry) => entry !== known);
  const mayRemove = sync.mode === 'sync' && stream.kind !== 'incremental' && !stream.isEnriched;
  const key = `former of ${JSON.stringify(former)}`;
  if (mayRemove) state.features.push('a former user is left behind until a snapshot is verified');
  if (mayRemove)
    state.entries = [
      ...rest.filter((entry) => entry.stream !== stream.name || entry.key !== key),
      {
        ...former,
        stream: stream.name,
        key,
        isFormer: true,
        fingerprint: '',
        lists: new Map(),
        isOfSeveral: false,
        left: new Map(),
        targets: new Map(),
        generation: 0,
        sent: undefined,
      },
    ];
  else {
    // The row itself holds the former user no longer.
    state.entries = rest;
    state.sendAgain([former]);
  }
}

/** How many of the entries that are about to be released are of users whom nothing else holds. */
export function countRemovals(state: HistoryState, released: readonly Entry[]): number {
  return released.filter((entry) => !state.whatHolds([entry], released)).length;
}

/** Removes the users whose removal is decided, or lets them stay if something holds them. Returns whether calls may be due. */
export function carryOut(state: HistoryState, sync: HistorySync): boolean {
  let hasCalls = false;
  for (const entry of state.entries.filter(({ isPending }) => isPending)) {
    const holding = state.whatHolds([entry]);
    // As soon as the rejected record's row is delivered or gone it is known whether the user goes.
    if (holding === 'rejected') continue;
    hasCalls = true;
    state.entries = state.entries.filter((other) => other !== entry);
    if (holding === 'entry') {
      state.features.push('an absent row of a user whom another row holds');
      state.leaveLists(entry, [entry]);
      state.sendAgain([entry]);
      continue;
    }
    const profile = state.find(entry);
    if (!profile) continue;
    if (sync.removal === 'delete_user') state.profiles.splice(state.profiles.indexOf(profile), 1);
    else for (const list of onLists(entry)) profile.lists.delete(list);
  }
  return hasCalls;
}

/** As {@link carryOut}, by a run that was cut off: each of the users is gone, or on its way, or still there. */
export function carryOutInPart(state: HistoryState, sync: HistorySync, { people }: CutOff): void {
  for (const entry of state.entries.filter(({ isPending }) => isPending)) {
    const holding = state.whatHolds([entry]);
    if (holding === 'rejected') continue;
    const profile = state.find(entry);
    const actual = profile && people[profile.userId ?? profile.email ?? ''];
    const lists = onLists(entry).filter((list) => profile?.lists.has(list));
    const leaves = holding === 'entry' || sync.removal === 'remove_from_lists';
    if (holding === 'entry' && !lists.some((list) => actual?.lists.includes(list)))
      throw new OpenCase('whether the rows that hold a user are sent again after a run that was cut off');
    if (profile && !actual && !leaves) state.profiles.splice(state.profiles.indexOf(profile), 1);
    if (profile && actual && leaves)
      for (const list of lists)
        if (
          !actual.lists.includes(list) &&
          !state.holders([entry], [entry]).some((other) => other.lists.get(list))
        )
          profile.lists.delete(list);
    const isOpen = actual && (!leaves || lists.some((list) => actual.lists.includes(list)));
    if (!isOpen)
      state.entries = state.entries.map((other) =>
        other === entry ? { ...entry, isMaybeGone: true } : other,
      );
  }
}

/** A run in a mode that removes nobody: what was decided is dropped, and the rows are sent again when they come. */
export function cancelRemovals(state: HistoryState): void {
  if (state.entries.some(({ isMaybeGone }) => isMaybeGone))
    throw new OpenCase('which removals were carried out before the run was cut off');
  state.entries = state.entries.map((entry) =>
    entry.isPending ? { ...withoutPending(entry), fingerprint: '' } : entry,
  );
}

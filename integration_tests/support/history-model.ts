/**
 * A model of the documented behaviour for a history of syncs with a ledger, one record after the other. If the documentation
 * leaves the outcome of a record open, playing it throws {@link OpenCase}.
 */
import type { History, HistorySync, Row, StreamSetup } from './history.ts';
import { listChanges, membershipsOf, statedLists } from './history-lists.ts';
import {
  cancelRemovals,
  carryOut,
  carryOutInPart,
  countRemovals,
  releaseFormer,
  removeFlagged,
} from './history-removals.ts';
import {
  HistoryState,
  isAbout,
  Notes,
  OpenCase,
  personOf,
  tokenOf,
  withoutPending,
  type Entry,
  type Feature,
  type Person,
  type Profile,
} from './history-state.ts';

interface Snapshot {
  readonly generation: number;
  readonly seen: Set<string>;
  isKeyless: boolean;
}

/** The outcome of a record; `unsure` if it may or may not be rejected. */
type End = 'rejected' | 'settled' | 'unsure';

export class HistoryModel {
  readonly #state: HistoryState;
  readonly #open = new Map<string, Snapshot>();
  /** Row → the users that it was before. */
  readonly #formers = new Map<string, Person[]>();
  #there: Person[] = [];
  /** Users who were in Iterable after an earlier sync, and are not now. */
  #gone: Person[] = [];
  /** The last sync made a call, or may have made one. */
  hasCalls = false;
  /** The last sync fails, because the source failed or because every record was rejected. */
  isFailed = false;

  constructor(history: History) {
    this.#state = new HistoryState(history);
  }

  /** What has occurred so far, as often as it did. */
  get features(): readonly Feature[] {
    return this.#state.features;
  }

  get profiles(): readonly Profile[] {
    return this.#state.profiles;
  }

  play(sync: HistorySync): void {
    this.#play(sync);
    this.#noteUsers(sync);
  }

  #noteUsers({ rows }: HistorySync): void {
    const { features, entries } = this.#state;
    const pairs = entries.flatMap((entry, index) =>
      entries
        .slice(index + 1)
        .filter((other) => isAbout(entry, other) && !entry.isFormer && !other.isFormer)
        .map((other) => entry.stream === other.stream),
    );
    if (pairs.includes(true)) features.push('a user of several rows of one stream');
    if (pairs.includes(false)) features.push('a user of rows of several streams');
    if (rows.some(({ data }) => (data.id ?? 0) > 10)) features.push('keys are rebuilt');
    const there = this.profiles.map(personOf);
    const written = this.#gone.filter((person) => isAbout(person, ...there));
    if (this.#state.history.lookUpsUntilGone > 0 && written.length > 0)
      features.push('a user is written whose deletion of an earlier sync takes long');
    this.#gone = [...this.#gone, ...this.#there].filter((person) => !isAbout(person, ...there));
    this.#there = there;
  }

  #play(sync: HistorySync): void {
    this.#state.notes = new Notes();
    this.hasCalls = false;
    if (sync.mode !== 'sync') cancelRemovals(this.#state);
    for (const { name, kind } of this.#state.history.streams) {
      const open = this.#open.get(name);
      const generation = sync.generations[name] ?? 0;
      if (kind !== 'incremental' && open?.generation !== generation)
        this.#open.set(name, { generation, seen: new Set(), isKeyless: false });
    }
    const ends = sync.rows.map((row) => this.#record(sync, row));
    const isRejected = ends.length > 0 && ends.every((end) => end === 'rejected');
    if (!isRejected && ends.length > 0 && ends.every((end) => end !== 'settled'))
      throw new OpenCase('whether all records are rejected');
    this.isFailed = isRejected || Object.values(sync.statuses).includes('INCOMPLETE');
    if (this.isFailed) return;
    const proven = this.#state.history.streams.filter(({ name }) => sync.statuses[name] === 'COMPLETE');
    if (sync.mode === 'sync') this.#removeMissing(sync, proven);
    for (const { name } of proven) if (sync.cutOff?.isDecided !== false) this.#open.delete(name);
  }

  #record(sync: HistorySync, row: Row): End {
    const stream = this.#state.history.streams.find(({ name }) => name === row.stream);
    if (!stream) throw new Error(`unknown stream ${row.stream}`);
    const { data } = row;
    const open = this.#open.get(stream.name);
    const identifier = this.#state.history.identifyBy === 'email' ? data.email : data.userId;
    const key = stream.hasKey ? data.id : identifier;
    if (data.deleted && this.#state.history.identifyBy === 'user_id' && data.email && data.userId)
      throw new OpenCase('a deletion with two identities');
    const removes = sync.mode === 'sync' && !stream.isEnriched;
    if (key === undefined && identifier !== undefined) {
      if (!data.deleted) throw new OpenCase('a row without a key');
      if (!removes && open) open.isKeyless = true;
      return this.#deletion(sync, stream, data, undefined);
    }
    if (key === undefined && (data.email ?? data.userId) !== undefined)
      throw new OpenCase('a row without a key');
    if (key === undefined || (data.deleted !== true && identifier === undefined)) {
      if (key === undefined && open) open.isKeyless = true;
      if (key !== undefined) {
        open?.seen.add(String(key));
        this.#comeAgain(stream, String(key));
        this.#doubtRejected(stream, String(key));
      }
      return data.deleted === true && stream.hasKey && !removes ? 'settled' : 'rejected';
    }
    open?.seen.add(String(key));
    if (data.deleted === true) return this.#deletion(sync, stream, data, String(key));
    if (data.level !== 'high') {
      const held = this.#state.entries.find((entry) => tokenOf(entry) === `${stream.name} ${key}`);
      return this.#upsert(sync, stream, String(key), data, held);
    }
    // A rejected record is sent again by the next sync.
    this.hasCalls = true;
    this.#reject(stream, String(key), data);
    return 'rejected';
  }

  #deletion(sync: HistorySync, stream: StreamSetup, data: Row['data'], key: string | undefined): End {
    if (sync.mode === 'sync' && !stream.isEnriched) {
      if (removeFlagged(this.#state, sync, stream, data, key)) this.hasCalls = true;
    } else if (key !== undefined) this.#doubtRejected(stream, key);
    // A deletion by user id alone may be rejected on projects where users can share an id.
    return this.#state.history.projectType === 'email' && data.email === undefined ? 'unsure' : 'settled';
  }

  /** The row's record is rejected: from now on it holds whom it names. */
  #reject(stream: StreamSetup, key: string, data: Row['data']): void {
    const row = { stream: stream.name, key };
    this.#comeAgain(stream, key);
    this.#state.endRejected(row);
    if (this.#state.notes.released.has(tokenOf(row)))
      throw new OpenCase('a rejected record that may come before a deletion which ends its row');
    if (isAbout(personOf(data), ...this.#state.notes.removed))
      throw new OpenCase('a rejected record that may keep a user before its removal is decided');
    this.#state.rejected.push({ ...row, ...personOf(data), isUnsure: false });
  }

  /** A record came that was not delivered: whether what an earlier one of the row named is still held is not documented. */
  #doubtRejected(stream: StreamSetup, key: string): void {
    this.#state.rejected = this.#state.rejected.map((hold) =>
      hold.stream === stream.name && hold.key === key ? { ...hold, isUnsure: true } : hold,
    );
  }

  /** The row had a record: its user is no longer to be removed, and all of it is sent again when it is next delivered. */
  #comeAgain(stream: StreamSetup, key: string): void {
    this.#state.entries = this.#state.entries.map((entry) => {
      if (!entry.isPending || entry.stream !== stream.name || entry.key !== key) return entry;
      if (entry.isMaybeGone)
        throw new OpenCase('whether the removal was carried out before the run was cut off');
      return { ...withoutPending(entry), fingerprint: '' };
    });
  }

  #upsert(
    sync: HistorySync,
    stream: StreamSetup,
    key: string,
    data: Row['data'],
    known: Entry | undefined,
  ): End {
    const byEmail = this.#state.history.identifyBy === 'email';
    const mapped = sync.targets[stream.name] ?? {};
    const values = Object.entries(mapped).filter(([column]) => data[column] !== undefined);
    const fingerprint = JSON.stringify([
      values.map(([column, to]) => [to, data[column]]),
      byEmail ? 0 : data.email,
    ]);
    const refused = `${stream.name} ${data.userId ?? ''}`;
    if (this.#state.notes.refused.has(refused))
      throw new OpenCase('a record that may pass when merged with a refused one');
    const generation = sync.generations[stream.name] ?? 0;
    const isResent =
      known?.fingerprint === '' ||
      known?.isPending === true ||
      sync.resends ||
      (stream.kind === 'incremental' && known !== undefined && known.generation < generation);
    const isSameUser = known && (byEmail ? known.email === data.email : known.userId === data.userId);
    const knownValues = isSameUser && !isResent ? known.sent : undefined;
    const isSentNow = (to: string, value: unknown) =>
      !this.#state.history.changedFieldsOnly || !knownValues?.has(to) || knownValues.get(to) !== value;
    const target = this.#targetOf(stream, data, known, isSentNow('email', data.email));
    if (target === 'skipped') {
      // On these projects the record is sent, and Iterable itself refuses the unknown user.
      if (this.#state.history.projectType === 'email' && !byEmail) this.hasCalls = true;
      this.#state.endRejected({ stream: stream.name, key });
      // If the row later names its former user again, its record is sent in full.
      this.#state.entries = this.#state.entries.map((entry) =>
        entry === known ? { ...entry, fingerprint: '', sent: undefined } : entry,
      );
      return 'settled';
    }
    if (target === 'rejected') {
      if (known?.fingerprint === fingerprint) throw new OpenCase('whether the record is sent at all');
      if (this.#state.notes.upserted.has(`${stream.name} ${key}`))
        throw new OpenCase('a record that may pass when merged with an earlier one');
      this.hasCalls = true;
      this.#state.notes.refused.add(refused);
      this.#reject(stream, key, data);
      return 'rejected';
    }
    const { isMoved, former } = target;
    const held = known ?? former;
    const isSame =
      isMoved || (held !== undefined && (byEmail ? held.email === data.email : held.userId === data.userId));
    const written = Object.values(sync.targets).flatMap((targets) => Object.values(targets));
    const cleared = [...(held?.targets ?? [])].filter(([to]) => !written.includes(to));
    const isStale = held?.fingerprint === '' || held?.isPending === true;
    const isSent =
      !known || !isSame || isMoved || isResent || cleared.length > 0 || known.fingerprint !== fingerprint;
    this.#state.endRejected({ stream: stream.name, key });

    if (knownValues && (isMoved || !target.profile)) throw new OpenCase('a known row whose user is gone');
    const profile = target.profile ?? this.#state.create(data);
    const person = { ...profile };
    if (known?.isPending && !isSame)
      throw new OpenCase('another user, while the removal of the former is decided');
    if (known?.isMaybeGone && known.email !== data.email)
      throw new OpenCase('another address, while the removal may have been carried out');
    const isOfSeveral = sync.rows.filter((row) => isOfRow(row, stream, key, byEmail)).length > 1;
    // Several records of a row may be merged. If the merged values equal those of the previous sync, nothing is sent.
    if (isSent && isOfSeveral && known && isSame && !isUnchanged(profile, known))
      throw new OpenCase('records that may be unchanged when merged');
    const isUnsure = isOfSeveral || known?.isOfSeveral === true;
    if (known?.isOfSeveral) this.hasCalls = true;
    const sendsEmail = isSent && data.email !== undefined && (byEmail || isSentNow('email', data.email));
    if (sendsEmail && !byEmail && data.email !== target.profile?.email) {
      if (profile.email !== undefined && held?.email !== profile.email) this.#state.notes.free(profile.email);
      this.#state.notes.want(data.email);
    }
    if (sendsEmail) profile.email = data.email;
    if (!isSame && cleared.some(([to]) => profile.fields.has(to)))
      throw new OpenCase('fields to clear on another profile');
    for (const [to, isSure] of cleared) {
      if (!isSure && profile.fields.has(to)) throw new OpenCase('fields to clear that the row did not write');
      profile.fields.delete(to);
    }
    const lists = membershipsOf(sync, stream, data, held, isSame);
    const changes = listChanges(statedLists(sync, stream, data).stated, lists, {
      held,
      isSame,
      isResent,
      isStale,
      profile,
    });
    if (isSent || changes.size > 0) this.hasCalls = true;
    this.#state.notes.upserted.add(`${stream.name} ${key}`);
    if (held && !isSame) this.#state.notes.changed.add(`${stream.name} ${key}`);
    if (!isSent && changes.size > 0 && data.email !== undefined && profile.email !== data.email)
      throw new OpenCase('whether fields are sent along with list changes');
    for (const [column, to] of values) {
      const value = data[column];
      if (!isSent && (changes.size > 0 || isUnsure) && (profile.fields.get(to) ?? null) !== value)
        throw new OpenCase('whether fields are sent along with list changes or merged records');
      if (!isSent || !isSentNow(to, value)) continue;
      if (value === null) profile.fields.delete(to);
      else profile.fields.set(to, value);
    }
    if (known && !isSame) {
      this.#noteChange(known, data);
      releaseFormer(this.#state, sync, stream, known);
    }
    const others = this.#state.entries.filter((entry) => entry !== held && entry !== known);
    for (const [list, isOn] of changes) {
      const joined = `${stream.name} ${key} ${list}`;
      if (isOn && profile.lists.has(list)) this.#state.notes.joined.add(joined);
      if (!isOn && this.#state.notes.joined.has(joined) && profile.lists.has(list))
        throw new OpenCase('a list joined and left in one sync');
      if (isOn) profile.lists.add(list);
      else if (!this.#state.isNamed(list, others, person, profile)) profile.lists.delete(list);
    }
    const targets = new Map(
      [...(held?.targets ?? [])]
        .filter(([to]) => written.includes(to))
        .map(([to, isSure]) => [to, isSure && isSame]),
    );
    for (const [, to] of values) targets.set(to, true);
    const left = new Map([...(isSame ? (held?.left ?? []) : [])].filter(([to]) => written.includes(to)));
    for (const [column, to] of values) left.set(to, data[column]);
    const isMapped = (to: string) => to === 'email' || Object.values(mapped).includes(to);
    const sent = new Map([...(knownValues ?? [])].filter(([to]) => isMapped(to)));
    for (const [column, to] of values) sent.set(to, data[column]);
    if (!byEmail && data.email !== undefined) sent.set('email', data.email);
    const email = data.email ?? (isSame ? held?.email : undefined);
    this.#state.entries = [
      ...others,
      {
        stream: stream.name,
        key,
        fingerprint,
        lists,
        isOfSeveral,
        left,
        generation: isSent ? generation : known.generation,
        sent,
        targets,
        ...(email === undefined ? {} : { email }),
        ...(data.userId === undefined ? {} : { userId: data.userId }),
      },
    ];
    if (email !== undefined)
      this.#state.notes.written.set(email, stream.hasKey ? `${stream.name} ${key}` : stream.name);
    return 'settled';
  }

  #noteChange(known: Entry, data: Row['data']): void {
    const { features } = this.#state;
    features.push('a row becomes another user');
    const before = this.#formers.get(tokenOf(known)) ?? [];
    if (isAbout(personOf(data), ...before)) features.push('a row becomes a user that it was before');
    this.#formers.set(tokenOf(known), [...before, personOf(known)]);
  }

  /** The profile that the record writes to; undefined if one is to be created. */
  #targetOf(
    stream: StreamSetup,
    { email, userId, was }: Row['data'],
    held: Entry | undefined,
    sendsEmail: boolean,
  ): 'skipped' | 'rejected' | { profile: Profile | undefined; isMoved: boolean; former?: Entry | undefined } {
    const { identifyBy, projectType, hasPrevious } = this.#state.history;
    const at = (address: string | undefined) =>
      address === undefined ? undefined : this.profiles.find((profile) => profile.email === address);
    const column = hasPrevious ? was : undefined;
    // A user that Iterable did not know is looked up as if for the first time.
    const isStale = held?.fingerprint === '' || held?.isPending === true;
    const previous = isStale && held.email === email ? column : (held?.email ?? column);
    if (identifyBy === 'email') {
      const profile = at(email);
      if (profile) return { profile, isMoved: false };
      const old = previous === email ? undefined : at(previous);
      const former = stream.hasKey
        ? undefined
        : this.#state.entries.find(
            (entry) => !entry.isPending && entry.stream === stream.name && entry.key === previous,
          );
      if (old && !this.#state.isClaimed(stream, previous, held, former))
        return { profile: old, isMoved: true, former };
      return stream.isEnriched ? 'skipped' : { profile: undefined, isMoved: false };
    }
    const profile = this.profiles.find((each) => each.userId === userId);
    const owner = at(email);
    if (!profile && stream.isEnriched && projectType === 'email' && owner)
      throw new OpenCase('which of two reasons Iterable refuses an unknown user for');
    if (!profile && stream.isEnriched) return 'skipped';
    if (owner && owner !== profile && sendsEmail) {
      this.#state.notes.want(email ?? '');
      return 'rejected';
    }
    const wantsEmail = sendsEmail && email !== undefined && profile?.email !== email;
    if (projectType === 'email' && profile && wantsEmail) {
      const isKnown = previous === profile.email;
      if (held && held.userId !== userId) return 'rejected';
      if (!isKnown || this.#state.isClaimed(stream, previous, held, undefined)) return 'rejected';
    }
    return { profile, isMoved: false };
  }

  #removeMissing(sync: HistorySync, proven: readonly StreamSetup[]): void {
    const { cutOff } = sync;
    if (cutOff) {
      this.#state.features.push('removals are cut off');
      this.isFailed = true;
      this.hasCalls = true;
    }
    if (cutOff?.isDecided === false) {
      carryOutInPart(this.#state, sync, cutOff);
      return;
    }
    // Before the guard counts: who was decided on before does not count again.
    if (carryOut(this.#state, sync)) {
      this.hasCalls = true;
      this.#state.features.push('a later sync finishes removals');
    }
    const isAbsent = ({ stream, key }: { readonly stream: string; readonly key: string }) => {
      const open = this.#open.get(stream);
      const setup = proven.find(({ name, isEnriched }) => name === stream && !isEnriched);
      const hasRecord = sync.rows.some((row) => row.stream === stream);
      return setup !== undefined && open !== undefined && !open.isKeyless && hasRecord && !open.seen.has(key);
    };
    const rejected = this.#state.rejected;
    this.#state.rejected = rejected.filter((hold) => !isAbsent(hold));
    const absent = this.#state.entries.filter((entry) => !entry.isPending && isAbsent(entry));
    if (sync.maxRemovals < 100 && countRemovals(this.#state, absent) > 0) {
      this.isFailed = true;
      this.#state.features.push('the guard refuses removals');
      // The next snapshot decides anew.
      this.#state.rejected = rejected.map((hold) => (isAbsent(hold) ? { ...hold, isUnsure: true } : hold));
      return;
    }
    this.#state.entries = this.#state.entries.map((entry) =>
      absent.includes(entry) ? { ...entry, isPending: true } : entry,
    );
    if (cutOff) carryOutInPart(this.#state, sync, cutOff);
    else if (carryOut(this.#state, sync)) this.hasCalls = true;
  }
}

function isOfRow(
  { stream, data }: Row,
  { name, hasKey }: StreamSetup,
  key: string,
  byEmail: boolean,
): boolean {
  const own = hasKey ? data.id : byEmail ? data.email : data.userId;
  return stream === name && String(own) === key && data.deleted !== true;
}

/** Whether the profile still has the values that the row's records left. */
function isUnchanged(profile: Profile, { email, left }: Entry): boolean {
  return (
    (email === undefined || profile.email === email) &&
    [...left].every(([to, value]) => (profile.fields.get(to) ?? null) === (value ?? null))
  );
}

/** Whether the documentation defines the outcome of every record of the history. */
export function plays(history: History): boolean {
  const model = new HistoryModel(history);
  try {
    for (const sync of history.syncs) model.play(sync);
    return true;
  } catch (error) {
    if (error instanceof OpenCase) return false;
    throw error;
  }
}

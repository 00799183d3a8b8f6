/** The modelled contents of Iterable and the ledger during a history, as far as the documentation defines them. */
import type { History, Row, StreamSetup } from './history.ts';

/** The documentation leaves the outcome open. A history with such a case can't be used as a test. */
export class OpenCase extends Error {}

export interface Person {
  email?: string;
  userId?: string;
}
export interface Profile extends Person {
  readonly fields: Map<string, unknown>;
  readonly lists: Set<string>;
}

export interface Entry extends Person {
  readonly stream: string;
  readonly key: string;
  /** The values last sent, as text; empty if unknown, or if they have to be sent again. */
  readonly fingerprint: string;
  readonly lists: ReadonlyMap<string, boolean>;
  /** Written by several records of one sync, which may or may not have been merged. */
  readonly isOfSeveral: boolean;
  /** Target → the value that the row's records left. */
  readonly left: ReadonlyMap<string, unknown>;
  /** The generation of the stream in which the row was sent last. */
  readonly generation: number;
  /** Target → the value that Iterable was given last; undefined if the row is to be sent as a whole. */
  readonly sent: ReadonlyMap<string, unknown> | undefined;
  /** The targets that the row wrote; the value is false if it wrote them to another profile. */
  readonly targets: ReadonlyMap<string, boolean>;
  /** Of no row: what a row left behind that became another user, until a snapshot is verified. */
  readonly isFormer?: true;
  /** Its user is to be removed, and is not yet: it holds nobody. */
  readonly isPending?: true;
  /** As `isPending`, or no longer there: the run was cut off while it was carried out. */
  readonly isMaybeGone?: true;
}

/** The users that a row's rejected record names: it holds them until the next record of the row, or until the row is absent. */
export interface RejectedHold extends Person {
  readonly stream: string;
  readonly key: string;
  /** The documentation does not say whether it still holds. */
  readonly isUnsure: boolean;
}

/** What histories are about besides plain syncs; each has to occur. */
export const FEATURES = [
  'a user of several rows of one stream',
  'a user of rows of several streams',
  'a row becomes another user',
  'a row becomes a user that it was before',
  'a former user is left behind until a snapshot is verified',
  'rows are sent again since another row of their user was released',
  'a deletion without a key',
  'a deletion of a user whom another row holds',
  'an absent row of a user whom another row holds',
  'a rejected record holds a user',
  'a user is written whose deletion of an earlier sync takes long',
  'keys are rebuilt',
  'the guard refuses removals',
  'removals are cut off',
  'a later sync finishes removals',
] as const;
export type Feature = (typeof FEATURES)[number];

/** What the model has to remember of the sync's earlier records. Rows are identified by stream and key. */
export class Notes {
  /** Address → the row that wrote it last. */
  readonly written = new Map<string, string>();
  /** Addresses that a profile gave up although the row was not known to have them. */
  readonly freed = new Set<string>();
  /** Addresses that a record wanted to take. */
  readonly wanted = new Set<string>();
  /** Users whose record was refused, by stream. */
  readonly refused = new Set<string>();
  readonly upserted = new Set<string>();
  /** Rows that now name another user. */
  readonly changed = new Set<string>();
  /** Users whom a deletion record removed. */
  readonly removed: Person[] = [];
  /** Rows that a deletion record without a key was about. */
  readonly released = new Set<string>();
  /** Rows whose rejected records have kept a user. */
  readonly kept = new Set<string>();
  /** Lists that a row's user was to be added to although it was already a member. */
  readonly joined = new Set<string>();

  want(address: string): void {
    this.wanted.add(address);
    this.#checkOrder();
  }

  free(address: string): void {
    this.freed.add(address);
    this.#checkOrder();
  }

  /** The order of records of different users is not defined, so one may want an address before another gives it up. */
  #checkOrder(): void {
    if ([...this.wanted].some((each) => this.freed.has(each))) throw new OpenCase('the order of two users');
  }
}

export class HistoryState {
  readonly history: History;
  readonly profiles: Profile[];
  entries: Entry[] = [];
  rejected: RejectedHold[] = [];
  /** What has occurred, as often as it did. */
  readonly features: Feature[] = [];
  notes = new Notes();

  constructor(history: History) {
    this.history = history;
    this.profiles = history.known.map((person) => ({
      ...person,
      fields: new Map([['own', 'yes']]),
      lists: new Set(),
    }));
  }

  create({ email, userId }: Row['data']): Profile {
    const placeholder =
      this.history.projectType === 'email' ? `${userId ?? ''}@placeholder.email` : undefined;
    const address = email ?? placeholder;
    const profile: Profile = {
      ...(address === undefined ? {} : { email: address }),
      ...(userId === undefined ? {} : { userId }),
      fields: new Map(),
      lists: new Set(),
    };
    this.profiles.push(profile);
    return profile;
  }

  isClaimed(
    stream: StreamSetup,
    address: string | undefined,
    held: Entry | undefined,
    former: Entry | undefined,
  ): boolean {
    const rows = this.entries.filter(({ isPending, isFormer }) => !isPending && !isFormer);
    if (rows.some((entry) => entry !== held && entry !== former && entry.email === address)) return true;
    const writer = this.notes.written.get(address ?? '');
    const own = stream.hasKey ? `${stream.name} ${held?.key ?? ''}` : stream.name;
    if (writer !== undefined && writer !== own)
      throw new OpenCase('an address that another row wrote earlier in the sync');
    return false;
  }

  /** The entries that hold one of these users, besides those that are released. */
  holders(people: readonly Person[], released: readonly Entry[] = []): Entry[] {
    return this.entries.filter(
      (entry) => !entry.isPending && !released.includes(entry) && isAbout(entry, ...people),
    );
  }

  /** What holds one of these users: an entry, or only a rejected record. */
  whatHolds(people: readonly Person[], released: readonly Entry[] = []): 'entry' | 'rejected' | undefined {
    if (this.holders(people, released).length > 0) return 'entry';
    const holds = this.rejected.filter((hold) => isAbout(hold, ...people));
    for (const hold of holds) this.notes.kept.add(tokenOf(hold));
    if (holds.some(({ isUnsure }) => !isUnsure)) {
      this.features.push('a rejected record holds a user');
      return 'rejected';
    }
    if (holds.length > 0) throw new OpenCase('whether a rejected record still holds its user');
    return undefined;
  }

  /** Another hold on the user has ended: the rows that still hold it are sent again. */
  sendAgain(people: readonly Person[]): void {
    const rejected = this.rejected.filter((hold) => isAbout(hold, ...people)).map(tokenOf);
    const holders = this.holders(people);
    if (holders.length > 0)
      this.features.push('rows are sent again since another row of their user was released');
    this.entries = this.entries.map((entry) =>
      holders.includes(entry) || rejected.includes(tokenOf(entry)) ? { ...entry, fingerprint: '' } : entry,
    );
  }

  /** The user stays, but leaves the lists that only these entries named for it. */
  leaveLists(user: Person, released: readonly Entry[], people: readonly Person[] = [user]): void {
    const profile = this.find(user);
    const holders = this.holders(people, released);
    for (const list of released.flatMap(onLists))
      if (profile?.lists.has(list) === true && !holders.some(({ lists }) => lists.get(list) === true))
        profile.lists.delete(list);
  }

  /** The row had a record: what its earlier, rejected one named is no longer held. */
  endRejected({ stream, key }: { readonly stream: string; readonly key: string }): void {
    // A rejected record is settled at once, and overtakes records of other rows that wait.
    if (this.notes.kept.has(tokenOf({ stream, key })))
      throw new OpenCase('a record that may end a hold before it has kept the user');
    this.rejected = this.rejected.filter((hold) => hold.stream !== stream || hold.key !== key);
  }

  isNamed(list: string, entries: readonly Entry[], ...people: Person[]): boolean {
    const names = entries.filter(
      (entry) => !entry.isPending && entry.lists.get(list) === true && isAbout(entry, ...people),
    );
    if (names.length === 0 || this.history.identifyBy === 'email') return names.length > 0;
    if (!names.some(({ userId }) => people.some((person) => person.userId === userId)))
      throw new OpenCase('a list named only for an address that belonged to another user');
    return true;
  }

  find({ email, userId }: Person): Profile | undefined {
    const { identifyBy, projectType } = this.history;
    const byEmail = identifyBy === 'email' || (projectType === 'email' && email !== undefined);
    if ((byEmail ? email : userId) === undefined) return undefined;
    return this.profiles.find((profile) => (byEmail ? profile.email === email : profile.userId === userId));
  }
}

export function tokenOf({ stream, key }: { readonly stream: string; readonly key: string }): string {
  return `${stream} ${key}`;
}

export function personOf({ email, userId }: Person): Person {
  return { ...(email === undefined ? {} : { email }), ...(userId === undefined ? {} : { userId }) };
}

export function withoutPending({ isPending, ...entry }: Entry): Entry {
  return isPending === undefined ? entry : { ...entry };
}

export function onLists({ lists }: Entry): string[] {
  return [...lists].flatMap(([list, isOn]) => (isOn ? [list] : []));
}

/** Whether the entry has the address or user id of one of these users. */
export function isAbout(entry: Person, ...people: Person[]): boolean {
  return people.some(
    ({ email, userId }) =>
      (entry.email !== undefined && entry.email === email) ||
      (entry.userId !== undefined && entry.userId === userId),
  );
}

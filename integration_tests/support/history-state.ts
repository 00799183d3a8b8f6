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
  /** The values last sent, as text; empty if unknown. */
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
}

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
    const others = this.entries.filter((entry) => entry !== held && entry !== former);
    if (others.some((entry) => entry.email === address)) return true;
    const writer = this.notes.written.get(address ?? '');
    const own = stream.hasKey ? `${stream.name} ${held?.key ?? ''}` : stream.name;
    if (writer !== undefined && writer !== own)
      throw new OpenCase('an address that another row wrote earlier in the sync');
    return false;
  }

  /** The user of a dropped entry stays, but is removed from the lists that no other entry names. */
  leaveOwn(entry: Entry): void {
    const profile = this.find(entry);
    for (const list of onLists(entry)) {
      if (profile?.lists.has(list) === true && !this.isNamed(list, this.entries, entry))
        profile.lists.delete(list);
    }
  }

  isNamed(list: string, entries: readonly Entry[], ...people: Person[]): boolean {
    const names = entries.filter((entry) => entry.lists.get(list) === true && isAbout(entry, ...people));
    if (names.length === 0 || this.history.identifyBy === 'email') return names.length > 0;
    if (!names.some(({ userId }) => people.some((person) => person.userId === userId)))
      throw new OpenCase('a list named only for an address that belonged to another user');
    return true;
  }

  find({ email, userId }: Person): Profile | undefined {
    const { identifyBy, projectType } = this.history;
    const byEmail = identifyBy === 'email' || (projectType === 'email' && email !== undefined);
    return this.profiles.find((profile) => (byEmail ? profile.email === email : profile.userId === userId));
  }
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

/** What Iterable and the ledger hold in the course of a history, as far as the contract says so. */
import type { History, Row, StreamSetup } from './history.ts';

/** The contract leaves open what becomes of the case: a history that has one proves nothing. */
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
  readonly told: string;
  readonly lists: ReadonlyMap<string, boolean>;
  /** Several records of one sync, of which nobody promises whether they were sent together. */
  readonly isOfSeveral: boolean;
  /** What the row's records have made of its targets. */
  readonly left: ReadonlyMap<string, unknown>;
  /** Targets that the row wrote; false for those that it wrote to another profile. */
  readonly targets: ReadonlyMap<string, boolean>;
}

/** What has to be known of the sync's earlier records; rows are named by stream and key. */
export class Notes {
  /** Address → the row that wrote it last. */
  readonly written = new Map<string, string>();
  /** Addresses that a profile left by a row of which nobody could know that it had them. */
  readonly freed = new Set<string>();
  readonly wanted = new Set<string>();
  /** Whose record was refused, by stream. */
  readonly refused = new Set<string>();
  readonly upserted = new Set<string>();
  /** Rows that are another person now. */
  readonly changed = new Set<string>();
  /** Lists that a row was to be put on, and whose member its person was already. */
  readonly joined = new Set<string>();

  want(address: string): void {
    this.wanted.add(address);
    this.#checkOrder();
  }

  free(address: string): void {
    this.freed.add(address);
    this.#checkOrder();
  }

  /** Of records that say of different people who they are, nobody promises the order. */
  #checkOrder(): void {
    if ([...this.wanted].some((each) => this.freed.has(each))) throw new OpenCase('the order of two people');
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
    if (writer !== undefined && writer !== own) throw new OpenCase('a claim of a row that went on');
    return false;
  }

  /** The person of an entry that is gone stays, and leaves the lists that nobody else names. */
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
      throw new OpenCase('named for an address that was somebody else’s');
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

/** Whether the entry holds the person: its address or its id. */
export function isAbout(entry: Person, ...people: Person[]): boolean {
  return people.some(
    ({ email, userId }) =>
      (entry.email !== undefined && entry.email === email) ||
      (entry.userId !== undefined && entry.userId === userId),
  );
}

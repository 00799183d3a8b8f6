/** Stores the stand-in's users by the rules of the three project types. */
import { Fields } from './fields.ts';
import { identityFailure, notFound, type Identity, type WriteFailure } from './identities.ts';
import type { UnfinishedDeletions } from './unfinished-deletions.ts';
import { isObject, toPlain, withoutNulls, type Value } from './values.ts';

export type ProjectType = 'hybrid' | 'email' | 'user_id';

interface StoredUser {
  /** Does not change when the address or the user id changes. */
  readonly profile: number;
  readonly lists: Set<number>;
  email?: string;
  userId?: string;
  dataFields: { [field: string]: Value };
}

export interface PlainUser {
  readonly email?: string;
  readonly userId?: string;
  readonly dataFields: Record<string, unknown>;
}

/** One user of a bulk or single-user request, with checked properties. */
export interface UserWrite extends Identity {
  readonly dataFields: { [field: string]: Value };
  readonly preferUserId: boolean;
  readonly mergeNestedObjects: boolean;
}

/** The settings of a project, including behaviour that Iterable does not document. */
export interface StoreOptions {
  readonly projectType?: ProjectType;
  /** The types of existing fields. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Hybrid projects: the effect of a new address in dataFields for a user that is identified by the old one. */
  readonly emailMoveByEmail?: 'moves' | 'conflicts';
}

export class Store {
  readonly projectType: ProjectType;
  readonly fields: Fields;
  readonly forgotten = new Set<string>();
  readonly #movesByEmail: boolean;
  readonly #deletions: Pick<UnfinishedDeletions, 'has'>;
  readonly #users = new Map<number, StoredUser>();
  readonly #byEmail = new Map<string, StoredUser>();
  readonly #byUserId = new Map<string, Set<StoredUser>>();

  #profiles = 0;

  /** @param deletions unfinished deletions: no other user can have the identities of these profiles */
  constructor(
    { projectType = 'hybrid', fields = {}, emailMoveByEmail = 'moves' }: StoreOptions,
    deletions: Pick<UnfinishedDeletions, 'has'>,
  ) {
    this.#deletions = deletions;
    this.projectType = projectType;
    this.fields = new Fields(fields);
    this.#movesByEmail = projectType !== 'hybrid' || emailMoveByEmail === 'moves';
  }

  get size(): number {
    return this.#users.size;
  }

  users(): PlainUser[] {
    return [...this.each()];
  }

  /** Iterates over the users in the order of their creation. */
  *each(): Generator<PlainUser> {
    for (const user of this.#users.values()) yield plain(user);
  }

  userByEmail(email: string): PlainUser | undefined {
    const user = this.#byEmail.get(email.toLowerCase());
    return user && plain(user);
  }

  usersByUserId(userId: string): PlainUser[] {
    return [...(this.#byUserId.get(userId) ?? [])].map(plain);
  }

  userByUserId(userId: string): PlainUser | undefined {
    return this.usersByUserId(userId)[0];
  }

  /** The profiles with this identity, as look-ups show them: including their lists. */
  shown({ email, userId }: Identity): PlainUser[] {
    const users =
      email === undefined
        ? [...(this.#byUserId.get(userId ?? '') ?? [])]
        : [this.#byEmail.get(email.toLowerCase())].filter((user) => user !== undefined);
    const field = this.projectType === 'email' ? 'emailListIds' : 'userListIds';
    return users.map((user) => {
      const { dataFields, ...identity } = plain(user);
      const lists = user.lists.size === 0 ? {} : { [field]: sorted(user.lists) };
      return { ...identity, dataFields: { ...dataFields, ...lists } };
    });
  }

  /** The number of the profile with this identity, which stays the same when the address or the user id changes. */
  profileOf(identity: Identity): number | undefined {
    return this.#find(identity)?.profile;
  }

  /** The ids of the lists that a user is on. */
  listsOf(identity: Identity): number[] {
    return sorted(this.#find(identity)?.lists ?? []);
  }

  *membersOf(listId: number): Generator<Identity> {
    for (const { lists, email, userId } of this.#users.values()) {
      if (!lists.has(listId)) continue;
      yield { ...(email === undefined ? {} : { email }), ...(userId === undefined ? {} : { userId }) };
    }
  }

  join(profile: number, listId: number): void {
    this.#users.get(profile)?.lists.add(listId);
  }

  /** Removes a user from a list; returns a failure if the user is not on it. */
  leave(identity: Identity, listId: number): WriteFailure | undefined {
    const failure = identityFailure(identity, {}, this.forgotten);
    if (failure) return failure;
    return this.#find(identity)?.lists.delete(listId) === true ? undefined : notFound(identity);
  }

  /** Changes the address of a profile. */
  changeEmail(profile: number, email: string): void {
    const user = this.#users.get(profile);
    if (user) this.#setEmail(user, email.toLowerCase());
  }

  deleteByEmail(email: string): void {
    const user = this.#byEmail.get(email.toLowerCase());
    if (user) this.#remove(user);
  }

  deleteByUserId(userId: string): boolean {
    const owners = [...(this.#byUserId.get(userId) ?? [])];
    for (const user of owners) this.#remove(user);
    return owners.length > 0;
  }

  /**
   * Applies one user of a request; returns its profile, or the failure. With `onlyExisting`, an unknown user fails if the
   * project type honours that option. The caller has checked the types.
   */
  write(write: UserWrite, onlyExisting = false): { profile: number } | { failure: WriteFailure } {
    const failure = identityFailure(write, write.dataFields, this.forgotten);
    if (failure) return { failure };
    const existing = this.#find(write);
    const isRefused =
      this.projectType === 'email' ? write.email === undefined && !write.preferUserId : onlyExisting;
    if (!existing && isRefused) return { failure: notFound(write) };
    const conflict = this.#conflict(write, existing);
    if (conflict) return { failure: conflict };
    const user = existing ?? this.#create(write);
    this.#apply(user, write);
    return { profile: user.profile };
  }

  #find({ email, userId }: Identity): StoredUser | undefined {
    if (email !== undefined) return this.#byEmail.get(email.toLowerCase());
    return [...(this.#byUserId.get(userId ?? '') ?? [])][0];
  }

  #conflict(
    { email: namedBy, dataFields }: UserWrite,
    existing: StoredUser | undefined,
  ): WriteFailure | undefined {
    const { email, userId } = dataFields;
    if (typeof email === 'string') {
      const owner = this.#byEmail.get(email.toLowerCase());
      const isTaken = owner ? owner !== existing : this.#deletions.has({ email });
      if (isTaken) return { list: 'conflictEmails', value: email.toLowerCase() };
      // Email-based projects change an address only by users/updateEmail. The other types accept a change by user id, and
      // one by the old address only if the option allows it.
      if (
        (this.projectType === 'email' || (namedBy !== undefined && !this.#movesByEmail)) &&
        existing?.email !== undefined &&
        existing.email !== email.toLowerCase()
      ) {
        return { list: 'conflictEmails', value: existing.email };
      }
    }
    if (typeof userId === 'string' && this.projectType !== 'email') {
      const owner = [...(this.#byUserId.get(userId) ?? [])][0];
      const isTaken = owner ? owner !== existing : this.#deletions.has({ userId });
      if (isTaken) return { list: 'conflictUserIds', value: userId };
    }
    return undefined;
  }

  #create({ email, userId }: UserWrite): StoredUser {
    const user: StoredUser = { profile: ++this.#profiles, lists: new Set(), dataFields: {} };
    this.#users.set(user.profile, user);
    if (email !== undefined) this.#setEmail(user, email.toLowerCase());
    if (userId !== undefined) this.#setUserId(user, userId);
    if (this.projectType === 'email' && email === undefined)
      this.#setEmail(user, `${userId ?? ''}@placeholder.email`.toLowerCase());
    return user;
  }

  #apply(user: StoredUser, { dataFields, mergeNestedObjects }: UserWrite): void {
    for (const [field, value] of Object.entries(dataFields)) {
      if (field === 'email') {
        if (typeof value === 'string') this.#setEmail(user, value.toLowerCase());
        else this.#setEmail(user, undefined);
      } else if (field === 'userId') {
        this.#setUserId(user, typeof value === 'string' ? value : undefined);
      } else if (value === null) {
        Reflect.deleteProperty(user.dataFields, field);
      } else {
        const stored = this.fields.stored(value, field);
        const old = user.dataFields[field];
        const merged =
          mergeNestedObjects && isObject(stored) && isObject(old) ? { ...old, ...stored } : stored;
        Object.defineProperty(user.dataFields, field, {
          value: withoutNulls(merged),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
    }
  }

  #setEmail(user: StoredUser, email: string | undefined): void {
    if (user.email !== undefined) this.#byEmail.delete(user.email);
    if (email === undefined) delete user.email;
    else {
      user.email = email;
      this.#byEmail.set(email, user);
    }
  }

  #setUserId(user: StoredUser, userId: string | undefined): void {
    if (user.userId !== undefined) this.#byUserId.get(user.userId)?.delete(user);
    if (userId === undefined) delete user.userId;
    else {
      user.userId = userId;
      const owners = this.#byUserId.get(userId) ?? new Set();
      this.#byUserId.set(userId, owners.add(user));
    }
  }

  #remove(user: StoredUser): void {
    this.#users.delete(user.profile);
    if (user.email !== undefined) this.#byEmail.delete(user.email);
    if (user.userId !== undefined) this.#byUserId.get(user.userId)?.delete(user);
  }
}

function plain({ email, userId, dataFields }: StoredUser): PlainUser {
  return {
    ...(email === undefined ? {} : { email }),
    ...(userId === undefined ? {} : { userId }),
    dataFields: toPlain(dataFields) as Record<string, unknown>,
  };
}

function sorted(ids: Iterable<number>): number[] {
  return [...ids].sort((a, b) => a - b);
}

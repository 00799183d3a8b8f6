/** The stand-in's users, by the rules of the three project types. */
import { Fields } from './fields.ts';
import { isObject, toPlain, type Value } from './values.ts';

export type ProjectType = 'hybrid' | 'email' | 'user_id';

interface StoredUser {
  email?: string;
  userId?: string;
  dataFields: { [field: string]: Value };
}

export interface PlainUser {
  readonly email?: string;
  readonly userId?: string;
  readonly dataFields: Record<string, unknown>;
}

/** One user of a bulk or single request, its outer shape already checked. */
export interface UserWrite {
  readonly email?: string;
  readonly userId?: string;
  readonly dataFields: { [field: string]: Value };
  readonly preferUserId: boolean;
  readonly mergeNestedObjects: boolean;
}

export type FailureList =
  | 'invalidEmails'
  | 'invalidUserIds'
  | 'notFoundEmails'
  | 'notFoundUserIds'
  | 'invalidDataEmails'
  | 'invalidDataUserIds'
  | 'conflictEmails'
  | 'conflictUserIds'
  | 'forgottenEmails'
  | 'forgottenUserIds';

export interface WriteFailure {
  readonly list: FailureList;
  readonly value: string;
}

export class Store {
  readonly projectType: ProjectType;
  readonly fields: Fields;
  readonly forgotten = new Set<string>();
  readonly #users = new Set<StoredUser>();
  readonly #byEmail = new Map<string, StoredUser>();
  readonly #byUserId = new Map<string, Set<StoredUser>>();

  constructor(projectType: ProjectType, initialFields: Readonly<Record<string, string>>) {
    this.projectType = projectType;
    this.fields = new Fields(initialFields);
  }

  get size(): number {
    return this.#users.size;
  }

  users(): PlainUser[] {
    return [...this.#users].map(plain);
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

  deleteByEmail(email: string): void {
    const user = this.#byEmail.get(email.toLowerCase());
    if (user) this.#remove(user);
  }

  deleteByUserId(userId: string): boolean {
    const owners = [...(this.#byUserId.get(userId) ?? [])];
    for (const user of owners) this.#remove(user);
    return owners.length > 0;
  }

  /** Applies one user of a request; gives the list that names it when it fails. Types are checked by the caller. */
  write(write: UserWrite): WriteFailure | undefined {
    const failure = this.#identityFailure(write);
    if (failure) return failure;
    const existing = this.#find(write);
    if (!existing && this.projectType === 'email' && write.email === undefined && !write.preferUserId) {
      return { list: 'notFoundUserIds', value: write.userId ?? '' };
    }
    const conflict = this.#conflict(write, existing);
    if (conflict) return conflict;
    const user = existing ?? this.#create(write);
    this.#apply(user, write);
    return undefined;
  }

  #identityFailure({ email, userId, dataFields }: UserWrite): WriteFailure | undefined {
    const emails = [email, dataFields.email].filter((value) => value !== undefined && value !== null);
    const userIds = [userId, dataFields.userId].filter((value) => value !== undefined && value !== null);
    for (const value of emails) {
      if (typeof value !== 'string' || !isEmail(value))
        return {
          list: 'invalidEmails',
          value: JSON.stringify(toPlain(value)).replaceAll('"', '').toLowerCase(),
        };
      if (this.forgotten.has(value.toLowerCase()))
        return { list: 'forgottenEmails', value: value.toLowerCase() };
    }
    for (const value of userIds) {
      if (typeof value !== 'string' || !isUserId(value))
        return { list: 'invalidUserIds', value: JSON.stringify(toPlain(value)).replaceAll('"', '') };
      if (this.forgotten.has(value)) return { list: 'forgottenUserIds', value };
    }
    return undefined;
  }

  #find({ email, userId }: UserWrite): StoredUser | undefined {
    if (email !== undefined) return this.#byEmail.get(email.toLowerCase());
    return [...(this.#byUserId.get(userId ?? '') ?? [])][0];
  }

  #conflict({ dataFields }: UserWrite, existing: StoredUser | undefined): WriteFailure | undefined {
    const { email, userId } = dataFields;
    if (typeof email === 'string') {
      const owner = this.#byEmail.get(email.toLowerCase());
      if (owner && owner !== existing) return { list: 'conflictEmails', value: email.toLowerCase() };
      // Email-based projects change an address by users/updateEmail only.
      if (
        this.projectType === 'email' &&
        existing?.email !== undefined &&
        existing.email !== email.toLowerCase()
      ) {
        return { list: 'conflictEmails', value: existing.email };
      }
    }
    if (typeof userId === 'string' && this.projectType !== 'email') {
      const owner = [...(this.#byUserId.get(userId) ?? [])][0];
      if (owner && owner !== existing) return { list: 'conflictUserIds', value: userId };
    }
    return undefined;
  }

  #create({ email, userId }: UserWrite): StoredUser {
    const user: StoredUser = { dataFields: {} };
    this.#users.add(user);
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
    this.#users.delete(user);
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

function withoutNulls(value: Value): Value {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== null)
      .map(([key, child]) => [key, withoutNulls(child)]),
  );
}

function isEmail(text: string): boolean {
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text);
}

/** At most 52 printable ASCII characters, not ending in a blank. */
function isUserId(text: string): boolean {
  return /^[ -~]{1,52}$/.test(text) && !text.endsWith(' ');
}

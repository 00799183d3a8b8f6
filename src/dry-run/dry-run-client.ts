/**
 * Iterable as a plan meets it: what reads is asked for real, what writes is answered here as if it had been done, and reads
 * then show that. The HTTP underneath refuses everything that is no GET, so a call forgotten here fails instead of writing.
 */
import { keysOf } from '../delivery/deletions.ts';
import { IdentityTable } from '../delivery/identity-table.ts';
import { IterableClient, type Operation, type UserCollector, type UserIdentity } from '../iterable/client.ts';
import { ENDPOINTS, type Endpoint } from '../iterable/endpoints.ts';
import { IterableHttp, type Call } from '../iterable/http.ts';
import type { BulkAnswer, IterableUser } from '../iterable/schemas.ts';
import { identityText, type UserKey } from '../model.ts';
import type { NewFields } from './new-fields.ts';

/** The profile has another address now. */
const GONE = 0;
const THERE = 1;
/** The profile was deleted, and all else that it was known by went with it. */
const DELETED = 2;
type State = typeof GONE | typeof THERE | typeof DELETED;

export class DryRunClient extends IterableClient {
  readonly #fields: NewFields;
  readonly #findExisting: ((keys: readonly UserKey[]) => Promise<Set<string>>) | undefined;
  readonly #refusesStrangers: boolean;
  readonly #createdLists: string[] = [];
  /** What the calls that were only simulated have made of people. */
  readonly #people = new IdentityTable();
  /** What look-ups have shown. */
  readonly #seen = new IdentityTable();

  /**
   * @param findExisting of these people those whom Iterable knows; asked by the plan alone, where a sync learns it from the answer
   * @param refusesStrangers Iterable refuses to create people by user id
   */
  constructor(
    http: ReadingHttp,
    fields: NewFields,
    findExisting?: (keys: readonly UserKey[]) => Promise<Set<string>>,
    refusesStrangers = false,
  ) {
    super(http);
    this.#refusesStrangers = refusesStrangers;
    this.#fields = fields;
    this.#findExisting = findExisting;
  }

  /** Names of the lists that would be created, in order. */
  get createdLists(): readonly string[] {
    return this.#createdLists;
  }

  /** Under an id that no list has. */
  override createList(name: string): Operation<number> {
    return simulated(ENDPOINTS.createList, () => -this.#createdLists.push(name));
  }

  override subscribe(body: Buffer): Operation<BulkAnswer> {
    return simulated(ENDPOINTS.subscribe, () => allDoneBut([], (parse(body) as ListBody).subscribers.length));
  }

  override unsubscribe(body: Buffer): Operation<BulkAnswer> {
    return simulated(ENDPOINTS.unsubscribe, () =>
      allDoneBut([], (parse(body) as ListBody).subscribers.length),
    );
  }

  override bulkUpdate(body: Buffer): Operation<BulkAnswer> {
    return simulated(ENDPOINTS.bulkUpdate, async () => {
      const { users } = parse(body) as { users: WrittenUser[] };
      const strangers = await this.#strangersAmong(users);
      for (const user of users) if (!strangers.has(user.userId)) this.#write(user);
      return allDoneBut(
        [...strangers].filter((userId) => userId !== undefined),
        users.length,
      );
    });
  }

  override update(body: string): Operation<undefined> {
    return simulated(ENDPOINTS.update, () => {
      this.#write(parse(body) as WrittenUser);
      return undefined;
    });
  }

  override updateEmail(currentEmail: string, newEmail: string): Operation<'changed' | 'unknown' | 'taken'> {
    return simulated(ENDPOINTS.updateEmail, () => {
      this.#note({ kind: 'email', value: currentEmail }, GONE);
      this.#note({ kind: 'email', value: newEmail }, THERE);
      return 'changed' as const;
    });
  }

  override deleteByEmail(email: string): Operation<'deleted' | 'unknown'> {
    return simulated(ENDPOINTS.deleteByEmail, () => {
      this.#note({ kind: 'email', value: email }, DELETED);
      return 'deleted' as const;
    });
  }

  /** Iterable's answer says whether it has the id. */
  override deleteByUserId(userId: string): Operation<'deleted' | 'unknown'> {
    const key = { kind: 'userId', value: userId } as const;
    return simulated(ENDPOINTS.deleteByUserId, async () => {
      const isThere = await this.#isThere(key);
      this.#note(key, DELETED);
      return isThere ? 'deleted' : 'unknown';
    });
  }

  override getByEmail(email: string): Operation<IterableUser | undefined> {
    return this.#lookUp({ kind: 'email', value: email }, super.getByEmail(email));
  }

  override getByUserId(userId: string): Operation<IterableUser | undefined> {
    return this.#lookUp({ kind: 'userId', value: userId }, super.getByUserId(userId));
  }

  /** Without those who would be gone by now. */
  override exportUsers<T>(
    identities: readonly UserIdentity[],
    collector: () => UserCollector<T>,
  ): Operation<T> {
    return super.exportUsers(identities, () => {
      const { add, done } = collector();
      return {
        done,
        add: (user) => {
          const states = this.#statesOf(user);
          if (!states.includes(GONE) && !states.includes(DELETED)) add(user);
        },
      };
    });
  }

  async #strangersAmong(users: readonly WrittenUser[]): Promise<Set<string | undefined>> {
    const asked = users.flatMap(({ userId, preferUserId }) =>
      this.#refusesStrangers && userId !== undefined && preferUserId !== true
        ? [{ kind: 'userId', value: userId } as const]
        : [],
    );
    const existing = asked.length === 0 ? undefined : await this.#findExisting?.(asked);
    return new Set(
      asked.filter((key) => existing?.has(identityText(key)) !== true).map(({ value }) => value),
    );
  }

  #lookUp(key: UserKey, real: Operation<IterableUser | undefined>): Operation<IterableUser | undefined> {
    return {
      endpoint: real.endpoint,
      attempt: async (signal) => {
        const simulated = this.#people.get(identityText(key));
        if (simulated === GONE || simulated === DELETED) return undefined;
        // The profile as it is holds what the dry run does not keep: its other identity.
        const found = await real.attempt(signal);
        const user = found && this.#statesOf(found).includes(DELETED) ? undefined : found;
        this.#seen.set(identityText(key), user ? THERE : GONE);
        return user ?? (simulated === THERE ? { [key.kind]: key.value } : undefined);
      },
    };
  }

  #write({ email, userId, dataFields }: WrittenUser): void {
    this.#fields.note(dataFields);
    if (email !== undefined) this.#note({ kind: 'email', value: email }, THERE);
    if (userId !== undefined) this.#note({ kind: 'userId', value: userId }, THERE);
    const { email: newEmail, userId: newUserId } = dataFields;
    if (typeof newUserId === 'string') this.#note({ kind: 'userId', value: newUserId }, THERE);
    if (typeof newEmail !== 'string') return;
    if (email !== undefined && email !== newEmail) this.#note({ kind: 'email', value: email }, GONE);
    this.#note({ kind: 'email', value: newEmail }, THERE);
  }

  async #isThere(key: UserKey): Promise<boolean> {
    const identity = identityText(key);
    const known = this.#people.get(identity) ?? this.#seen.get(identity);
    if (known !== undefined) return known === THERE;
    return (await this.#findExisting?.([key]))?.has(identity) ?? true;
  }

  #note(key: UserKey, state: State): void {
    this.#people.set(identityText(key), state);
  }

  /** What the dry run has made of what a user is known by. */
  #statesOf(user: Pick<IterableUser, 'email' | 'userId'>): (number | undefined)[] {
    return keysOf(user).map((key) => this.#people.get(identityText(key)));
  }
}

/** Sends nothing but GET. */
export class ReadingHttp extends IterableHttp {
  override send(call: Call, stop?: AbortSignal): Promise<unknown> {
    if (call.endpoint.method !== 'GET') return Promise.reject(new Error('A plan only reads'));
    return super.send(call, stop);
  }
}

interface WrittenUser {
  readonly email?: string;
  readonly userId?: string;
  readonly preferUserId?: boolean;
  readonly dataFields: Readonly<Record<string, unknown>>;
}

interface ListBody {
  readonly subscribers: readonly unknown[];
}

/** The connector's own text. */
function parse(body: string | Buffer): unknown {
  return JSON.parse(body.toString()) as unknown;
}

/** Nobody can tell whom else Iterable would refuse. */
function allDoneBut(strangers: string[], users: number): BulkAnswer {
  const nobody: string[] = [];
  return {
    successCount: users - strangers.length,
    failCount: strangers.length,
    createdFields: nobody,
    filteredOutFields: nobody,
    invalidEmails: nobody,
    invalidUserIds: nobody,
    failedUpdates: {
      invalidEmails: nobody,
      invalidUserIds: nobody,
      notFoundEmails: nobody,
      notFoundUserIds: strangers,
      invalidDataEmails: nobody,
      invalidDataUserIds: nobody,
      conflictEmails: nobody,
      conflictUserIds: nobody,
      forgottenEmails: nobody,
      forgottenUserIds: nobody,
    },
  };
}

function simulated<T>(endpoint: Endpoint, answer: () => T | Promise<T>): Operation<T> {
  return { endpoint, attempt: async () => answer() };
}

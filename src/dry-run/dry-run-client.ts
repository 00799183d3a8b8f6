/**
 * The Iterable client of a dry run. Calls that read are really made; calls that write are only simulated, and later reads
 * reflect them. The HTTP layer underneath refuses everything but GET, so a call that is not overridden here fails instead of
 * writing.
 */
import { keysOf } from '../delivery/deletions.ts';
import { IdentityTable } from '../delivery/identity-table.ts';
import { IterableClient, type Operation, type UserCollector, type UserIdentity } from '../iterable/client.ts';
import { ENDPOINTS, type Endpoint } from '../iterable/endpoints.ts';
import { IterableHttp, type Call } from '../iterable/http.ts';
import type { BulkAnswer, IterableUser } from '../iterable/schemas.ts';
import { identityText, type UserKey } from '../model.ts';
import type { PlannedCalls } from './calls.ts';
import type { NewFields } from './new-fields.ts';

/** No profile has this address, because its profile got another one. */
const GONE = 0;
const THERE = 1;
/** The profile was deleted, with all its identities. */
const DELETED = 2;
type State = typeof GONE | typeof THERE | typeof DELETED;

export class DryRunClient extends IterableClient {
  readonly #fields: NewFields;
  readonly #calls: Pick<PlannedCalls, 'countListUsers'>;
  readonly #findExisting: ((keys: readonly UserKey[]) => Promise<Set<string>>) | undefined;
  readonly #refusesUnknownIds: boolean;
  readonly #createdLists: string[] = [];
  /** Identity → its state after the simulated calls. */
  readonly #simulated = new IdentityTable();
  /** Identity → its state according to look-ups. */
  readonly #seen = new IdentityTable();

  /**
   * @param findExisting returns those of the identities that exist in Iterable; needed only by a dry run, as a sync learns it from
   * the answer to a write
   * @param refusesUnknownIds Iterable refuses to create users by user id
   */
  constructor(
    http: ReadingHttp,
    fields: NewFields,
    calls: Pick<PlannedCalls, 'countListUsers'>,
    findExisting?: (keys: readonly UserKey[]) => Promise<Set<string>>,
    refusesUnknownIds = false,
  ) {
    super(http);
    this.#refusesUnknownIds = refusesUnknownIds;
    this.#fields = fields;
    this.#calls = calls;
    this.#findExisting = findExisting;
  }

  /** The names of the lists that would be created, in order. */
  get createdLists(): readonly string[] {
    return this.#createdLists;
  }

  /** Answers with a negative id, which no list has. */
  override createList(name: string): Operation<number> {
    return simulated(ENDPOINTS.createList, () => -this.#createdLists.push(name));
  }

  override subscribe(body: Buffer): Operation<BulkAnswer> {
    return this.#changeList(ENDPOINTS.subscribe, body);
  }

  override unsubscribe(body: Buffer): Operation<BulkAnswer> {
    return this.#changeList(ENDPOINTS.unsubscribe, body);
  }

  override bulkUpdate(body: Buffer): Operation<BulkAnswer> {
    return simulated(ENDPOINTS.bulkUpdate, async () => {
      const { users } = parse(body) as { users: WrittenUser[] };
      const unknownIds = await this.#unknownIdsAmong(users);
      for (const user of users) if (!unknownIds.has(user.userId)) this.#write(user);
      return allDoneBut(
        [...unknownIds].filter((userId) => userId !== undefined),
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

  /** Like Iterable, answers whether the id existed. */
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

  /** Leaves out users that the simulated calls have deleted or moved to another address. */
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

  #changeList(endpoint: Endpoint, body: Buffer): Operation<BulkAnswer> {
    return simulated(endpoint, () => {
      const { listId, subscribers } = parse(body) as ListBody;
      this.#calls.countListUsers(endpoint, listId, subscribers.length);
      return allDoneBut([], subscribers.length);
    });
  }

  async #unknownIdsAmong(users: readonly WrittenUser[]): Promise<Set<string | undefined>> {
    const asked = users.flatMap(({ userId, preferUserId }) =>
      this.#refusesUnknownIds && userId !== undefined && preferUserId !== true
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
        const simulated = this.#simulated.get(identityText(key));
        if (simulated === GONE || simulated === DELETED) return undefined;
        // The real profile is needed for its other identity, which the dry run does not store.
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
    const known = this.#simulated.get(identity) ?? this.#seen.get(identity);
    if (known !== undefined) return known === THERE;
    return (await this.#findExisting?.([key]))?.has(identity) ?? true;
  }

  #note(key: UserKey, state: State): void {
    this.#simulated.set(identityText(key), state);
  }

  /** The states of a user's identities after the simulated calls. */
  #statesOf(user: Pick<IterableUser, 'email' | 'userId'>): (number | undefined)[] {
    return keysOf(user).map((key) => this.#simulated.get(identityText(key)));
  }
}

/** Refuses every request but GET. */
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
  readonly listId: number;
  readonly subscribers: readonly unknown[];
}

/** Parses a body that the connector itself has built. */
function parse(body: string | Buffer): unknown {
  return JSON.parse(body.toString()) as unknown;
}

/** The answer of a bulk call that refuses only unknown ids; a dry run can't know which other users Iterable would refuse. */
function allDoneBut(unknownIds: string[], users: number): BulkAnswer {
  const none: string[] = [];
  return {
    successCount: users - unknownIds.length,
    failCount: unknownIds.length,
    createdFields: none,
    filteredOutFields: none,
    invalidEmails: none,
    invalidUserIds: none,
    failedUpdates: {
      invalidEmails: none,
      invalidUserIds: none,
      notFoundEmails: none,
      notFoundUserIds: unknownIds,
      invalidDataEmails: none,
      invalidDataUserIds: none,
      conflictEmails: none,
      conflictUserIds: none,
      forgottenEmails: none,
      forgottenUserIds: none,
    },
  };
}

function simulated<T>(endpoint: Endpoint, answer: () => T | Promise<T>): Operation<T> {
  return { endpoint, attempt: async () => answer() };
}

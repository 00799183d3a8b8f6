/** Iterable's API as functions, named as the API names them. One call is one attempt; knows nothing of Airbyte, batches or retries. */
import type * as z from 'zod';
import { jsonOrUndefined } from '../json.ts';
import { ENDPOINTS, type Endpoint } from './endpoints.ts';
import { ApiError, isImpossibleUser, isUnknownUser } from './errors.ts';
import { fitsUrl, pathSegment, type Call, type IterableHttp } from './http.ts';
import {
  bulkAnswerSchema,
  createdListSchema,
  exportedUserSchema,
  fieldsAnswerSchema,
  listsAnswerSchema,
  plainAnswerSchema,
  userAnswerSchema,
  type BulkAnswer,
  type ExportedUser,
  type IterableList,
  type IterableUser,
} from './schemas.ts';

/** A call that can be tried, and tried again: what it is for the rate limit, and how to make one attempt. */
export interface Operation<T> {
  readonly endpoint: Endpoint;
  attempt(signal?: AbortSignal): Promise<T>;
}

export type UserIdentity = 'email' | 'userId';

/** Takes the users of an export one by one. */
export interface UserCollector<T> {
  readonly add: (user: ExportedUser) => void;
  readonly done: () => T;
}

export class IterableClient {
  readonly #http: IterableHttp;

  constructor(http: IterableHttp) {
    this.#http = http;
  }

  /** User fields of the project and their types, nested ones dotted. */
  getFields(): Operation<ReadonlyMap<string, string>> {
    const call: Call = { endpoint: ENDPOINTS.getFields, path: '/api/users/getFields' };
    return this.#operation(call, fieldsAnswerSchema, ({ fields }) => new Map(Object.entries(fields)));
  }

  getLists(): Operation<readonly IterableList[]> {
    return this.#operation(
      { endpoint: ENDPOINTS.getLists, path: '/api/lists' },
      listsAnswerSchema,
      ({ lists }) => lists,
    );
  }

  /** Creates a static list and gives its id. Names are not unique: a second call makes a second list. */
  createList(name: string): Operation<number> {
    const call: Call = { endpoint: ENDPOINTS.createList, path: '/api/lists', body: JSON.stringify({ name }) };
    return this.#operation(call, createdListSchema, ({ listId }) => listId);
  }

  /** `body` is the JSON text of `{listId, subscribers}`. */
  subscribe(body: Buffer): Operation<BulkAnswer> {
    const call: Call = { endpoint: ENDPOINTS.subscribe, path: '/api/lists/subscribe', body };
    return this.#operation(call, bulkAnswerSchema, (answer) => answer);
  }

  /** `body` is the JSON text of `{listId, subscribers, channelUnsubscribe}`. */
  unsubscribe(body: Buffer): Operation<BulkAnswer> {
    const call: Call = { endpoint: ENDPOINTS.unsubscribe, path: '/api/lists/unsubscribe', body };
    return this.#operation(call, bulkAnswerSchema, (answer) => answer);
  }

  /** `body` is the JSON text of `{users, createNewFields?}`, at most 4,000,000 bytes. */
  bulkUpdate(body: Buffer): Operation<BulkAnswer> {
    const call: Call = { endpoint: ENDPOINTS.bulkUpdate, path: '/api/users/bulkUpdate', body };
    return this.#operation(call, bulkAnswerSchema, (answer) => answer);
  }

  /** `body` is the JSON text of one user and `createNewFields`. */
  update(body: string): Operation<undefined> {
    const call: Call = { endpoint: ENDPOINTS.update, path: '/api/users/update', body };
    return this.#operation(call, plainAnswerSchema, () => undefined);
  }

  /** Gives a profile of an email-based project another address, if it is known and the address is free; all else about it stays. */
  updateEmail(currentEmail: string, newEmail: string): Operation<'changed' | 'unknown' | 'taken'> {
    const endpoint = ENDPOINTS.updateEmail;
    const body = JSON.stringify({ currentEmail, newEmail });
    const call: Call = { endpoint, path: '/api/users/updateEmail', body };
    const change = this.#operation(call, plainAnswerSchema, () => 'changed' as const);
    return {
      endpoint,
      attempt: async (signal) => {
        try {
          return await change.attempt(signal);
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          if (isUnknownUser(error)) return 'unknown';
          if (error.apiCode === 'EmailAlreadyExists') return 'taken';
          throw error;
        }
      },
    };
  }

  /**
   * Tells of every user of the project, by these of its identities, as `collector()` gives each attempt a fresh collector:
   * an attempt that fails half-way has told of some users already. Gives what the collector of the whole answer made.
   */
  exportUsers<T>(identities: readonly UserIdentity[], collector: () => UserCollector<T>): Operation<T> {
    const endpoint = ENDPOINTS.exportData;
    const query: [string, string][] = [
      ['dataTypeName', 'user'],
      ['range', 'All'],
    ];
    for (const identity of identities) query.push(['onlyFields', identity]);
    return {
      endpoint,
      attempt: async (signal) => {
        const { add, done } = collector();
        const onLine = (line: string) => {
          if (line.trim() === '') return;
          const user = exportedUserSchema.safeParse(jsonOrUndefined(line)).data;
          if (!user) throw this.#http.noAnswer(endpoint, 'a line of the answer is not what the API promises');
          add(user);
        };
        await this.#http.streamLines({ endpoint, path: '/api/export/data.json', query }, onLine, signal);
        return done();
      },
    };
  }

  /** The user of this address, or undefined: Iterable answers 200 with `{}` for a stranger, and 400 for what is no address. */
  getByEmail(email: string): Operation<IterableUser | undefined> {
    return this.#lookUp(ENDPOINTS.getByEmail, '/api/users/getByEmail', ['email', email]);
  }

  getByUserId(userId: string): Operation<IterableUser | undefined> {
    return this.#lookUp(ENDPOINTS.getByUserId, '/api/users/byUserId', ['userId', userId]);
  }

  /**
   * Asynchronous at Iterable: the answer comes before the user is gone. An unknown user is a success; Iterable says so of
   * unknown ids, and answers as for any other of unknown addresses.
   */
  deleteByEmail(email: string): Operation<'deleted' | 'unknown'> {
    const call: Call = { endpoint: ENDPOINTS.deleteByEmail, path: `/api/users/${pathSegment(email)}` };
    return this.#deletion(call);
  }

  /** Like {@link deleteByEmail}; on email-based projects it would delete everyone who shares the id, so don't use it there. */
  deleteByUserId(userId: string): Operation<'deleted' | 'unknown'> {
    const call: Call = {
      endpoint: ENDPOINTS.deleteByUserId,
      path: `/api/users/byUserId/${pathSegment(userId)}`,
    };
    return this.#deletion(call);
  }

  #deletion(call: Call): Operation<'deleted' | 'unknown'> {
    return orNobody(
      this.#operation(call, plainAnswerSchema, () => 'deleted' as const),
      'unknown' as const,
    );
  }

  #lookUp(
    endpoint: Endpoint,
    path: string,
    identity: [name: string, value: string],
  ): Operation<IterableUser | undefined> {
    if (!fitsUrl(identity[1])) return { endpoint, attempt: () => Promise.resolve(undefined) };
    const call: Call = { endpoint, path, query: [identity] };
    const isNobody = (error: ApiError) => isUnknownUser(error) || isImpossibleUser(error);
    return orNobody(
      this.#operation(call, userAnswerSchema, ({ user }) => user ?? undefined),
      undefined,
      isNobody,
    );
  }

  #operation<Schema extends z.ZodType, T>(
    call: Call,
    schema: Schema,
    pick: (answer: z.infer<Schema>) => T,
  ): Operation<T> {
    return {
      endpoint: call.endpoint,
      attempt: async (signal) => {
        const parsed = schema.safeParse(await this.#http.send(call, signal));
        if (!parsed.success)
          throw this.#http.noAnswer(call.endpoint, 'the answer is not what the API promises');
        return pick(parsed.data);
      },
    };
  }
}

/** An answer that says that nobody is there is an answer, not a failure. */
function orNobody<T, Nobody>(
  operation: Operation<T>,
  nobody: Nobody,
  isNobody = isUnknownUser,
): Operation<T | Nobody> {
  return {
    endpoint: operation.endpoint,
    attempt: async (signal) => {
      try {
        return await operation.attempt(signal);
      } catch (error) {
        if (error instanceof ApiError && isNobody(error)) return nobody;
        throw error;
      }
    },
  };
}

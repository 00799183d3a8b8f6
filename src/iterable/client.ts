/**
 * Iterable's API as methods, named like the API's endpoints. A call makes a single attempt. Independent of Airbyte, batches
 * and retries.
 */
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

/** An API call that can be attempted repeatedly; `endpoint` determines its rate limit. */
export interface Operation<T> {
  readonly endpoint: Endpoint;
  attempt(signal?: AbortSignal): Promise<T>;
}

export type UserIdentity = 'email' | 'userId';

/** Receives the users of an export one by one; `done` returns the result. */
export interface UserCollector<T> {
  readonly add: (user: ExportedUser) => void;
  readonly done: () => T;
}

export class IterableClient {
  readonly #http: IterableHttp;

  constructor(http: IterableHttp) {
    this.#http = http;
  }

  /** The user fields of the project and their types; nested fields have dotted names. */
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

  /** Creates a static list and returns its id. Names are not unique: a second call creates a second list. */
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

  /** Changes the address of a profile in an email-based project, if the profile exists and the new address is free. */
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
   * Passes every user of the project, with the given identities, to a collector. Each attempt gets a fresh one from
   * `collector()`, since an attempt that fails half-way has already passed some users on. Returns the result of the
   * collector that received the whole export.
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

  /** Undefined for an unknown address, which Iterable answers with 200 and `{}`, and for a malformed one, answered with 400. */
  getByEmail(email: string): Operation<IterableUser | undefined> {
    return this.#lookUp(ENDPOINTS.getByEmail, '/api/users/getByEmail', ['email', email]);
  }

  getByUserId(userId: string): Operation<IterableUser | undefined> {
    return this.#lookUp(ENDPOINTS.getByUserId, '/api/users/byUserId', ['userId', userId]);
  }

  /**
   * Asynchronous at Iterable: the answer comes before the user is gone. An unknown user counts as success. Iterable reports
   * unknown user ids (`unknown`); for unknown addresses its answer is the same as for known ones (`deleted`).
   */
  deleteByEmail(email: string): Operation<'deleted' | 'unknown'> {
    const call: Call = { endpoint: ENDPOINTS.deleteByEmail, path: `/api/users/${pathSegment(email)}` };
    return this.#deletion(call);
  }

  /** Like {@link deleteByEmail}. Not for email-based projects, where it would delete all users that share the id. */
  deleteByUserId(userId: string): Operation<'deleted' | 'unknown'> {
    const call: Call = {
      endpoint: ENDPOINTS.deleteByUserId,
      path: `/api/users/byUserId/${pathSegment(userId)}`,
    };
    return this.#deletion(call);
  }

  #deletion(call: Call): Operation<'deleted' | 'unknown'> {
    return orIfUnknown(
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
    const saysUnknown = (error: ApiError) => isUnknownUser(error) || isImpossibleUser(error);
    return orIfUnknown(
      this.#operation(call, userAnswerSchema, ({ user }) => user ?? undefined),
      undefined,
      saysUnknown,
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

/** Turns an error that means "unknown user" into a value: it is an answer, not a failure. */
function orIfUnknown<T, Unknown>(
  operation: Operation<T>,
  unknown: Unknown,
  saysUnknown = isUnknownUser,
): Operation<T | Unknown> {
  return {
    endpoint: operation.endpoint,
    attempt: async (signal) => {
      try {
        return await operation.attempt(signal);
      } catch (error) {
        if (error instanceof ApiError && saysUnknown(error)) return unknown;
        throw error;
      }
    },
  };
}

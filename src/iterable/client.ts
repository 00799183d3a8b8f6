/** Iterable's API as functions, named as the API names them. One call is one attempt; knows nothing of Airbyte, batches or retries. */
import type * as z from 'zod';
import { ENDPOINTS, type Endpoint } from './endpoints.ts';
import { ApiError, isUnknownUser, NoAnswerError } from './errors.ts';
import { pathSegment, type Call, type IterableHttp } from './http.ts';
import {
  bulkAnswerSchema,
  createdListSchema,
  fieldsAnswerSchema,
  listsAnswerSchema,
  plainAnswerSchema,
  userAnswerSchema,
  type BulkAnswer,
  type IterableList,
  type IterableUser,
} from './schemas.ts';

/** A call that can be tried, and tried again: what it is for the rate limit, and how to make one attempt. */
export interface Operation<T> {
  readonly endpoint: Endpoint;
  attempt(signal?: AbortSignal): Promise<T>;
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
  subscribe(body: string): Operation<BulkAnswer> {
    const call: Call = { endpoint: ENDPOINTS.subscribe, path: '/api/lists/subscribe', body };
    return this.#operation(call, bulkAnswerSchema, (answer) => answer);
  }

  /** `body` is the JSON text of `{listId, subscribers, channelUnsubscribe}`. */
  unsubscribe(body: string): Operation<BulkAnswer> {
    const call: Call = { endpoint: ENDPOINTS.unsubscribe, path: '/api/lists/unsubscribe', body };
    return this.#operation(call, bulkAnswerSchema, (answer) => answer);
  }

  /** `body` is the JSON text of `{users, createNewFields?}`, at most 4,000,000 bytes. */
  bulkUpdate(body: string): Operation<BulkAnswer> {
    const call: Call = { endpoint: ENDPOINTS.bulkUpdate, path: '/api/users/bulkUpdate', body };
    return this.#operation(call, bulkAnswerSchema, (answer) => answer);
  }

  /** The user of this address, or undefined: Iterable answers 200 with `{}` for a stranger. */
  getByEmail(email: string): Operation<IterableUser | undefined> {
    const call: Call = { endpoint: ENDPOINTS.getByEmail, path: '/api/users/getByEmail', query: { email } };
    return orUnknown(this.#operation(call, userAnswerSchema, ({ user }) => user ?? undefined));
  }

  getByUserId(userId: string): Operation<IterableUser | undefined> {
    const call: Call = { endpoint: ENDPOINTS.getByUserId, path: '/api/users/byUserId', query: { userId } };
    return orUnknown(this.#operation(call, userAnswerSchema, ({ user }) => user ?? undefined));
  }

  /** Asynchronous at Iterable: the answer comes before the person is gone. A stranger is a success. */
  deleteByEmail(email: string): Operation<undefined> {
    const call: Call = { endpoint: ENDPOINTS.deleteByEmail, path: `/api/users/${pathSegment(email)}` };
    return orUnknown(this.#operation(call, plainAnswerSchema, () => undefined));
  }

  /** Like {@link deleteByEmail}; on email-based projects it would delete everyone who shares the id, so don't use it there. */
  deleteByUserId(userId: string): Operation<undefined> {
    const call: Call = {
      endpoint: ENDPOINTS.deleteByUserId,
      path: `/api/users/byUserId/${pathSegment(userId)}`,
    };
    return orUnknown(this.#operation(call, plainAnswerSchema, () => undefined));
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
          throw new NoAnswerError(call.endpoint.name, 'the answer is not what the API promises');
        return pick(parsed.data);
      },
    };
  }
}

/** An answer that says that nobody is there is an answer, not a failure. */
function orUnknown<T>(operation: Operation<T>): Operation<T | undefined> {
  return {
    endpoint: operation.endpoint,
    attempt: async (signal) => {
      try {
        return await operation.attempt(signal);
      } catch (error) {
        if (error instanceof ApiError && isUnknownUser(error)) return undefined;
        throw error;
      }
    },
  };
}

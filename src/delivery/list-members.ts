/** Adds users to static lists and removes them, in bulk; returns the users that were refused. */
import { joinTexts } from '../batching/text-pages.ts';
import type { UserRequest } from '../batching/user-request.ts';
import { ConfigError } from '../errors.ts';
import type { IterableClient, Operation } from '../iterable/client.ts';
import { ENDPOINTS, type Endpoint } from '../iterable/endpoints.ts';
import { ApiError, NoAnswerError } from '../iterable/errors.ts';
import type { BulkAnswer } from '../iterable/schemas.ts';
import type { Rejection } from '../model.ts';
import type { Caller } from './caller.ts';
import { deliverInBulk } from './deliver-in-bulk.ts';
import type { ListDirectory } from './list-directory.ts';
import { readBulkAnswer, type GroupOutcome } from './read-bulk-answer.ts';

/** One list, and whether users are added or removed. */
export interface ListChange {
  readonly list: string;
  readonly isOn: boolean;
}

export interface UserListChange extends ListChange {
  /** The change must not create users. */
  readonly onlyExisting: boolean;
}

/** Iterable's message for a list that does not exist, or that was created only just now. */
const UNKNOWN_LIST = 'error.lists.invalidListId';

export class ListMembers {
  readonly #caller: Caller;
  readonly #client: IterableClient;
  readonly #directory: ListDirectory;

  constructor(caller: Caller, client: IterableClient, directory: ListDirectory) {
    this.#caller = caller;
    this.#client = client;
    this.#directory = directory;
  }

  /** Calls a second at present. */
  rate(isOn: boolean): number {
    return this.#caller.currentRate(endpointOf(isOn));
  }

  /** Resolves when a call could be sent at once. */
  untilTurn(isOn: boolean): Promise<void> {
    return this.#caller.untilTurn(endpointOf(isOn));
  }

  /**
   * Changes the membership of users whose fields are already delivered; returns those that Iterable refused. Throws whatever
   * {@link Caller.call} throws.
   */
  async change(change: UserListChange, users: readonly UserRequest[]): Promise<Map<UserRequest, Rejection>> {
    const id = await (change.isOn
      ? this.#directory.idFor(change.list)
      : this.#directory.idIfThere(change.list));
    // A list that does not exist has no members to remove.
    if (id === undefined) return new Map();
    const send = (group: readonly UserRequest[]) => this.#send(change, id, group);
    const rejected = await deliverInBulk(users, send, this.#caller.unknownRefusals);
    for (const [user, rejection] of rejected)
      rejected.set(user, {
        ...rejection,
        reason: `the fields were delivered, but the list ${change.list} refused the user: ${rejection.reason}`,
      });
    return rejected;
  }

  async #send(change: UserListChange, id: number, group: readonly UserRequest[]): Promise<GroupOutcome> {
    const body = (end: string) => joinTexts(`{"listId":${id},"subscribers":[`, group, `]${end}}`);
    const operation: Operation<BulkAnswer> = change.isOn
      ? // Iterable honours this option unless users are identified by address alone.
        this.#client.subscribe(body(change.onlyExisting ? ',"updateExistingUsersOnly":true' : ''))
      : // Stated, because its default has not always been false, and true would unsubscribe the user from the whole channel.
        this.#client.unsubscribe(body(',"channelUnsubscribe":false'));
    const answer = await this.#caller.call(this.#waitingForNewList(change.list, id, operation));
    // When removing, an unknown user is a success: it is not on the list.
    return readBulkAnswer(group, answer, change.isOn ? [] : ['notFound']);
  }

  #waitingForNewList(list: string, id: number, operation: Operation<BulkAnswer>): Operation<BulkAnswer> {
    const { endpoint } = operation;
    return {
      endpoint,
      attempt: async (signal) => {
        try {
          return await operation.attempt(signal);
        } catch (error) {
          if (!(error instanceof ApiError) || !error.apiMessage.includes(UNKNOWN_LIST)) throw error;
          if (await this.#directory.mayBeNew(list, id, signal))
            throw new NoAnswerError(endpoint.name, 'the new list can’t be used yet', { cause: error });
          throw new ConfigError(
            [`lists: Iterable no longer has the list ${list}; run the sync again to create it`],
            {
              code: 'list_gone',
              cause: error,
            },
          );
        }
      },
    };
  }
}

function endpointOf(isOn: boolean): Endpoint {
  return isOn ? ENDPOINTS.subscribe : ENDPOINTS.unsubscribe;
}

/** Puts users on static lists and takes them off, in bulk; says who was refused. */
import { joinTexts } from '../batching/text-pages.ts';
import type { UserRequest } from '../batching/user-request.ts';
import { ConfigError } from '../errors.ts';
import type { IterableClient, Operation } from '../iterable/client.ts';
import { ApiError, NoAnswerError } from '../iterable/errors.ts';
import type { BulkAnswer } from '../iterable/schemas.ts';
import type { Rejection } from '../model.ts';
import type { Caller } from './caller.ts';
import { deliverInBulk } from './deliver-in-bulk.ts';
import type { ListDirectory } from './list-directory.ts';
import { readBulkAnswer, type GroupOutcome } from './read-bulk-answer.ts';

/** One list, and whether users go on it or off it. */
export interface ListChange {
  readonly list: string;
  readonly isOn: boolean;
}

/** For some users. */
export interface UserListChange extends ListChange {
  /** Nobody is to be created by it. */
  readonly onlyExisting: boolean;
}

/** So Iterable calls a list that it does not know, or that it has only just created. */
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

  /** Changes the membership of users who have been updated; gives those that Iterable refused. Throws what a call throws. */
  async change(change: UserListChange, users: readonly UserRequest[]): Promise<Map<UserRequest, Rejection>> {
    const id = await (change.isOn
      ? this.#directory.idFor(change.list)
      : this.#directory.idIfThere(change.list));
    // Nobody is on a list that does not exist.
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
      ? // Iterable heeds it where people are not identified by address alone.
        this.#client.subscribe(body(change.onlyExisting ? ',"updateExistingUsersOnly":true' : ''))
      : // Left out, it has not always been false, and true would take the person off the whole channel.
        this.#client.unsubscribe(body(',"channelUnsubscribe":false'));
    const answer = await this.#caller.call(this.#waitingForNewList(change.list, id, operation));
    // Whoever is not on a list need not be taken off it.
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

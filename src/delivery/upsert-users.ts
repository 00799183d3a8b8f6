/** Delivers a batch of users by users/bulkUpdate and says what became of each: a 200 alone never means that all arrived. */
import { joinTexts, readText } from '../batching/text-pages.ts';
import type { UserRequest } from '../batching/user-request.ts';
import type { IterableClient } from '../iterable/client.ts';
import { MAX_BULK_BYTES } from '../iterable/endpoints.ts';
import { ApiError } from '../iterable/errors.ts';
import type { Rejection } from '../model.ts';
import type { Caller } from './caller.ts';
import { deliverInBulk } from './deliver-in-bulk.ts';
import { readBulkAnswer, type GroupOutcome } from './read-bulk-answer.ts';
import { readRefusal } from './refusals.ts';

export interface UpsertOptions {
  readonly createNewFields: boolean;
  /** Told of fields that Iterable dropped, since it does not know them and may not create them. */
  readonly onFilteredFields: (fields: readonly string[]) => void;
}

export class UserUpserter {
  readonly #caller: Caller;
  readonly #client: IterableClient;
  readonly #options: UpsertOptions;

  constructor(caller: Caller, client: IterableClient, options: UpsertOptions) {
    this.#caller = caller;
    this.#client = client;
    this.#options = options;
  }

  /** How large a body may be, and how much of it is not its users and the commas between them; in bytes. */
  get bodyLimits(): { readonly maxBytes: number; readonly envelopeBytes: number } {
    return { maxBytes: MAX_BULK_BYTES, envelopeBytes: this.#body([]).length };
  }

  /** Sends the users, each at most once in `users`; gives those that Iterable refused. Throws what {@link Caller.call} throws. */
  deliver(users: readonly UserRequest[]): Promise<Map<UserRequest, Rejection>> {
    return deliverInBulk(users, (group) => this.#send(group), this.#caller.unknownRefusals);
  }

  /** Sends one user by a call of its own; gives the rejection, if it was refused. Throws what {@link Caller.call} throws. */
  async deliverAlone(user: UserRequest): Promise<Rejection | undefined> {
    const body = `${readText(user).slice(0, -1)},"createNewFields":${this.#options.createNewFields}}`;
    try {
      await this.#caller.call(this.#client.update(body));
      return undefined;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { reason, guilty } = readRefusal([user], error);
      return guilty.get(user) ?? reason;
    }
  }

  async #send(group: readonly UserRequest[]): Promise<GroupOutcome> {
    const answer = await this.#caller.call(this.#client.bulkUpdate(this.#body(group)));
    if (answer.filteredOutFields.length > 0) this.#options.onFilteredFields(answer.filteredOutFields);
    return readBulkAnswer(group, answer);
  }

  #body(users: readonly UserRequest[]): Buffer {
    return joinTexts('{"users":[', users, `],"createNewFields":${this.#options.createNewFields}}`);
  }
}

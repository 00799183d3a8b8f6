/** Delivers a batch of users by users/bulkUpdate, with an outcome per user: an HTTP 200 does not mean that all were delivered. */
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
  /** Called with the fields that Iterable dropped because it does not know them and may not create them. */
  readonly onFilteredFields: (fields: readonly string[]) => void;
}

/** What an accepted call left undone. */
export interface Delivery {
  /** The users that Iterable refused. */
  readonly rejections: ReadonlyMap<UserRequest, Rejection>;
  /** Fields that Iterable dropped, by the users of the call: those of one of them, or of all. */
  readonly dropped: ReadonlyMap<UserRequest, readonly string[]>;
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

  /** The maximum size of a body, and how much of it is taken by everything but the users and their commas; in bytes. */
  get bodyLimits(): { readonly maxBytes: number; readonly envelopeBytes: number } {
    return { maxBytes: MAX_BULK_BYTES, envelopeBytes: this.#body([]).length };
  }

  /** Sends the users (no duplicates). Throws whatever {@link Caller.call} throws. */
  async deliver(users: readonly UserRequest[]): Promise<Delivery> {
    const dropped = new Map<UserRequest, readonly string[]>();
    const rejections = await deliverInBulk(
      users,
      (group) => this.#send(group, dropped),
      this.#caller.unknownRefusals,
    );
    return { rejections, dropped };
  }

  /** Sends one user by a separate call; returns a rejection if it was refused. Throws whatever {@link Caller.call} throws. */
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

  async #send(
    group: readonly UserRequest[],
    dropped: Map<UserRequest, readonly string[]>,
  ): Promise<GroupOutcome> {
    const answer = await this.#caller.call(this.#client.bulkUpdate(this.#body(group)));
    const { filteredOutFields } = answer;
    if (filteredOutFields.length > 0) {
      this.#options.onFilteredFields(filteredOutFields);
      for (const user of group) dropped.set(user, filteredOutFields);
    }
    return readBulkAnswer(group, answer);
  }

  #body(users: readonly UserRequest[]): Buffer {
    return joinTexts('{"users":[', users, `],"createNewFields":${this.#options.createNewFields}}`);
  }
}

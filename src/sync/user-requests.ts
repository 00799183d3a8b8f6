/** Builds the requests that carry users: the JSON of one user, within the limits of a bulk call. */
import { sizeOf, type BatchLimits } from '../batching/batcher.ts';
import { TextPages } from '../batching/text-pages.ts';
import {
  buildUserRequest,
  withWaitingNumbers,
  type UserRequest,
  type UserRequestOptions,
} from '../batching/user-request.ts';
import type { NewFieldTypes } from '../mapping/new-field-types.ts';
import type { TargetValues, UserKey } from '../model.ts';
import type { Task } from './task.ts';

export interface UserRequestsOptions {
  readonly request: UserRequestOptions;
  /** Of a bulk call. */
  readonly limits: BatchLimits;
  /** Keys of streams that update only users whom Iterable knows. */
  readonly enriched: ReadonlySet<string>;
  /** Set where Iterable creates fields. */
  readonly newFields?: NewFieldTypes | undefined;
}

export class UserRequests {
  readonly #options: UserRequestsOptions;
  readonly #texts = new TextPages();

  constructor(options: UserRequestsOptions) {
    this.#options = options;
  }

  /** The request for one user. Throws RangeError when a value is nested too deeply to be written. */
  build({ key, values }: { key: UserKey; values: TargetValues }, streamKey: string): UserRequest {
    const { request, enriched, newFields } = this.#options;
    const preferUserId = request.preferUserId && !enriched.has(streamKey);
    const built = buildUserRequest(key, values, { ...request, preferUserId }, this.#texts);
    if (newFields?.hasWaiting !== true) return built;
    return withWaitingNumbers(built, values, () => this.build({ key, values }, streamKey));
  }

  /** The request for the user of the task by these values. */
  forTask({ records }: Pick<Task, 'records'>, key: UserKey, values: TargetValues): UserRequest {
    return this.build({ key, values }, records[0]?.streamKey ?? '');
  }

  /** True when a bulk call can carry the user at all. */
  fits(request: UserRequest): boolean {
    const { envelopeBytes, maxBytes } = this.#options.limits;
    return envelopeBytes + sizeOf(request) <= maxBytes;
  }
}

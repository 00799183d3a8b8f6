/** Changes the email address of an existing profile, which keeps its history: on email-based projects, where no bulk call can. */
import type { IterableClient } from '../iterable/client.ts';
import { ApiError } from '../iterable/errors.ts';
import type { Rejection, UserKey } from '../model.ts';
import type { Caller } from './caller.ts';
import { notingRepeats } from './repeats.ts';
import { rejectionOf } from './refusals.ts';

export interface AddressChange {
  readonly from: string;
  readonly to: string;
}

/**
 * - `changed`: the profile has the new address; its fields must not be sent by a bulk call in this run.
 * - `stays`: no change, because no user has the old address (`unknown`) or another user has the new one (`taken`).
 */
export type ChangedAddress =
  { readonly kind: 'changed' } | { readonly kind: 'stays'; readonly why: 'unknown' | 'taken' };

export class AddressChanger {
  readonly #caller: Caller;
  readonly #client: IterableClient;

  constructor(caller: Caller, client: IterableClient) {
    this.#caller = caller;
    this.#client = client;
  }

  /**
   * To be called after checking that the new address is free. Returns a rejection when Iterable refuses the change.
   * @param key what identifies the user: a profile that has the old address but belongs to another user is not changed
   */
  async change(key: UserKey, { from, to }: AddressChange): Promise<ChangedAddress | Rejection> {
    if (key.kind === 'userId') {
      const profile = await this.#caller.call(this.#client.getByUserId(key.value));
      if (profile?.email?.toLowerCase() !== from) return { kind: 'stays', why: 'unknown' };
    }
    try {
      const { answer, isRepeated } = await this.#caller.call(
        notingRepeats(this.#client.updateEmail(from, to)),
      );
      // After a lost answer, a retry finds the old address unknown or the new one taken because the change was made.
      return answer === 'changed' || isRepeated ? { kind: 'changed' } : { kind: 'stays', why: answer };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return rejectionOf(error);
    }
  }
}

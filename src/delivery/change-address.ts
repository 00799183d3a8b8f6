/** Gives a profile its new address, so that its history stays: in the way of each project type. */
import type { IterableClient } from '../iterable/client.ts';
import { ApiError } from '../iterable/errors.ts';
import type { Rejection, UserKey } from '../model.ts';
import type { Caller } from './caller.ts';
import { noticing } from './noticing.ts';
import { rejectionOf } from './refusals.ts';

export interface AddressChange {
  readonly from: string;
  readonly to: string;
}

/**
 * - `changed`: the profile has the new address; its fields must not go through a bulk call in this run.
 * - `by`: a bulk call that names the user so, and holds the new address, changes it.
 * - `stays`: nobody has the old address, or somebody has the new one.
 */
export type ChangedAddress =
  | { readonly kind: 'changed' }
  | { readonly kind: 'by'; readonly key: UserKey }
  | { readonly kind: 'stays'; readonly why: 'unknown' | 'taken' };

export class AddressChanger {
  readonly #caller: Caller;
  readonly #client: IterableClient;
  readonly #projectType: 'hybrid' | 'email' | 'user_id';

  constructor(caller: Caller, client: IterableClient, projectType: 'hybrid' | 'email' | 'user_id') {
    this.#caller = caller;
    this.#client = client;
    this.#projectType = projectType;
  }

  /**
   * To be called when the new address was free. Gives a rejection when Iterable refuses the change itself.
   * @param key what identifies the user: another person's profile is left alone
   */
  async change(key: UserKey, { from, to }: AddressChange): Promise<ChangedAddress | Rejection> {
    if (this.#projectType !== 'email') return this.#nameProfile(from);
    if (key.kind === 'userId') {
      const profile = await this.#caller.call(this.#client.getByUserId(key.value));
      if (profile?.email?.toLowerCase() !== from) return { kind: 'stays', why: 'unknown' };
    }
    try {
      const { answer, isRepeated } = await this.#caller.call(noticing(this.#client.updateEmail(from, to)));
      // A repetition finds the old address gone or the new one taken: by the change itself.
      return answer === 'changed' || isRepeated ? { kind: 'changed' } : { kind: 'stays', why: answer };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return rejectionOf(error);
    }
  }

  /** By its user id, where it has one: then a new address is a field like any other. */
  async #nameProfile(from: string): Promise<ChangedAddress> {
    const profile = await this.#caller.call(this.#client.getByEmail(from));
    if (!profile) return { kind: 'stays', why: 'unknown' };
    const { userId } = profile;
    return { kind: 'by', key: userId ? { kind: 'userId', value: userId } : { kind: 'email', value: from } };
  }
}

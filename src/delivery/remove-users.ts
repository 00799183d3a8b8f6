/** Removes people from Iterable, and makes sure that they are gone before they are written again. */
import type { Clock } from '../clock.ts';
import { TransientError } from '../errors.ts';
import type { IterableClient } from '../iterable/client.ts';
import { ApiError } from '../iterable/errors.ts';
import { fitsPathSegment } from '../iterable/http.ts';
import type { IterableUser } from '../iterable/schemas.ts';
import { identityText, type Rejection, type Removal, type UserKey } from '../model.ts';
import type { Caller } from './caller.ts';
import { rejectionOf } from './refusals.ts';
import { SharedIds } from './shared-ids.ts';

export interface RemovalOptions {
  readonly clock: Clock;
  readonly projectType: 'hybrid' | 'email' | 'user_id';
}

/** Deleting is asynchronous: for this long after it a person who is written again is first looked up. */
const DELETION_MEMORY_MS = 10 * 60_000;
/** How long to wait for Iterable to show a deleted person gone. */
const GONE_BUDGET_MS = 10 * 60_000;
const FIRST_POLL_MS = 250;
const MAX_POLL_MS = 10_000;

export class UserRemover {
  readonly #caller: Caller;
  readonly #client: IterableClient;
  readonly #options: RemovalOptions;
  readonly #sharedIds: SharedIds;
  /** Identity → when it was deleted, oldest first. */
  readonly #removedAt = new Map<string, number>();

  constructor(caller: Caller, client: IterableClient, options: RemovalOptions) {
    this.#caller = caller;
    this.#client = client;
    this.#options = options;
    this.#sharedIds = new SharedIds(caller, client, options.clock);
  }

  /** Deletes one person and gives whom; a stranger is a success. Gives a rejection when the removal does not say exactly who is meant. */
  async remove(removal: Removal): Promise<UserKey | Rejection> {
    const target = await this.identify(removal);
    return 'code' in target ? target : this.removePerson(target);
  }

  /** The same for whom {@link identify} gave. */
  async removePerson(target: UserKey): Promise<UserKey | Rejection> {
    if (!fitsPathSegment(target.value)) return unnameable(target);
    try {
      await this.#caller.call(
        target.kind === 'email'
          ? this.#client.deleteByEmail(target.value)
          : this.#client.deleteByUserId(target.value),
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return rejectionOf(error);
    }
    this.#remember(target);
    return target;
  }

  /** False while nobody need be asked for in {@link wasRemovedLately}. */
  get remembersRemovals(): boolean {
    return this.#removedAt.size > 0;
  }

  /** True when the user was deleted so lately that Iterable may still be about to drop whatever is written now. */
  wasRemovedLately(keys: readonly UserKey[]): boolean {
    this.#forgetOld();
    return keys.some((key) => this.#removedAt.has(identityText(key)));
  }

  /** Waits until Iterable shows the user gone. Throws TransientError when that takes longer than ten minutes. */
  async waitUntilGone(keys: readonly UserKey[]): Promise<void> {
    const { clock } = this.#options;
    for (const key of keys) {
      if (!this.#removedAt.has(identityText(key))) continue;
      const startedAt = clock.now();
      for (
        let pollMs = FIRST_POLL_MS;
        (await this.#lookUp(key)) !== undefined;
        pollMs = Math.min(pollMs * 2, MAX_POLL_MS)
      ) {
        if (clock.now() - startedAt > GONE_BUDGET_MS) {
          throw new TransientError(
            'deletion_pending',
            'Iterable still shows a user ten minutes after deleting it, and a record writes the same user again. Run the sync again later.',
          );
        }
        await clock.sleep(pollMs);
      }
      this.#removedAt.delete(identityText(key));
    }
  }

  /**
   * Whom to delete. On email-based projects several people can share a userId and would all go, so that deletion there is
   * always by address; userID-based projects know no deletion by address.
   */
  async identify({ email, userId, identifiedBy }: Removal): Promise<UserKey | Rejection> {
    const byEmail: UserKey | undefined = email === undefined ? undefined : { kind: 'email', value: email };
    const byUserId: UserKey | undefined =
      userId === undefined ? undefined : { kind: 'userId', value: userId };
    switch (this.#options.projectType) {
      case 'hybrid':
        return (identifiedBy === 'email' ? (byEmail ?? byUserId) : (byUserId ?? byEmail)) ?? NOBODY;
      case 'user_id':
        return byUserId ?? NOBODY;
      case 'email':
        return byEmail ?? (byUserId ? this.#addressOf(byUserId) : NOBODY);
    }
  }

  async #addressOf(key: UserKey): Promise<UserKey | Rejection> {
    // A look-up shows one of them only, but it is cheap where nobody has the id.
    const isKnown = (await this.#lookUp(key)) !== undefined;
    const [address, ...others] = isKnown ? await this.#sharedIds.addressesOf(key.value) : [];
    if (address !== undefined && others.length === 0) return { kind: 'email', value: address };
    return {
      code: 'ambiguous_user_id',
      field: 'userId',
      reason: 'deletion is by address here, and the user id is not exactly one person’s',
    };
  }

  #lookUp({ kind, value }: UserKey): Promise<IterableUser | undefined> {
    return this.#caller.call(
      kind === 'email' ? this.#client.getByEmail(value) : this.#client.getByUserId(value),
    );
  }

  /** Only the identity that was deleted by: the record's other one may be somebody else's, who stays. */
  #remember(deleted: UserKey): void {
    this.#forgetOld();
    this.#removedAt.delete(identityText(deleted));
    this.#removedAt.set(identityText(deleted), this.#options.clock.now());
  }

  #forgetOld(): void {
    const oldest = this.#options.clock.now() - DELETION_MEMORY_MS;
    for (const [id, removedAt] of this.#removedAt) {
      if (removedAt > oldest) break;
      this.#removedAt.delete(id);
    }
  }
}

/** Sent all the same, the call would mean something else than a person, or be refused as if it were wrong for everybody. */
function unnameable({ kind }: UserKey): Rejection {
  return {
    code: kind === 'email' ? 'invalid_email' : 'invalid_user_id',
    field: kind,
    reason: 'a deletion names its user in the URL of the call, which can’t hold this value',
  };
}

const NOBODY: Rejection = {
  code: 'missing_identifier',
  reason: 'the record has nothing that a deletion in this type of project can go by',
};

/** Removes people from Iterable, and makes sure that they are gone before they are written again. */
import type { Clock } from '../clock.ts';
import { TransientError } from '../errors.ts';
import type { IterableClient } from '../iterable/client.ts';
import { ApiError } from '../iterable/errors.ts';
import type { IterableUser } from '../iterable/schemas.ts';
import type { Rejection, Removal, UserKey } from '../model.ts';
import type { Caller } from './caller.ts';
import { rejectionOf } from './refusals.ts';

export interface RemovalOptions {
  readonly clock: Clock;
  /** On email-based projects several people can share a userId, so that removal there is always by address. */
  readonly isEmailProject: boolean;
  /** On userID-based projects Iterable knows no removal by address. */
  readonly isUserIdProject: boolean;
  readonly stop?: AbortSignal;
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
  /** Identity → when it was deleted, oldest first. */
  readonly #removedAt = new Map<string, number>();

  constructor(caller: Caller, client: IterableClient, options: RemovalOptions) {
    this.#caller = caller;
    this.#client = client;
    this.#options = options;
  }

  /** Deletes one person; a stranger is a success. Gives a rejection when the removal does not say exactly who is meant. */
  async remove(removal: Removal): Promise<Rejection | undefined> {
    const target = await this.#target(removal);
    if ('code' in target) return target;
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
    this.#remember(removal);
    return undefined;
  }

  /** True when the user was deleted so lately that Iterable may still be about to drop whatever is written now. */
  wasRemovedLately(keys: readonly UserKey[]): boolean {
    this.#forgetOld();
    return keys.some((key) => this.#removedAt.has(identity(key)));
  }

  /** Waits until Iterable shows the user gone. Throws TransientError when that takes longer than ten minutes. */
  async waitUntilGone(keys: readonly UserKey[]): Promise<void> {
    const { clock, stop } = this.#options;
    for (const key of keys) {
      if (!this.#removedAt.has(identity(key))) continue;
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
        await clock.sleep(pollMs, stop);
      }
      this.#removedAt.delete(identity(key));
    }
  }

  async #target(removal: Removal): Promise<UserKey | Rejection> {
    const { isEmailProject, isUserIdProject } = this.#options;
    const { email, userId } = removal;
    if (email !== undefined && !isUserIdProject) return { kind: 'email', value: email };
    if (userId === undefined) {
      return {
        code: 'missing_identifier',
        field: 'userId',
        reason: 'a userID-based project removes people by userId, and the record has none',
      };
    }
    if (!isEmailProject) return { kind: 'userId', value: userId };
    const user = await this.#lookUp({ kind: 'userId', value: userId });
    if (typeof user?.email !== 'string' || user.email === '') {
      return {
        code: 'ambiguous_user_id',
        field: 'userId',
        reason: 'removal is by address here, and the user id is not exactly one person’s',
      };
    }
    return { kind: 'email', value: user.email.toLowerCase() };
  }

  #lookUp({ kind, value }: UserKey): Promise<IterableUser | undefined> {
    return this.#caller.call(
      kind === 'email' ? this.#client.getByEmail(value) : this.#client.getByUserId(value),
    );
  }

  #remember({ email, userId }: Removal): void {
    const now = this.#options.clock.now();
    this.#forgetOld();
    for (const id of [
      email === undefined ? undefined : `email:${email}`,
      userId === undefined ? undefined : `userId:${userId}`,
    ]) {
      if (id === undefined) continue;
      this.#removedAt.delete(id);
      this.#removedAt.set(id, now);
    }
  }

  #forgetOld(): void {
    const oldest = this.#options.clock.now() - DELETION_MEMORY_MS;
    for (const [id, removedAt] of this.#removedAt) {
      if (removedAt > oldest) break;
      this.#removedAt.delete(id);
    }
  }
}

function identity({ kind, value }: UserKey): string {
  return `${kind}:${value}`;
}

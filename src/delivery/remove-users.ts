/** Deletes users from Iterable, and notes what must be checked before they are written again. */
import type { Clock } from '../clock.ts';
import type { IterableClient } from '../iterable/client.ts';
import { ApiError } from '../iterable/errors.ts';
import { fitsPathSegment } from '../iterable/http.ts';
import type { IterableUser } from '../iterable/schemas.ts';
import { identityText, type Rejection, type Removal, type Upsert, type UserKey } from '../model.ts';
import type { Caller } from './caller.ts';
import { Deletions, keysOf, type ProfileIdentities } from './deletions.ts';
import type { FoundUser, KnownUsers } from './known-users.ts';
import { lookUp } from './look-up.ts';
import { RecentIdentities } from './recent-identities.ts';
import { notingRepeats, type Repeatable } from './repeats.ts';
import { rejectionOf } from './refusals.ts';
import { SharedIds } from './shared-ids.ts';

export interface RemovalOptions {
  readonly clock: Clock;
  readonly projectType: 'hybrid' | 'email' | 'user_id';
  /** Checks whether a user exists before it is deleted. Absent if the answer to a deletion says that, or if no deletions are made. */
  readonly known?: KnownUsers | undefined;
}

/** A user to be removed. */
export interface Person {
  /** The identity that the deletion names. */
  readonly key: UserKey;
  /** Other identities of the user; may include identities of other users. */
  readonly others: readonly UserKey[];
  /** Known to exist in Iterable: from a look-up, or because the ledger says that it was exported. */
  readonly isKnown: boolean;
}

/** A deletion that Iterable has accepted. */
export interface Deleted {
  readonly key: UserKey;
  /** Other identities of the user; may include identities of other users. */
  readonly others: readonly UserKey[];
  /** False when Iterable had no such user. */
  readonly wasThere: boolean;
}

export class UserRemover {
  readonly #caller: Caller;
  readonly #client: IterableClient;
  readonly #options: RemovalOptions;
  readonly #sharedIds: SharedIds;
  /** Users that this run has written: a look-up soon afterwards may not show them yet. */
  readonly #written = new RecentIdentities();
  /** To be consulted before a user is written. */
  readonly deletions: Deletions;

  constructor(caller: Caller, client: IterableClient, options: RemovalOptions) {
    this.#caller = caller;
    this.#client = client;
    this.#options = options;
    this.#sharedIds = new SharedIds(caller, client, options.clock);
    this.deletions = new Deletions({ clock: options.clock, lookUp: (key) => this.lookUp(key) });
  }

  /**
   * Deletes one user; a user that Iterable does not know counts as deleted. Returns a rejection when the removal does not
   * identify exactly one user.
   */
  async remove(removal: Removal): Promise<Deleted | Rejection> {
    const person = await this.identify(removal);
    return 'code' in person ? person : this.removePerson(person);
  }

  /** Like {@link remove}, for a user that {@link identify} returned. */
  async removePerson({ key, others, isKnown }: Person): Promise<Deleted | Rejection> {
    if (!fitsPathSegment(key.value)) return unfitForUrl(key);
    const wasThereBefore = this.deletions.wasThere(key);
    const isOwn = this.#written.has(key) || wasThereBefore === true;
    const found = isKnown || isOwn ? {} : wasThereBefore === false ? undefined : await this.#find(key);
    let deleted: Repeatable<'deleted' | 'unknown'>;
    try {
      deleted = await this.#caller.call(
        notingRepeats(
          key.kind === 'email'
            ? this.#client.deleteByEmail(key.value)
            : this.#client.deleteByUserId(key.value),
        ),
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return rejectionOf(error);
    }
    this.#written.delete(key);
    const seen = found?.profile ? keysBesides(key, found.profile) : [];
    const isSeen = found?.profile !== undefined || found === undefined;
    const wasThere = isOwn || (existedByAnswer(key, deleted) ?? found !== undefined);
    const all = [...others, ...seen];
    this.deletions.note(key, all, { isSeen, wasThere });
    return { key, others: all, wasThere };
  }

  /** To be called when a user was written and {@link KnownUsers} does not note it. */
  noteWritten({ key, values: { email, userId } }: Upsert): void {
    this.#written.add(key);
    if (typeof email === 'string') this.#written.add({ kind: 'email', value: email });
    if (typeof userId === 'string') this.#written.add({ kind: 'userId', value: userId });
  }

  /**
   * Looks a user up before it is deleted: afterwards its existence and its other identities can't be found out. The deletion
   * is made in any case, since reads lag behind writes.
   */
  async #find(key: UserKey): Promise<FoundUser | undefined> {
    const { known } = this.#options;
    // A deletion by user id is not worth an export: its answer says whether the user existed.
    return known && (key.kind === 'email' || known.looksUp) ? known.find(key) : {};
  }

  /** True where {@link identify} needs a look-up: on email-based projects, of a user who is named by user id alone. */
  mustLookUp({ email }: Removal): boolean {
    return this.#options.projectType === 'email' && email === undefined;
  }

  /** Finds out which user to delete. */
  async identify(removal: Removal): Promise<Person | Rejection> {
    const key = await this.#keyOf(removal);
    if ('code' in key) return key;
    const isLookedUp = key.kind === 'email' && removal.email === undefined;
    return {
      key,
      others: [...keysBesides(key, removal), ...(removal.alsoKnownAs ?? [])],
      isKnown: isLookedUp || removal.isExported === true,
    };
  }

  /** The profile that has the identity at present. */
  lookUp(key: UserKey): Promise<IterableUser | undefined> {
    return this.#caller.call(lookUp(this.#client, key));
  }

  /**
   * The identity to delete by. On email-based projects several users can share a user id, and a deletion by it would delete
   * all of them; so deletion there is always by address. UserID-based projects have no deletion by address.
   */
  async #keyOf({ email, userId, identifiedBy }: Removal): Promise<UserKey | Rejection> {
    const byEmail: UserKey | undefined = email === undefined ? undefined : { kind: 'email', value: email };
    const byUserId: UserKey | undefined =
      userId === undefined ? undefined : { kind: 'userId', value: userId };
    switch (this.#options.projectType) {
      case 'hybrid':
        return (identifiedBy === 'email' ? (byEmail ?? byUserId) : (byUserId ?? byEmail)) ?? NO_IDENTIFIER;
      case 'user_id':
        return byUserId ?? NO_IDENTIFIER;
      case 'email':
        return byEmail ?? (byUserId ? this.#addressOf(byUserId) : NO_IDENTIFIER);
    }
  }

  async #addressOf(key: UserKey): Promise<UserKey | Rejection> {
    // A look-up shows only one of the users that share an id, but it avoids an export when no user has it.
    const isKnown = (await this.lookUp(key)) !== undefined;
    const [address, ...others] = isKnown ? await this.#sharedIds.addressesOf(key.value) : [];
    if (address !== undefined && others.length === 0) return { kind: 'email', value: address };
    return {
      code: 'ambiguous_user_id',
      field: 'userId',
      reason: 'deletion is by address here, and the user id is not exactly one person’s',
    };
  }
}

/**
 * Whether the deleted user existed, as far as the answer to the deletion says so; else undefined. By address, Iterable
 * answers the same whether or not a user had it.
 */
function existedByAnswer(
  { kind }: UserKey,
  { answer, isRepeated }: Repeatable<'deleted' | 'unknown'>,
): boolean | undefined {
  if (answer === 'unknown') return isRepeated ? undefined : false;
  return kind === 'userId' ? true : undefined;
}

function keysBesides(key: UserKey, identities: ProfileIdentities): UserKey[] {
  return keysOf(identities).filter((other) => identityText(other) !== identityText(key));
}

/** Sent anyway, the call would have a path with another meaning, or would be refused in a way that looks like a general failure. */
function unfitForUrl({ kind }: UserKey): Rejection {
  return {
    code: kind === 'email' ? 'invalid_email' : 'invalid_user_id',
    field: kind,
    reason: 'a deletion names its user in the URL of the call, which can’t hold this value',
  };
}

const NO_IDENTIFIER: Rejection = {
  code: 'missing_identifier',
  reason: 'the record has nothing that a deletion in this type of project can go by',
};

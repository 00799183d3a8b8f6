/** Removes people from Iterable, and makes sure that they are gone before they are written again. */
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
import { noticing, type Noticed } from './noticing.ts';
import { rejectionOf } from './refusals.ts';
import { SharedIds } from './shared-ids.ts';

export interface RemovalOptions {
  readonly clock: Clock;
  readonly projectType: 'hybrid' | 'email' | 'user_id';
  /** Tells whether a user is there before it is deleted. Absent where the answer to the deletion tells, or none is made. */
  readonly known?: KnownUsers | undefined;
}

/** A user to be removed. */
export interface Person {
  /** What a deletion names. */
  readonly key: UserKey;
  /** What the user is known by besides; may hold identities of other users. */
  readonly others: readonly UserKey[];
  /** Known to be in Iterable: by a look-up, or, with a ledger, since it was exported. */
  readonly isKnown: boolean;
}

/** A deletion that Iterable has accepted. */
export interface Deleted {
  readonly key: UserKey;
  /** False when Iterable had no such user. */
  readonly wasThere: boolean;
}

export class UserRemover {
  readonly #caller: Caller;
  readonly #client: IterableClient;
  readonly #options: RemovalOptions;
  readonly #sharedIds: SharedIds;
  /** Whom this run has written: a look-up right after that may not show it yet. */
  readonly #written = new RecentIdentities();
  /** To be asked before a user is written after a deletion. */
  readonly deletions: Deletions;

  constructor(caller: Caller, client: IterableClient, options: RemovalOptions) {
    this.#caller = caller;
    this.#client = client;
    this.#options = options;
    this.#sharedIds = new SharedIds(caller, client, options.clock);
    this.deletions = new Deletions({ clock: options.clock, lookUp: (key) => this.lookUp(key) });
  }

  /**
   * Deletes one user; one that Iterable does not know is a success. Gives a rejection when the removal does not say exactly
   * which user is meant.
   */
  async remove(removal: Removal): Promise<Deleted | Rejection> {
    const person = await this.identify(removal);
    return 'code' in person ? person : this.removePerson(person);
  }

  /** The same for a user that {@link identify} gave. */
  async removePerson({ key, others, isKnown }: Person): Promise<Deleted | Rejection> {
    if (!fitsPathSegment(key.value)) return unnameable(key);
    const wasThereBefore = this.deletions.wasThere(key);
    const isOwn = this.#written.has(key) || wasThereBefore === true;
    const found = isKnown || isOwn ? {} : wasThereBefore === false ? undefined : await this.#find(key);
    let deleted: Noticed<'deleted' | 'unknown'>;
    try {
      deleted = await this.#caller.call(
        noticing(
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
    const wasThere = isOwn || (answerTells(key, deleted) ?? found !== undefined);
    this.deletions.note(key, [...others, ...seen], { isSeen, wasThere });
    return { key, wasThere };
  }

  /** A user was written, where {@link KnownUsers} is not told of it. */
  noteWritten({ key, values: { email, userId } }: Upsert): void {
    this.#written.add(key);
    if (typeof email === 'string') this.#written.add({ kind: 'email', value: email });
    if (typeof userId === 'string') this.#written.add({ kind: 'userId', value: userId });
  }

  /**
   * Looks a user up before it is deleted: afterwards nothing tells whether there was one, nor what else it was known by. The
   * deletion is made in any case, since reads lag behind.
   */
  async #find(key: UserKey): Promise<FoundUser | undefined> {
    const { known } = this.#options;
    // For an id no export is needed: the answer to the deletion tells as much.
    return known && (key.kind === 'email' || known.looksUp) ? known.find(key) : {};
  }

  /** Whom to delete. */
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

  /** The profile that has the identity now, as Iterable shows it. */
  lookUp(key: UserKey): Promise<IterableUser | undefined> {
    return this.#caller.call(lookUp(this.#client, key));
  }

  /**
   * What names the user. On email-based projects several users can share a userId and would all go, so that deletion there
   * is always by address; userID-based projects know no deletion by address.
   */
  async #keyOf({ email, userId, identifiedBy }: Removal): Promise<UserKey | Rejection> {
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

/** Whether there was such a user, where the answer to the deletion tells: of an address that no user has, Iterable says the same. */
function answerTells(
  { kind }: UserKey,
  { answer, isRepeated }: Noticed<'deleted' | 'unknown'>,
): boolean | undefined {
  if (answer === 'unknown') return isRepeated ? undefined : false;
  return kind === 'userId' ? true : undefined;
}

function keysBesides(key: UserKey, identities: ProfileIdentities): UserKey[] {
  return keysOf(identities).filter((other) => identityText(other) !== identityText(key));
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

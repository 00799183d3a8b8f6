/**
 * The deletions of a run. Iterable deletes asynchronously: until the profile is gone, data written to one of its
 * identities (email address, user id) is lost with it, and no other user can take these identities.
 */
import type { Clock } from '../clock.ts';
import { TransientError } from '../errors.ts';
import { identityText, type DeletedIdentity, type UserKey } from '../model.ts';

/** The identities of a profile. */
export interface ProfileIdentities {
  readonly email?: string | null | undefined;
  readonly userId?: string | null | undefined;
}

export interface DeletionsOptions {
  readonly clock: Clock;
  /** Looks up the profile that has the identity now. */
  readonly lookUp: (key: UserKey) => Promise<ProfileIdentities | undefined>;
}

interface Noted {
  readonly at: number;
  /** Undefined for a deletion of another run. */
  readonly wasThere: boolean | undefined;
}

/** For this long after a deletion, the identities of the deleted user are looked up before they are written. */
export const MEMORY_MS = 10 * 60_000;
/** How long to wait until Iterable no longer shows a deleted user. */
const GONE_BUDGET_MS = 10 * 60_000;
const FIRST_POLL_MS = 250;
const MAX_POLL_MS = 10_000;

export class Deletions {
  readonly #options: DeletionsOptions;
  /** The identities named by the deletions, oldest first. */
  readonly #deleted = new Map<string, Noted>();
  /**
   * Other identities of the deleted users, according to records, the ledger and look-ups. Some may belong to other users, who
   * are not deleted.
   */
  readonly #others = new Map<string, Noted>();
  /** When a user was last deleted without its profile having been looked up. */
  #unseenAt = -Infinity;
  /** Waits in progress; entries don't expire during one. */
  #waits = 0;

  constructor(options: DeletionsOptions) {
    this.#options = options;
  }

  /** True while {@link concern} need not be called. */
  get isEmpty(): boolean {
    return this.#deleted.size === 0;
  }

  /**
   * Notes that a user was deleted.
   * @param by the identity that the deletion named
   * @param others the user's other identities; may include identities of other users
   * @param isSeen false when the profile was not looked up, so it may have an identity missing from `others`
   * @param wasThere false when Iterable had no such user
   */
  note(
    by: UserKey,
    others: readonly UserKey[],
    { isSeen, wasThere }: { readonly isSeen: boolean; readonly wasThere: boolean },
  ): void {
    const at = this.#options.clock.now();
    if (!isSeen) this.#unseenAt = at;
    this.#forgetOld(at);
    putLast(this.#deleted, identityText(by), { at, wasThere });
    for (const key of others) putLast(this.#others, identityText(key), { at, wasThere });
  }

  /** Notes the deletions of earlier runs, the oldest first. To be called before the first of this run. */
  noteEarlier(deleted: readonly (DeletedIdentity & { readonly agoMs: number })[]): void {
    const now = this.#options.clock.now();
    for (const { identity, isNamed, agoMs } of deleted) {
      putLast(isNamed ? this.#deleted : this.#others, identity, { at: now - agoMs, wasThere: undefined });
      // The ledger does not say whether the profile was looked up.
      this.#unseenAt = Math.max(this.#unseenAt, now - agoMs);
    }
  }

  /** True when one of the identities may still belong to a deleted user. */
  concern(keys: readonly UserKey[]): boolean {
    this.#forgetOld(this.#options.clock.now());
    return keys.some((key) => this.#mayBeDeleted(identityText(key)));
  }

  /**
   * Waits until none of the identities belongs to a deleted user at Iterable, and returns those that no user has then.
   * Throws TransientError when that takes longer than ten minutes, and whatever a look-up throws.
   */
  async waitUntilGone(keys: readonly UserKey[]): Promise<UserKey[]> {
    const gone: UserKey[] = [];
    for (const key of keys) {
      const identity = identityText(key);
      if (!this.#mayBeDeleted(identity)) continue;
      const holder = await this.waitWhile(
        key,
        (identities) => this.#deleted.has(identity) || this.areDeleted(identities),
      );
      this.#deleted.delete(identity);
      this.#others.delete(identity);
      if (!holder) gone.push(key);
    }
    return gone;
  }

  /** True when any identity at all may still belong to a deleted user, since a profile was deleted without a look-up. */
  get mayHideIdentities(): boolean {
    return this.#options.clock.now() - this.#unseenAt < MEMORY_MS;
  }

  /** Whether a user existed when a recent deletion named this identity; undefined without such a deletion. */
  wasThere(key: UserKey): boolean | undefined {
    this.#forgetOld(this.#options.clock.now());
    return this.#deleted.get(identityText(key))?.wasThere;
  }

  /** True if a deletion named one of these identities of a profile. */
  areDeleted(identities: readonly string[]): boolean {
    return identities.some((identity) => this.#deleted.has(identity));
  }

  /**
   * Polls for as long as `isGoing` is true for the profile that has the identity. Returns undefined if no profile has it any
   * longer, or else the identities ({@link identityText}) of the profile. Throws like {@link waitUntilGone}.
   * @param isGoing decides from a profile's identities whether to wait for its deletion
   */
  async waitWhile(
    key: UserKey,
    isGoing: (identities: readonly string[]) => boolean,
  ): Promise<readonly string[] | undefined> {
    const { clock, lookUp } = this.#options;
    const startedAt = clock.now();
    this.#waits++;
    try {
      for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(pollMs * 2, MAX_POLL_MS)) {
        const profile = await lookUp(key);
        if (!profile) return undefined;
        const identities = keysOf(profile).map(identityText);
        if (!isGoing(identities)) return identities;
        if (clock.now() - startedAt > GONE_BUDGET_MS) {
          throw new TransientError(
            'deletion_pending',
            'Iterable still shows a user ten minutes after deleting it, and a record writes the same user again. Run the sync again later.',
          );
        }
        await clock.sleep(pollMs);
      }
    } finally {
      this.#waits--;
    }
  }

  #mayBeDeleted(identity: string): boolean {
    return this.#deleted.has(identity) || this.#others.has(identity);
  }

  #forgetOld(now: number): void {
    if (this.#waits > 0) return;
    for (const identities of [this.#deleted, this.#others]) {
      for (const [identity, { at }] of identities) {
        if (now - at < MEMORY_MS) break;
        identities.delete(identity);
      }
    }
  }
}

/** The identities of a profile as keys. */
export function keysOf({ email, userId }: ProfileIdentities): UserKey[] {
  return [
    ...(email ? [{ kind: 'email', value: email.toLowerCase() } as const] : []),
    ...(userId ? [{ kind: 'userId', value: userId } as const] : []),
  ];
}

/** Sets the entry and moves it to the end: a Map iterates in insertion order. */
function putLast(identities: Map<string, Noted>, identity: string, noted: Noted): void {
  identities.delete(identity);
  identities.set(identity, noted);
}

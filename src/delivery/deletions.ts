/**
 * The deletions of a run. Deleting is asynchronous at Iterable: until the profile is gone, what is written to one of its
 * identities is lost with it, and no other user can have them.
 */
import type { Clock } from '../clock.ts';
import { TransientError } from '../errors.ts';
import { identityText, type UserKey } from '../model.ts';

/** The identities of a profile. */
export interface ProfileIdentities {
  readonly email?: string | null | undefined;
  readonly userId?: string | null | undefined;
}

export interface DeletionsOptions {
  readonly clock: Clock;
  /** The profile that has the identity now, as Iterable shows it. */
  readonly lookUp: (key: UserKey) => Promise<ProfileIdentities | undefined>;
}

interface Noted {
  readonly at: number;
  readonly wasThere: boolean;
}

/** For this long after a deletion the identities of its user are looked up before they are written. */
const MEMORY_MS = 10 * 60_000;
/** How long to wait for Iterable to show a deleted user gone. */
const GONE_BUDGET_MS = 10 * 60_000;
const FIRST_POLL_MS = 250;
const MAX_POLL_MS = 10_000;

export class Deletions {
  readonly #options: DeletionsOptions;
  /** Identities that users were deleted by, and when, oldest first. */
  readonly #deleted = new Map<string, Noted>();
  /** Identities that deleted users have besides, as far as records and ledger say: some may be those of other users, who stay. */
  readonly #others = new Map<string, Noted>();
  /** When a user was deleted last whose profile was not looked up. */
  #unseenAt = -Infinity;
  /** Nothing is forgotten meanwhile. */
  #waits = 0;

  constructor(options: DeletionsOptions) {
    this.#options = options;
  }

  /** True while no user need be asked for in {@link concern}. */
  get isEmpty(): boolean {
    return this.#deleted.size === 0;
  }

  /**
   * A user was deleted.
   * @param by what the deletion named
   * @param others what else the user is known by; may hold identities of other users
   * @param isSeen false when the profile was not looked up, so that it may have an identity that is not among the others
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

  /** True when one of the identities may still be that of a deleted user. */
  concern(keys: readonly UserKey[]): boolean {
    this.#forgetOld(this.#options.clock.now());
    return keys.some((key) => this.#mayBeDeleted(identityText(key)));
  }

  /**
   * Waits until Iterable shows none of the identities as a deleted user's; gives those that no user has then. Throws
   * TransientError when that takes longer than ten minutes, and what a call throws.
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

  /** True when any identity may still be that of a deleted user. */
  get mayHideIdentities(): boolean {
    return this.#options.clock.now() - this.#unseenAt < MEMORY_MS;
  }

  /** Whether there was such a user when a deletion named this identity lately; undefined where none did. */
  wasThere(key: UserKey): boolean | undefined {
    this.#forgetOld(this.#options.clock.now());
    return this.#deleted.get(identityText(key))?.wasThere;
  }

  /** True for the identities of a profile that was deleted. */
  areDeleted(identities: readonly string[]): boolean {
    return identities.some((identity) => this.#deleted.has(identity));
  }

  /**
   * Looks the identity up until no profile has it, or one that need not be waited for; gives the identities
   * ({@link identityText}) of the latter. Throws as {@link waitUntilGone}.
   * @param isGoing told of the identities of the profile that has it
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

/** What a profile is known by. */
export function keysOf({ email, userId }: ProfileIdentities): UserKey[] {
  return [
    ...(email ? [{ kind: 'email', value: email.toLowerCase() } as const] : []),
    ...(userId ? [{ kind: 'userId', value: userId } as const] : []),
  ];
}

/** Maps keep the order in which their keys came. */
function putLast(identities: Map<string, Noted>, identity: string, noted: Noted): void {
  identities.delete(identity);
  identities.set(identity, noted);
}

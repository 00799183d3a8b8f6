/**
 * Knows which users exist in Iterable: by single look-ups for a few, by one export of all identities for many. What this
 * run itself has written or deleted takes precedence, since Iterable's reads lag behind its writes.
 */
import type { Clock } from '../clock.ts';
import type { IterableClient, UserIdentity } from '../iterable/client.ts';
import type { IterableUser } from '../iterable/schemas.ts';
import { identityText, type UserKey } from '../model.ts';
import type { Caller } from './caller.ts';
import { keysOf } from './deletions.ts';
import { hash53, IdentityTable } from './identity-table.ts';
import { lookUp } from './look-up.ts';

export interface KnownUsersOptions {
  readonly clock: Clock;
  /** The kinds of identity to export. */
  readonly identities: readonly UserIdentity[];
  /** The maximum number of single look-ups of a run; when more are needed, all users are exported instead. */
  readonly maxLookUps: number;
  /** Called after each export. */
  readonly onExported?: (users: number) => void;
}

/** An export does not show users that others create or delete in Iterable afterwards, so it expires. */
const EXPORT_LIFETIME_MS = 30 * 60_000;

/** A user that exists. */
export interface FoundUser {
  /** Present if the user was looked up. */
  readonly profile?: IterableUser;
}

const GONE = 0;
const THERE = 1;
const FIRST_OWNER = 2;

export class KnownUsers {
  readonly #caller: Caller;
  readonly #client: IterableClient;
  readonly #options: KnownUsersOptions;
  /** An export contained no user, which is far more likely a fault than the truth; so it is not used. */
  #isExportEmpty = false;
  /** What this run did: identity → GONE, THERE, or the number of its owner ({@link ownerNumber}). */
  readonly #done = new IdentityTable();
  #lookUps = 0;
  #export: { readonly everyone: Promise<IdentityTable>; readonly startedAt: number } | undefined;

  constructor(caller: Caller, client: IterableClient, options: KnownUsersOptions) {
    this.#caller = caller;
    this.#client = client;
    this.#options = options;
  }

  /** Returns those of the identities ({@link identityText}) that exist. Throws whatever {@link Caller.call} throws. */
  async findExisting(keys: readonly UserKey[]): Promise<Set<string>> {
    const found = new Set<string>();
    const unknown = new Map<string, UserKey>();
    for (const key of keys) {
      const done = this.#done.get(identityText(key));
      if (done === undefined) unknown.set(identityText(key), key);
      else if (done !== GONE) found.add(identityText(key));
    }
    if (unknown.size === 0) return found;
    const find = await this.#reader(unknown.size);
    await Promise.all(
      [...unknown].map(async ([identity, key]) => {
        if (await find(key)) found.add(identity);
      }),
    );
    return found;
  }

  /** True as long as users are looked up one by one. */
  get looksUp(): boolean {
    return this.#isExportEmpty || (!this.#export && this.#lookUps < this.#options.maxLookUps);
  }

  /** The user that has the identity, if there is one. Throws whatever {@link Caller.call} throws. */
  async find(key: UserKey): Promise<FoundUser | undefined> {
    const done = this.#done.get(identityText(key));
    if (done !== undefined) return done === GONE ? undefined : {};
    const find = await this.#reader(1);
    return find(key);
  }

  /**
   * Notes that the identity exists from now on, written by the records of this owner.
   * @param owner the same for all records of one person; undefined if the identity belongs to no particular one
   */
  markExists(key: UserKey, owner: string | undefined): void {
    this.#done.set(identityText(key), owner === undefined ? THERE : ownerNumber(owner));
  }

  noteGone(key: UserKey): void {
    this.#done.set(identityText(key), GONE);
  }

  /** Looks the identity up even if it was noted as existing, since a call whose answer was lost may have removed it. */
  async recheck(key: UserKey): Promise<void> {
    if (!(await this.#lookUp(key))) this.noteGone(key);
  }

  /** True when the identity now belongs to an earlier record of another person. */
  isOwnedByAnother(key: UserKey, owner: string | undefined): boolean {
    const holder = this.#done.get(identityText(key));
    if (holder === undefined || holder < FIRST_OWNER || owner === undefined) return false;
    return holder !== ownerNumber(owner);
  }

  async #reader(
    asked: number,
  ): Promise<(key: UserKey) => FoundUser | undefined | Promise<FoundUser | undefined>> {
    const { clock, maxLookUps } = this.#options;
    const isStale = this.#export && clock.now() - this.#export.startedAt > EXPORT_LIFETIME_MS;
    if (isStale) this.#export = undefined;
    const mayLookUp = !this.#export && !isStale && this.#lookUps + asked <= maxLookUps;
    if (this.#isExportEmpty || mayLookUp) {
      this.#lookUps += asked;
      return (key) => this.#lookUp(key);
    }
    this.#export ??= { everyone: this.#exportEveryone(), startedAt: clock.now() };
    const everyone = await this.#export.everyone;
    if (everyone.size === 0) {
      this.#isExportEmpty = true;
      return (key) => this.#lookUp(key);
    }
    return (key) => (everyone.get(identityText(key)) === undefined ? undefined : {});
  }

  async #lookUp(key: UserKey): Promise<FoundUser | undefined> {
    const profile = await this.#caller.call(lookUp(this.#client, key));
    return profile && { profile };
  }

  async #exportEveryone(): Promise<IdentityTable> {
    const { identities, onExported } = this.#options;
    let users = 0;
    const everyone = await this.#caller.call(
      this.#client.exportUsers(identities, () => {
        const table = new IdentityTable();
        users = 0;
        return {
          add: (user) => {
            users++;
            for (const key of keysOf(user)) table.set(identityText(key), THERE);
          },
          done: () => table,
        };
      }),
    );
    onExported?.(users);
    return everyone;
  }
}

/** A number for an owner; the chance that two owners share one is 1 in 4,000,000,000. */
function ownerNumber(owner: string): number {
  return FIRST_OWNER + Math.floor((hash53(owner) / 2 ** 53) * (2 ** 32 - FIRST_OWNER));
}

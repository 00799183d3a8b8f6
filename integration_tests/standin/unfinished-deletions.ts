/** Deletions that are not finished: the profile keeps its address and id for a while, and look-ups still show it. */
import type { Identity } from './identities.ts';
import type { PlainUser } from './store.ts';

export class UnfinishedDeletions {
  readonly #lookUps: number;
  /** Each profile is stored under all its identities, which are removed together. */
  readonly #users = new Map<string, { readonly user: PlainUser; lookUps: number }>();

  /** @param lookUps how many more look-ups show a deleted user */
  constructor(lookUps: number) {
    this.#lookUps = lookUps;
  }

  add(users: readonly PlainUser[]): void {
    if (this.#lookUps === 0) return;
    for (const user of users) {
      const shown = { user, lookUps: this.#lookUps };
      for (const key of keysOf(user)) this.#users.set(key, shown);
    }
  }

  /** Counts a look-up; returns the deleted user if the look-up still shows it. */
  lookUp(identity: Identity): PlainUser | undefined {
    for (const key of keysOf(identity)) {
      const shown = this.#users.get(key);
      if (!shown) continue;
      shown.lookUps--;
      if (shown.lookUps <= 0) for (const own of keysOf(shown.user)) this.#users.delete(own);
      return shown.user;
    }
    return undefined;
  }

  has(identity: Identity): boolean {
    return keysOf(identity).some((key) => this.#users.has(key));
  }
}

/** Map keys for an identity: addresses are compared in lower case, user ids exactly. */
export function keysOf({ email, userId }: Identity): string[] {
  return [
    ...(email === undefined ? [] : [`email:${email.toLowerCase()}`]),
    ...(userId === undefined ? [] : [`userId:${userId}`]),
  ];
}

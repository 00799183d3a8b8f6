/** Deletions that are under way: the profile still has its address and its id for a while, and look-ups show it. */
import type { Identity } from './identities.ts';
import type { PlainUser } from './store.ts';

export class Fading {
  readonly #lookUps: number;
  /** A profile is in it under each of its identities, and goes as a whole. */
  readonly #users = new Map<string, { readonly user: PlainUser; lookUps: number }>();

  /** Each user is shown by this many look-ups more. */
  constructor(lookUps: number) {
    this.#lookUps = lookUps;
  }

  add(users: readonly PlainUser[]): void {
    if (this.#lookUps === 0) return;
    for (const user of users) {
      const fading = { user, lookUps: this.#lookUps };
      for (const key of keysOf(user)) this.#users.set(key, fading);
    }
  }

  /** The deleted user that one more look-up shows. */
  lookUp(identity: Identity): PlainUser | undefined {
    for (const key of keysOf(identity)) {
      const fading = this.#users.get(key);
      if (!fading) continue;
      fading.lookUps--;
      if (fading.lookUps <= 0) for (const own of keysOf(fading.user)) this.#users.delete(own);
      return fading.user;
    }
    return undefined;
  }

  has(identity: Identity): boolean {
    return keysOf(identity).some((key) => this.#users.has(key));
  }
}

/** An identity as keys of maps: addresses are compared in lower case, ids exactly. */
export function keysOf({ email, userId }: Identity): string[] {
  return [
    ...(email === undefined ? [] : [`email:${email.toLowerCase()}`]),
    ...(userId === undefined ? [] : [`userId:${userId}`]),
  ];
}

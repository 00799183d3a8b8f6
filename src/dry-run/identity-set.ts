import type { Identities } from '../model.ts';

/** Users, by either identity. */
export class IdentitySet {
  readonly #emails = new Set<string>();
  readonly #userIds = new Set<string>();

  add({ email, userId }: Identities): void {
    if (email !== undefined) this.#emails.add(email);
    if (userId !== undefined) this.#userIds.add(userId);
  }

  has({ email, userId }: Identities): boolean {
    return (
      (email !== undefined && this.#emails.has(email)) || (userId !== undefined && this.#userIds.has(userId))
    );
  }
}

/**
 * Rows that hold a user by an identity which the ledger does not have of it. Where one stream knows users by address and another by
 * user id, only the profile in Iterable tells that two of their rows are one person: one lookup before such a user is removed.
 */
import type { Person, UserRemover } from '../delivery/remove-users.ts';
import type { ChangeDetector } from '../diff/change-detector.ts';
import { identitiesIn, type Keepers } from '../diff/holds.ts';

export interface HeldOtherwiseOptions {
  readonly remover: Pick<UserRemover, 'lookUp'>;
  readonly detector: Pick<ChangeDetector, 'identifiesBothWays' | 'keepersOf'>;
}

const NONE: Keepers = [];

/** Throws what a lookup or the ledger throws. */
export async function keepersByProfile(
  { key, others }: Pick<Person, 'key' | 'others'>,
  { remover, detector }: HeldOtherwiseOptions,
): Promise<Keepers> {
  const isWhollyKnown = others.some(({ kind }) => kind !== key.kind);
  if (!detector.identifiesBothWays || isWhollyKnown) return NONE;
  const profile = await remover.lookUp(key);
  const { email, userId } = profile ?? {};
  if (!email || !userId) return NONE;
  const other = key.kind === 'email' ? { userId } : { email: email.toLowerCase() };
  return detector.keepersOf(identitiesIn(other));
}

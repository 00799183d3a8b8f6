/**
 * Rows that hold a user by an identity which the ledger does not have of it. Where one stream knows users by address and another by
 * user id, only the profile in Iterable tells that two of their rows are one person: one lookup before such a user is removed.
 */
import type { UserRemover } from '../delivery/remove-users.ts';
import type { ChangeDetector } from '../diff/change-detector.ts';
import { identitiesIn, type Keepers } from '../diff/holds.ts';
import type { Removal } from '../model.ts';

export interface HeldOtherwiseOptions {
  readonly remover: Pick<UserRemover, 'identify' | 'lookUp'>;
  readonly detector: Pick<ChangeDetector, 'identifiesBothWays' | 'keepersOf'>;
}

const NONE: Keepers = [];

/** Throws what a lookup or the ledger throws. */
export async function keepersByProfile(
  removal: Removal,
  { remover, detector }: HeldOtherwiseOptions,
): Promise<Keepers> {
  // First, since to identify a user may take calls.
  if (!detector.identifiesBothWays) return NONE;
  const person = await remover.identify(removal);
  if ('code' in person) return NONE;
  const { key, others } = person;
  const isWhollyKnown = others.some(({ kind }) => kind !== key.kind);
  if (isWhollyKnown) return NONE;
  const profile = await remover.lookUp(key);
  const { email, userId } = profile ?? {};
  if (!email || !userId) return NONE;
  const other = key.kind === 'email' ? { userId } : { email: email.toLowerCase() };
  return detector.keepersOf(identitiesIn(other));
}

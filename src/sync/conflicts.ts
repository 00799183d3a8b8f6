/**
 * Upserts that Iterable refused as conflicts. A deleted user may still have the address or the id: once it is gone, the upsert
 * is no longer refused.
 */
import type { UserRequest } from '../batching/user-request.ts';
import type { Deletions } from '../delivery/deletions.ts';
import type { Rejection, UserKey } from '../model.ts';
import type { PendingWork } from './pending-record.ts';
import type { RemovalLane } from './removal-lane.ts';

export interface ConflictsOptions {
  readonly deletions: Deletions;
  readonly removals: Pick<RemovalLane, 'isEmpty' | 'isRemoving'>;
}

export class Conflicts {
  readonly #options: ConflictsOptions;
  /** Works that have been sent once more. */
  readonly #sentAgain = new WeakSet<PendingWork>();

  constructor(options: ConflictsOptions) {
    this.#options = options;
  }

  /** True for a refused upsert that {@link isFreed} has to be asked about. */
  concern(work: PendingWork, request: UserRequest, rejection: Rejection): boolean {
    const { deletions, removals } = this.#options;
    if (rejection.code !== 'conflict' || this.#sentAgain.has(work)) return false;
    if (!removals.isEmpty || deletions.mayHideIdentities) return true;
    return !deletions.isEmpty && deletions.concern(wantedKeys(request, rejection));
  }

  /**
   * Waits while a deleted user has what the upsert was refused for, whatever the deletion was known by. True when the upsert is
   * to be sent once more. Throws what a call throws, and TransientError after ten minutes.
   */
  async isFreed(work: PendingWork, request: UserRequest, rejection: Rejection): Promise<boolean> {
    const { deletions, removals } = this.#options;
    this.#sentAgain.add(work);
    let isFreed = false;
    for (const key of wantedKeys(request, rejection)) {
      const isFree = await deletions.waitWhile(
        key,
        (identities) => deletions.areDeleted(identities) || removals.isRemoving(identities),
      );
      isFreed ||= isFree;
    }
    return isFreed;
  }
}

/** What the request would have given its user, and what may therefore be another user's. */
function wantedKeys({ newEmail, newUserId }: UserRequest, { field }: Rejection): UserKey[] {
  const wanted: UserKey[] = [
    ...(newEmail === undefined ? [] : [{ kind: 'email', value: newEmail } as const]),
    ...(newUserId === undefined ? [] : [{ kind: 'userId', value: newUserId } as const]),
  ];
  const named = wanted.filter(({ kind }) => kind === field);
  return named.length > 0 ? named : wanted;
}

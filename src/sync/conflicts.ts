/**
 * Upserts that Iterable refused as conflicts: of some the obstacle goes by itself, others go without what is refused.
 */
import type { UserRequest } from '../batching/user-request.ts';
import type { Deletions } from '../delivery/deletions.ts';
import { plainObject } from '../mapping/paths.ts';
import { isInDoubt } from '../diff/row.ts';
import { identityText, type Rejection, type TargetValues, type UserKey } from '../model.ts';
import type { PendingWork } from './pending-record.ts';
import type { RemovalLane } from './removal-lane.ts';
import type { UpsertPlanner } from './upsert-planner.ts';

export interface ConflictsOptions {
  readonly deletions: Deletions;
  readonly removals: Pick<RemovalLane, 'isEmpty' | 'isRemoving'>;
  /** Where changes of address are planned. */
  readonly planner: Pick<UpsertPlanner, 'isTaken'> | undefined;
}

/**
 * - `again`: a deleted user had the address or the id, and is gone.
 * - `without user id`: the address is that of another profile than the user id, since the user had another address before.
 * - `refused`: a living user is in the way.
 */
export type ConflictVerdict = 'again' | 'without user id' | 'refused';

export class Conflicts {
  readonly #options: ConflictsOptions;
  /** Works that have been sent once more. */
  readonly #sentAgain = new WeakSet<PendingWork>();

  constructor(options: ConflictsOptions) {
    this.#options = options;
  }

  /** True for a refused upsert that {@link judge} has to be asked about. */
  concern(work: PendingWork, request: UserRequest, rejection: Rejection): boolean {
    if (rejection.code !== 'conflict') return false;
    return this.#mayBeDeleted(work, request, rejection) || this.#mayLeaveOutId(work, request, rejection);
  }

  /**
   * Looks up which users have what the upsert was refused for, and waits while it is a deleted one, whatever the deletion was
   * known by. Throws what a call throws, and TransientError after ten minutes.
   */
  async judge(work: PendingWork, request: UserRequest, rejection: Rejection): Promise<ConflictVerdict> {
    const { deletions, removals } = this.#options;
    let isFreed = false;
    let holderOfId: readonly string[] | undefined;
    for (const key of wantedKeys(request, rejection)) {
      const holder = await deletions.waitWhile(
        key,
        (identities) => deletions.areDeleted(identities) || removals.isRemoving(identities),
      );
      isFreed ||= holder === undefined;
      if (key.kind === 'userId') holderOfId = holder;
    }
    if (isFreed && !this.#sentAgain.has(work)) {
      this.#sentAgain.add(work);
      return 'again';
    }
    const mayLeaveOut = holderOfId && this.#mayLeaveOutId(work, request, rejection);
    return mayLeaveOut && isFormerProfile(holderOfId ?? [], work) ? 'without user id' : 'refused';
  }

  #mayBeDeleted(work: PendingWork, request: UserRequest, rejection: Rejection): boolean {
    const { deletions, removals } = this.#options;
    if (this.#sentAgain.has(work)) return false;
    if (!removals.isEmpty || deletions.mayHideIdentities) return true;
    return !deletions.isEmpty && deletions.concern(wantedKeys(request, rejection));
  }

  /** True for a user id that was refused at an address whose profile the user did not have before. */
  #mayLeaveOutId(
    work: PendingWork,
    { key, newEmail, newUserId }: UserRequest,
    { field }: Rejection,
  ): boolean {
    const isId =
      key.kind === 'email' && newEmail === undefined && newUserId !== undefined && field !== 'email';
    return isId && (this.#options.planner?.isTaken(work) === true || wasLeftOut(work));
  }
}

/** The values without the user id. */
export function withoutUserId(values: TargetValues): TargetValues {
  const others = Object.assign(plainObject(), values);
  delete others.userId;
  return others;
}

/** Whether the profile that has the user id is the one that the user had before. */
function isFormerProfile(holder: readonly string[], { change }: PendingWork): boolean {
  if (change.kind !== 'upsert') return false;
  const { key, previousEmail } = change;
  if (previousEmail === undefined) return !holder.includes(identityText(key));
  return holder.includes(identityText({ kind: 'email', value: previousEmail }));
}

/** Whether the ledger says that the row was delivered to just this address with just this id: then the id was left out before, too. */
function wasLeftOut({ change, records }: PendingWork): boolean {
  const held = records.at(-1)?.row?.held;
  if (!held || isInDoubt(held) || change.kind !== 'upsert' || change.previousEmail !== undefined)
    return false;
  return held.email === change.key.value && held.userId !== undefined && held.userId === change.values.userId;
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

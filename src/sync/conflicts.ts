/**
 * Upserts that Iterable refused as conflicts: of some the obstacle goes by itself, others go without what is refused.
 */
import type { UserRequest } from '../batching/user-request.ts';
import type { Deletions } from '../delivery/deletions.ts';
import { plainObject } from '../mapping/paths.ts';
import { isUnconfirmed } from '../diff/row.ts';
import { identityText, type Rejection, type TargetValues, type UserKey } from '../model.ts';
import type { DeletionTasks } from './deletion-tasks.ts';
import type { Task } from './task.ts';

export interface ConflictsOptions {
  readonly deletions: Deletions;
  readonly deletionTasks: DeletionTasks;
}

/**
 * - `again`: a deleted user had the address or the id, and is gone.
 * - `without user id`: the address is that of another profile than the user id, since the user had another address before.
 * - `refused`: a living user is in the way.
 */
export type ConflictResolution = 'again' | 'without user id' | 'refused';

export class Conflicts {
  readonly #options: ConflictsOptions;

  constructor(options: ConflictsOptions) {
    this.#options = options;
  }

  /** True for a refused upsert that {@link resolve} has to look into. */
  concern(task: Task, request: UserRequest, rejection: Rejection): boolean {
    if (rejection.code !== 'conflict') return false;
    return this.#mayBeDeleted(task, request, rejection) || this.#mayLeaveOutId(task, request, rejection);
  }

  /**
   * Looks up which users have what the upsert was refused for, and waits while it is a deleted one, whatever the deletion was
   * known by. Throws what a call throws, and TransientError after ten minutes.
   */
  async resolve(task: Task, request: UserRequest, rejection: Rejection): Promise<ConflictResolution> {
    const { deletions, deletionTasks } = this.#options;
    let isFreed = false;
    let holderOfId: readonly string[] | undefined;
    for (const key of wantedKeys(request, rejection)) {
      const holder = await deletions.waitWhile(
        key,
        (identities) => deletions.areDeleted(identities) || deletionTasks.touch(identities),
      );
      isFreed ||= holder === undefined;
      if (key.kind === 'userId') holderOfId = holder;
    }
    if (isFreed && !task.isSentAgain) {
      task.isSentAgain = true;
      return 'again';
    }
    const mayLeaveOut = holderOfId && this.#mayLeaveOutId(task, request, rejection);
    return mayLeaveOut && isFormerProfile(holderOfId ?? [], task) ? 'without user id' : 'refused';
  }

  #mayBeDeleted(task: Task, request: UserRequest, rejection: Rejection): boolean {
    const { deletions, deletionTasks } = this.#options;
    if (task.isSentAgain) return false;
    if (!deletionTasks.isEmpty || deletions.mayHideIdentities) return true;
    return !deletions.isEmpty && deletions.concern(wantedKeys(request, rejection));
  }

  /** True for a user id that was refused at an address whose profile the user did not have before. */
  #mayLeaveOutId(
    task: Task,
    { key, newEmail, newUserId }: UserRequest,
    { field }: Rejection,
  ): boolean {
    const isId =
      key.kind === 'email' && newEmail === undefined && newUserId !== undefined && field !== 'email';
    return isId && (task.staysBehind || heldAddress(task) !== undefined);
  }
}

/** The values without the user id. */
export function withoutUserId(values: TargetValues): TargetValues {
  const others = Object.assign(plainObject(), values);
  delete others.userId;
  return others;
}

/** Whether the profile that has the user id is the one that the user had before. */
function isFormerProfile(holder: readonly string[], task: Task): boolean {
  const { change } = task;
  if (change.kind !== 'upsert') return false;
  const { key } = change;
  const formerEmail = change.previousEmail ?? heldAddress(task);
  // Delivered to this very address before, with this id: then the id was left out then, too.
  if (formerEmail === undefined || formerEmail === key.value) return !holder.includes(identityText(key));
  return holder.includes(identityText({ kind: 'email', value: formerEmail }));
}

/** The address that the row was delivered to with just this id, as the ledger says; the profile there may be another row's by now. */
function heldAddress({ change, records }: Task): string | undefined {
  const held = records.at(-1)?.row?.entry;
  if (!held || isUnconfirmed(held) || change.kind !== 'upsert') return undefined;
  return held.userId !== undefined && held.userId === change.values.userId ? held.email : undefined;
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

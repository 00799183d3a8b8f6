/** Upserts that Iterable refused as conflicts. Some go once a deleted user is gone; others go without the user id in conflict. */
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
 * - `again`: a deleted user had the address or the id, and is gone now.
 * - `without user id`: the address is that of another profile than the user id, since the user had another address before.
 * - `refused`: another user has the address or the id.
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
   * Looks up which user has the identity in conflict, and waits while that user is being deleted, by whatever identity. Throws what a call throws, and TransientError after ten minutes.
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
    return mayLeaveOut && isPreviousProfile(holderOfId ?? [], task) ? 'without user id' : 'refused';
  }

  #mayBeDeleted(task: Task, request: UserRequest, rejection: Rejection): boolean {
    const { deletions, deletionTasks } = this.#options;
    if (task.isSentAgain) return false;
    if (!deletionTasks.isEmpty || deletions.mayHideIdentities) return true;
    return !deletions.isEmpty && deletions.concern(wantedKeys(request, rejection));
  }

  /** True for a user id in conflict at an address that the user did not have before. */
  #mayLeaveOutId(task: Task, { key, newEmail, newUserId }: UserRequest, { field }: Rejection): boolean {
    const isId =
      key.kind === 'email' && newEmail === undefined && newUserId !== undefined && field !== 'email';
    return isId && (task.staysBehind || ledgerAddress(task) !== undefined);
  }
}

/** The values without the user id. */
export function withoutUserId(values: TargetValues): TargetValues {
  const others = Object.assign(plainObject(), values);
  delete others.userId;
  return others;
}

/** Whether the profile with the user id is the one at the previous address of the user. */
function isPreviousProfile(holder: readonly string[], task: Task): boolean {
  const { change } = task;
  if (change.kind !== 'upsert') return false;
  const { key } = change;
  const previousEmail = change.previousEmail ?? ledgerAddress(task);
  // The user was delivered to this address before, with this id: the id was left out that time, too.
  if (previousEmail === undefined || previousEmail === key.value) return !holder.includes(identityText(key));
  return holder.includes(identityText({ kind: 'email', value: previousEmail }));
}

/** The address that the row was delivered to with this id, as the ledger says. The profile there may belong to another row by now. */
function ledgerAddress({ change, records }: Task): string | undefined {
  const held = records.at(-1)?.row?.entry;
  if (!held || isUnconfirmed(held) || change.kind !== 'upsert') return undefined;
  return held.userId !== undefined && held.userId === change.values.userId ? held.email : undefined;
}

/** The identities that the request would have given its user: those that another user may have. */
function wantedKeys({ newEmail, newUserId }: UserRequest, { field }: Rejection): UserKey[] {
  const wanted: UserKey[] = [
    ...(newEmail === undefined ? [] : [{ kind: 'email', value: newEmail } as const]),
    ...(newUserId === undefined ? [] : [{ kind: 'userId', value: newUserId } as const]),
  ];
  const named = wanted.filter(({ kind }) => kind === field);
  return named.length > 0 ? named : wanted;
}

/** Removes one user: by deleting it, or by taking it off its lists. */
import type { UserRemover } from '../../delivery/remove-users.ts';
import { deletedIdentities, type Rejection, type Removal } from '../../model.ts';
import { listsBesides } from '../../diff/holds.ts';
import type { TaskResult } from '../outcomes.ts';
import { end, leaveLists, type Go } from '../steps.ts';
import type { TaskLedger } from '../task-ledger.ts';
import { removalOf, type Leaver, type Task } from '../task.ts';
import type { UpsertRoutes } from '../upsert-routes.ts';

export interface RemoveContext {
  readonly remover: UserRemover;
  readonly removal: 'delete_user' | 'remove_from_lists';
  /** Where some upserts need to know something first. */
  readonly routes: UpsertRoutes | undefined;
  /** With a ledger: who is to be removed at all. */
  readonly ledger: TaskLedger | undefined;
}

/** Throws what a call or the ledger throws. */
export async function removeUser(task: Task, context: RemoveContext, go: Go): Promise<void> {
  const { ledger } = context;
  const removal = removalOf(task);
  if (!ledger) {
    await remove(task, { removals: [removal] }, context, go);
    return;
  }
  const decision = await ledger.decideRemoval(task, removal);
  const { skip, leaves } = decision;
  if (leaves.length > 0 || !skip) await ledger.markUnconfirmed([task]);
  if (skip && leaves.length === 0) go(task, end(skip));
  else await remove(task, decision, context, go);
}

interface Removals {
  /** More than one user where the record names another one than its row was until now. */
  readonly removals: readonly Removal[];
  /** Users who stay in Iterable, but leave lists. */
  readonly leaves?: readonly Removal[];
  readonly skip?: TaskResult;
}

async function remove(
  task: Task,
  { removals: decided, leaves = [], skip: noneIsRemoved }: Removals,
  context: RemoveContext,
  go: Go,
): Promise<void> {
  const { remover, removal, routes } = context;
  const { removals, leaving } = await withoutHeldOtherwise(task, decided, context);
  const skip = noneIsRemoved ?? (removals.length === 0 && decided.length > 0 ? HELD : undefined);
  leaving.push(...leaves);
  let refused: Rejection | undefined;
  let removedOne = false;
  if (removal === 'remove_from_lists') leaving.unshift(...removals);
  else {
    // One who is there is enough for the record to have removed a user.
    const isExported = removals.some((user) => user.isExported);
    for (const user of removals) {
      const deleted = await remover.remove({ ...user, isExported });
      if ('code' in deleted) refused = deleted;
      else {
        routes?.noteRemoved(deleted.key);
        task.deleted = [...task.deleted, ...deletedIdentities(deleted.key, deleted.others)];
      }
      removedOne ||= 'key' in deleted && deleted.wasThere;
    }
  }
  const leavers: Leaver[] = [];
  for (const user of leaving) {
    const leaver = await remover.identify(user);
    if ('code' in leaver) refused = leaver;
    else leavers.push({ key: leaver.key, lists: user.lists ?? [] });
  }
  const removedNone = removal === 'delete_user' && removals.length > 0 && !removedOne;
  go(task, leaveLists(leavers, refused ?? skip ?? (removedNone ? 'not_there' : undefined)));
}

const HELD = 'held_by_another_row' satisfies TaskResult;

/** Users whom another row holds by an identity that only Iterable knows stay: they leave the lists that no such row names. */
async function withoutHeldOtherwise(
  task: Task,
  users: readonly Removal[],
  { remover, ledger }: RemoveContext,
): Promise<{ readonly removals: readonly Removal[]; readonly leaving: Removal[] }> {
  if (!ledger) return { removals: users, leaving: [] };
  const removals: Removal[] = [];
  const leaving: Removal[] = [];
  for (const user of users) {
    const keepers = await ledger.keepersByProfile(user, remover);
    if (keepers.length === 0) {
      removals.push(user);
      continue;
    }
    const lists = listsBesides(user.lists ?? [], keepers);
    if (lists.length > 0) leaving.push({ ...user, lists });
    if (task.removal) task.removal = { ...task.removal, stale: [...task.removal.stale, ...keepers] };
  }
  return { removals, leaving };
}

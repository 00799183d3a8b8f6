/** An upsert of a user who was just deleted: Iterable deletes later than it answers, and what is written before that is lost. */
import type { Deletions } from '../../delivery/deletions.ts';
import { identityText, type Upsert } from '../../model.ts';
import type { Task } from '../task.ts';
import type { TaskLedger } from '../task-ledger.ts';
import { touchedKeys } from '../touched-identities.ts';
import type { UpsertRoutes } from '../upsert-routes.ts';

/** True for an upsert that may write a user who was just deleted: it has to be seen first that the user is gone. */
export function mayBeDeleted(change: Upsert, deletions: Deletions): boolean {
  return !deletions.isEmpty && deletions.concern(touchedKeys(change));
}

/** Resolves when no deleted user has one of the task's identities. Throws what a lookup or the ledger throws. */
export async function waitUntilGone(
  task: Task,
  {
    deletions,
    routes,
    ledger,
  }: {
    readonly deletions: Deletions;
    readonly routes: UpsertRoutes | undefined;
    readonly ledger: Pick<TaskLedger, 'noteFree'> | undefined;
  },
): Promise<void> {
  const keys = touchedKeys(task.change);
  const gone = await deletions.waitUntilGone(keys);
  // From now on another user may have them: a later run must not wait until that one is gone.
  await ledger?.noteFree(keys.map(identityText));
  // Whatever the ledger knows of the user, Iterable has nothing of it.
  if (gone.length > 0) task.isSentWhole = true;
  for (const key of gone) routes?.noteRemoved(key);
}

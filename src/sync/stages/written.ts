/** What follows once Iterable has accepted a user. */
import type { UserRemover } from '../../delivery/remove-users.ts';
import type { UserKey } from '../../model.ts';
import { listsOf, type Step } from '../steps.ts';
import { upsertOf, type Task } from '../task.ts';
import type { UpsertRoutes } from '../upsert-routes.ts';

export interface WrittenContext {
  /** Where some upserts need to know something first. */
  readonly routes: UpsertRoutes | undefined;
  readonly remover: Pick<UserRemover, 'noteWritten'>;
}

/**
 * Notes that the user is in Iterable; the lists are next.
 * @param key how the user is named now
 */
export function written(task: Task, key: UserKey, { routes, remover }: WrittenContext): Step {
  if (routes) routes.noteWritten(task);
  else remover.noteWritten(upsertOf(task));
  task.isWritten = true;
  return listsOf(task, key);
}

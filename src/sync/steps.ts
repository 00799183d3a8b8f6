/** The steps of a task. A stage says which one comes next; the dispatcher takes the task there. */
import type { UserRequest } from '../batching/user-request.ts';
import type { ListChange } from '../delivery/list-members.ts';
import type { Rejection, UserKey } from '../model.ts';
import { listChanges, type TaskResult } from './outcomes.ts';
import type { Leaver, Task } from './task.ts';
import type { Route } from './upsert-routes.ts';

export type Step =
  /** A user with one of its identities was just deleted: waits until that user is gone. */
  | { readonly kind: 'wait' }
  /** Waits for a batch of upserts that need to know something before they are sent. */
  | RouteStep
  /** Waits for a bulk call. */
  | BulkStep
  /** Waits for calls of its own. */
  | SingleStep
  /** Waits for its deletion. */
  | { readonly kind: 'remove' }
  /** Iterable refused it as a conflict that may pass. */
  | ConflictStep
  /** Waits for the changes of the user's lists. */
  | ListsStep
  | EndStep;

export interface RouteStep {
  readonly kind: 'route';
  readonly request: UserRequest;
  readonly isLate: boolean;
}

export interface BulkStep {
  readonly kind: 'bulk';
  readonly request: UserRequest;
  /** It has waited elsewhere, and may wait for others like it, but not for long. */
  readonly isLate: boolean;
}

/**
 * - `write`: writes the user by a call of its own.
 * - `move`: gives the profile at the previous address the new one, then writes the user.
 * - `write in bulk`: the profile could not move: the user goes in bulk as it is.
 */
export type SingleCalls = 'write' | 'move' | 'write in bulk';

export interface SingleStep {
  readonly kind: 'single';
  readonly calls: SingleCalls;
}

export interface ConflictStep {
  readonly kind: 'conflict';
  readonly request: UserRequest;
  readonly rejection: Rejection;
}

export interface ListsStep {
  readonly kind: 'lists';
  /** Who changes lists. */
  readonly key: UserKey;
  readonly changes: readonly ListChange[];
  /** What follows when all are made. */
  readonly then: ListsStep | EndStep;
}

export interface EndStep {
  readonly kind: 'end';
  readonly result: TaskResult;
}

/** Takes a task to its next step, at once. */
export type Go = (task: Task, step: Step) => void;

const DELIVERED: EndStep = { kind: 'end', result: undefined };

export function end(result: TaskResult): EndStep {
  return { kind: 'end', result };
}

/** In another bulk call than the first that it could have gone in. */
export function bulkAgain(request: UserRequest): BulkStep {
  return { kind: 'bulk', request, isLate: true };
}

/** By these calls the upsert reaches Iterable, or by none. */
export function routeStep(route: Exclude<Route, 'move in bulk'>, request: UserRequest): Step {
  switch (route) {
    case 'skip':
      return end('not_in_iterable');
    case 'bulk':
      return bulkAgain(request);
    case 'single':
      return { kind: 'single', calls: 'write' };
    case 'move':
      return { kind: 'single', calls: 'move' };
  }
}

/** The user is in Iterable as the task says: its lists follow, and those that the user leaves for which its row stood before. */
export function listsOf(
  { change, leaves, hasMoved }: Pick<Task, 'change' | 'leaves' | 'hasMoved'>,
  key: UserKey,
): ListsStep {
  const then = leaves && !hasMoved ? leaveLists([leaves], undefined) : DELIVERED;
  return { kind: 'lists', key, changes: listChanges(change), then };
}

/** The users leave their lists, one after the other; then the task ends so. */
export function leaveLists(leavers: readonly Leaver[], result: TaskResult): ListsStep | EndStep {
  let step: ListsStep | EndStep = end(result);
  for (const { key, lists } of leavers.toReversed()) {
    const changes = lists.map((list) => ({ list, isOn: false }));
    step = { kind: 'lists', key, changes, then: step };
  }
  return step;
}

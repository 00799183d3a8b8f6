/** An upsert that Iterable refused as a conflict, which may pass: it goes once more, goes without its user id, or stays rejected. */
import type { Conflicts } from '../conflicts.ts';
import { withoutUserId } from '../conflicts.ts';
import { bulkAgain, type ConflictStep, type Go } from '../steps.ts';
import { sentValues, upsertOf, type Task } from '../task.ts';
import type { UserRequests } from '../user-requests.ts';
import { afterAnswer, type AnswerContext } from './answer.ts';

export interface ConflictContext extends AnswerContext {
  readonly conflicts: Conflicts;
  readonly requests: UserRequests;
}

/** Throws what a lookup throws. */
export async function resolveConflict(
  task: Task,
  { request, rejection }: ConflictStep,
  context: ConflictContext,
  go: Go,
): Promise<void> {
  const { conflicts, requests } = context;
  switch (await conflicts.resolve(task, request, rejection)) {
    case 'again':
      go(task, bulkAgain(request));
      break;
    case 'without user id': {
      const change = upsertOf(task);
      task.leavesOutUserId = true;
      go(task, bulkAgain(requests.forTask(task, change.key, withoutUserId(sentValues(change)))));
      break;
    }
    case 'refused':
      go(task, afterAnswer(task, request, rejection, context));
  }
}

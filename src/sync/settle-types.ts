/** Fixes the types of new fields right before values of them are sent. */
import type { UserRequest } from '../batching/user-request.ts';
import { mayBeTaken } from '../mapping/identity.ts';
import type { NewFieldTypes } from '../mapping/new-field-types.ts';
import type { Rejection } from '../model.ts';
import type { Batch } from './lanes/batch-lane.ts';
import { sentValues, type Task } from './task.ts';

export interface SettledTypes {
  /** What goes out, in this order. */
  readonly sent: readonly UserRequest[];
  /** Requests that take the place of others, which were built before a fraction made a long a double. */
  readonly rebuilt: Batch<Task>;
  /** Tasks that do not go out: a field of theirs stays a long. */
  readonly refused: ReadonlyMap<Task, Rejection>;
}

/** The request is complete: later values find the types of its new fields fixed. */
export function closeTypes(request: UserRequest): void {
  if (!request.waiting || misfitIn(request)) return;
  for (const { field } of request.waiting.numbers) field.close();
}

/** To be called for all tasks that go out together, right before they do. */
export function settleTypes(tasks: Batch<Task>, newFields?: NewFieldTypes): SettledTypes {
  const rebuilt = new Map<Task, UserRequest>();
  const refused = new Map<Task, Rejection>();
  for (const [task, request] of tasks) {
    closeTypes(request);
    const misfit = misfitIn(request) ?? misfitAmong(task);
    if (misfit) refused.set(task, misfit);
    else if (request.waiting?.numbers.some(({ field }) => field.type === 'double') === true)
      rebuilt.set(task, request.waiting.rebuild());
  }
  const sent: UserRequest[] = [];
  const last: UserRequest[] = [];
  for (const [task, request] of tasks) {
    if (refused.has(task)) continue;
    (goesLast(task, newFields) ? last : sent).push(rebuilt.get(task) ?? request);
  }
  return { sent: last.length === 0 ? sent : [...sent, ...last], rebuilt, refused };
}

/** Iterable gives a new field the type of the first value in the call, whichever record came first here. */
function goesLast({ change }: Task, newFields: NewFieldTypes | undefined): boolean {
  if (change.kind !== 'upsert' || !newFields) return false;
  // The values of a rejected user may have any type: other users must not be rejected for them.
  return !mayBeTaken(change.key) || newFields.mayPassForDates(sentValues(change));
}

/** Of several merged records each has to fit, also one whose value a later one overwrites. */
function misfitAmong({ records }: Task): Rejection | undefined {
  if (records.length === 1) return undefined;
  for (const { request } of records) {
    const misfit = request && misfitIn(request);
    if (misfit) return misfit;
  }
  return undefined;
}

function misfitIn({ waiting }: UserRequest): Rejection | undefined {
  if (!waiting) return undefined;
  for (const { field, refusal } of waiting.numbers)
    if (refusal) return { code: 'wrong_type', field: field.path, reason: refusal.reason };
  return undefined;
}

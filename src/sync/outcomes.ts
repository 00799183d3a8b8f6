/** Outcomes that the pipeline decides itself, and the results of tasks. */
import type { ListChange } from '../delivery/list-members.ts';
import type { Outcome, Rejection, SkipReason, UserChange } from '../model.ts';

export const TOO_LARGE: Rejection = {
  code: 'too_large',
  reason: 'the user alone is larger than the 4 MB that Iterable takes in one call',
};

export const TOO_DEEP: Rejection = {
  code: 'wrong_type',
  reason: 'a value is nested too deeply to be written',
};

export const NO_IDENTIFIER: Rejection = {
  code: 'missing_identifier',
  reason: 'the record has neither an address nor a user id nor its primary key',
};

export const UNCHANGED: Outcome = { kind: 'unchanged' };
const DELIVERED: Outcome = { kind: 'delivered' };
const NO_CHANGES: readonly ListChange[] = [];

/** The lists that a change puts its user on and takes it off. */
export function listChanges(change: UserChange): readonly ListChange[] {
  if (change.lists === undefined) return NO_CHANGES;
  if (change.kind === 'removal') return change.lists.map((list) => ({ list, isOn: false }));
  return [...change.lists].map(([list, isOn]) => ({ list, isOn }));
}

/**
 * How a task ended: rejected, skipped, unchanged, or, undefined, carried out. `not_there`: a deletion was made, of a user that
 * is not in Iterable.
 */
export type TaskResult = Rejection | SkipReason | 'unchanged' | 'not_there' | undefined;

export function isRejection(result: TaskResult): result is Rejection {
  return typeof result === 'object';
}

/**
 * What became of one record of a task. Merged records all have their share in the user, but what a removal discards was never
 * sent.
 */
export function outcomeOf(change: UserChange, result: TaskResult, isLast: boolean): Outcome {
  if (result === 'unchanged') return UNCHANGED;
  if (isRejection(result)) return { kind: 'rejected', ...result };
  if (result === 'not_there') return { kind: isLast ? result : 'superseded' };
  if (result !== undefined) return { kind: 'skipped', why: result };
  if (change.kind === 'upsert') return DELIVERED;
  return { kind: isLast ? 'removed' : 'superseded' };
}

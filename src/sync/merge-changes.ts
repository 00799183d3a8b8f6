/** Merges two successive changes of one user: last write wins. */
import { canMergeValues, mergeInOrder } from '../mapping/merge-values.ts';
import type { Removal, Upsert, UserChange } from '../model.ts';

export interface MergeOptions {
  readonly mergeNestedObjects: boolean;
  /** Whether a removal undoes all that came before it, so that this need not be sent. */
  readonly removalUndoesAll: boolean;
}

/** One change that does what the two do in order, or undefined where there is none. */
export function mergeChanges(
  earlier: UserChange,
  later: UserChange,
  { mergeNestedObjects, removalUndoesAll }: MergeOptions,
): UserChange | undefined {
  if (later.kind === 'removal')
    return removalUndoesAll && removesSameUser(earlier, later) && !mayMove(earlier) ? later : undefined;
  // A user must be gone before it is written again.
  if (earlier.kind === 'removal') return undefined;
  if (!isSameKey(earlier, later) || !canMergeValues(earlier.values, later.values, mergeNestedObjects))
    return undefined;
  // Whether the profile moves depends on whether the new address is there already, as it is after the earlier record.
  if (later.previousEmail !== undefined && later.previousEmail !== earlier.previousEmail) return undefined;
  return {
    kind: 'upsert',
    key: later.key,
    values: mergeInOrder(earlier.values, later.values, mergeNestedObjects),
    ...(earlier.previousEmail === undefined ? {} : { previousEmail: earlier.previousEmail }),
    ...((earlier.lists ?? later.lists)
      ? { lists: new Map([...(earlier.lists ?? []), ...(later.lists ?? [])]) }
      : {}),
  };
}

function isSameKey(a: Upsert, b: Upsert): boolean {
  return a.key.kind === b.key.kind && a.key.value === b.key.value;
}

/** A change that may move a profile is never left out: the profile would stay at its previous address, and outlive the removal. */
export function mayMove(change: UserChange): boolean {
  return change.kind === 'upsert' && change.previousEmail !== undefined;
}

function removesSameUser(earlier: UserChange, { email, userId }: Removal): boolean {
  if (email === undefined && userId === undefined) return false;
  if (earlier.kind === 'removal') return earlier.email === email && earlier.userId === userId;
  return earlier.key.value === (earlier.key.kind === 'email' ? email : userId);
}

/** Merges several records of one user into one: per target, the last write wins. */
import { isJsonObject } from '../json.ts';
import type { TargetValues } from '../model.ts';
import { pathsAbove, plainObject } from './paths.ts';

/**
 * Whether sending the two merged has the same effect as sending them in order. With `mergeNestedObjects` it does not if
 * the later one has an object for a target that the earlier one has, too: Iterable would merge the two, and we can't
 * know how deeply. (It merges objects only; an array replaces the previous value.) Nor does it if a target of one lies
 * inside a target of the other, such as `a.b` inside `a`: the two can't be written together at all.
 */
export function canMergeValues(
  earlier: TargetValues,
  later: TargetValues,
  mergeNestedObjects: boolean,
): boolean {
  if (mergeNestedObjects) {
    for (const target of Object.keys(later))
      if (isJsonObject(later[target]) && target in earlier) return false;
  }
  return !reachesInside(earlier, later) && !reachesInside(later, earlier);
}

/** The earlier values, overwritten by the later ones. */
export function mergeValues(earlier: TargetValues, later: TargetValues): TargetValues {
  return Object.assign(plainObject(), earlier, later);
}

function reachesInside(values: TargetValues, others: TargetValues): boolean {
  for (const target of Object.keys(values)) {
    if (target.includes('.') && pathsAbove(target).some((above) => above in others)) return true;
  }
  return false;
}

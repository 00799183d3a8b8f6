/** Several records of one user as one: target by target, the last word wins. */
import { isJsonObject } from '../json.ts';
import type { TargetValues } from '../model.ts';
import { pathsAbove, plainObject } from './paths.ts';

/**
 * Whether sending the two as one means the same as sending them in order. It does not, with `mergeNestedObjects`, when the
 * later one brings an object for a target that the earlier one has, too: Iterable would merge the two, and how deep is not
 * ours to guess. (It merges objects only; an array takes the place of what was there.) Nor does it when a target of one
 * lies inside a target of the other, as `a.b` inside `a`: as one they can't be written at all.
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

/** The earlier values with the later ones over them. */
export function mergeValues(earlier: TargetValues, later: TargetValues): TargetValues {
  return Object.assign(plainObject(), earlier, later);
}

function reachesInside(values: TargetValues, others: TargetValues): boolean {
  for (const target of Object.keys(values)) {
    if (target.includes('.') && pathsAbove(target).some((above) => above in others)) return true;
  }
  return false;
}

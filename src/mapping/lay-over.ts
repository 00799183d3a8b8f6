/** Several records of one user as one: target by target, the last word wins. */
import { isJsonObject } from '../json.ts';
import type { TargetValues } from '../model.ts';

/**
 * Whether sending the two as one means the same as sending them in order. With `mergeNestedObjects` it does not when the
 * later one brings an object for a target that the earlier one has, too: Iterable would merge the two, and how deep is not
 * ours to guess.
 */
export function canLayOver(earlier: TargetValues, later: TargetValues, mergeNestedObjects: boolean): boolean {
  if (!mergeNestedObjects) return true;
  for (const [target, value] of later) if (isJsonObject(value) && earlier.has(target)) return false;
  return true;
}

/** The earlier values with the later ones over them. */
export function layOver(earlier: TargetValues, later: TargetValues): TargetValues {
  return new Map([...earlier, ...later]);
}

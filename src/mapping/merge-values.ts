/** Merges several records of one user into one: per target, the last write wins. */
import { isJsonObject } from '../json.ts';
import type { TargetValues } from '../model.ts';
import { pathsAbove, plainObject } from './paths.ts';

/**
 * Whether sending the two merged ({@link mergeInOrder}) has the same effect as sending them in order. It has not, with
 * `mergeNestedObjects`, if the later one has an object for a target that the earlier one overwrites with something else: alone,
 * the object would be merged into what the profile has. Nor has it if a target of one lies inside a target of the other, such as
 * `a.b` inside `a`: the two can't be written together at all.
 */
export function canMergeValues(
  earlier: TargetValues,
  later: TargetValues,
  mergeNestedObjects: boolean,
): boolean {
  if (mergeNestedObjects) {
    for (const target of Object.keys(later))
      if (isMergedInto(target, later) && target in earlier && !isJsonObject(earlier[target])) return false;
  }
  return !reachesInside(earlier, later) && !reachesInside(later, earlier);
}

/**
 * The values that have the same effect as the two in order. With `mergeNestedObjects` Iterable merges the direct children of a
 * top-level object, and replaces what lies deeper and arrays; without, it replaces the whole object. Source: Iterable's API
 * documentation, `mergeNestedObjects` of users/update.
 */
export function mergeInOrder(
  earlier: TargetValues,
  later: TargetValues,
  mergeNestedObjects: boolean,
): TargetValues {
  const replaced = new Set<string>();
  for (const target of Object.keys(later))
    if (target.includes('.')) replaced.add(replacedWith(target, mergeNestedObjects));
  const stays = (target: string) =>
    !target.includes('.') || !replaced.has(replacedWith(target, mergeNestedObjects));
  const merged =
    replaced.size === 0
      ? Object.assign(plainObject(), earlier)
      : Object.assign(
          plainObject(),
          Object.fromEntries(Object.entries(earlier).filter(([target]) => stays(target))),
        );
  for (const target of Object.keys(later)) {
    const [before, value] = [earlier[target], later[target]];
    const isMerged = mergeNestedObjects && isMergedInto(target, later) && isJsonObject(before);
    if (value !== undefined)
      merged[target] = isMerged && isJsonObject(value) ? Object.assign(plainObject(), before, value) : value;
  }
  return merged;
}

/** Both values, target by target: the later ones overwrite. */
export function mergeValues(earlier: TargetValues, later: TargetValues): TargetValues {
  return Object.assign(plainObject(), earlier, later);
}

/** A top-level object, which Iterable merges into the one that the profile has. */
function isMergedInto(target: string, values: TargetValues): boolean {
  return !target.includes('.') && isJsonObject(values[target]);
}

/** What a value for this part of an object replaces as a whole: the top-level object, or its direct child. */
function replacedWith(target: string, mergeNestedObjects: boolean): string {
  return target.split('.', mergeNestedObjects ? 2 : 1).join('.');
}

function reachesInside(values: TargetValues, others: TargetValues): boolean {
  for (const target of Object.keys(values)) {
    if (target.includes('.') && pathsAbove(target).some((above) => above in others)) return true;
  }
  return false;
}

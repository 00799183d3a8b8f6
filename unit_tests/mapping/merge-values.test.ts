import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/json.ts';
import { buildDataFields } from '../../src/mapping/data-fields.ts';
import { canMergeValues, mergeValues } from '../../src/mapping/merge-values.ts';
import { plainObject } from '../../src/mapping/paths.ts';
import type { TargetValues } from '../../src/model.ts';

const values = (object: Record<string, JsonValue>) => Object.assign(plainObject(), object);

describe('canMergeValues', () => {
  it.each<[string, Record<string, JsonValue>, Record<string, JsonValue>, boolean, boolean]>([
    ['plain values', { a: 1 }, { a: 2 }, true, true],
    ['an object over the same target', { a: { x: 1 } }, { a: { y: 2 } }, true, false],
    ['an empty object, too', { a: 1 }, { a: {} }, true, false],
    ['an object over null, which clears first', { a: null }, { a: { y: 2 } }, true, false],
    ['an object for a target of its own', { b: 1 }, { a: { y: 2 } }, true, true],
    ['null over an object', { a: { x: 1 } }, { a: null }, true, true],
    ['an array of objects, which replaces', { a: [{ x: 1 }] }, { a: [{ y: 2 }] }, true, true],
    ['an object, if objects are replaced anyway', { a: { x: 1 } }, { a: { y: 2 } }, false, true],
    ['two fields of one object', { 'a.b': 1 }, { 'a.c': 2 }, true, true],
    ['a field after its whole object', { a: 1 }, { 'a.b': 2 }, true, false],
    ['a whole object after one of its fields', { 'a.b.c': 1 }, { a: null }, true, false],
    ['a field after its whole object, without merging', { a: { x: 1 } }, { 'a.b.c': 2 }, false, false],
    ['names that begin alike', { a: 1 }, { 'ab.c': 2 }, true, true],
  ])('%s', (_name, earlier, later, merge, expected) => {
    expect(canMergeValues(values(earlier), values(later), merge)).toBe(expected);
  });
});

describe('mergeValues', () => {
  it('the last write wins for each target, and neither input is modified', () => {
    const [earlier, later] = [values({ a: 1, 'b.c': 2 }), values({ 'b.c': 3, d: null })];
    expect(mergeValues(earlier, later)).toEqual(values({ a: 1, 'b.c': 3, d: null }));
    expect([earlier, later]).toEqual([values({ a: 1, 'b.c': 2 }), values({ 'b.c': 3, d: null })]);
  });

  it('has the same effect as sending both in order', () => {
    const leaf = fc.oneof(
      fc.integer(),
      fc.constant(null),
      fc.record({ x: fc.integer() }, { requiredKeys: [] }),
    );
    const change = fc
      .dictionary(fc.constantFrom('a', 'b', 'c', 'a.x', 'a.y'), leaf)
      .filter((targets) => !('a' in targets && ('a.x' in targets || 'a.y' in targets)));
    fc.assert(
      fc.property(change, change, change, (profile, earlier, later) => {
        const [before, first, second] = [values(profile), values(earlier), values(later)];
        if (!canMergeValues(first, second, true)) return;
        expect(merged(merged({}, before), mergeValues(first, second))).toEqual(
          merged(merged(merged({}, before), first), second),
        );
      }),
    );
  });
});

/** How Iterable merges nested objects, at any depth. */
function merged(profile: JsonObject, change: TargetValues): JsonObject {
  return mergeInto(profile, buildDataFields(change));
}

function mergeInto(old: JsonObject, change: JsonObject): JsonObject {
  const result = { ...old };
  for (const [key, value] of Object.entries(change)) {
    const before = result[key];
    result[key] = isJsonObject(value) ? mergeInto(isJsonObject(before) ? before : {}, value) : value;
  }
  return result;
}

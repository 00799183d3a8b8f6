import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/json.ts';
import { buildDataFields } from '../../src/mapping/data-fields.ts';
import { canMergeValues, mergeInOrder, mergeValues } from '../../src/mapping/merge-values.ts';
import { plainObject } from '../../src/mapping/paths.ts';
import type { TargetValues } from '../../src/model.ts';

const values = (object: Record<string, JsonValue>) => Object.assign(plainObject(), object);

describe('canMergeValues', () => {
  it.each<[string, Record<string, JsonValue>, Record<string, JsonValue>, boolean, boolean]>([
    ['plain values', { a: 1 }, { a: 2 }, true, true],
    ['an object over an object', { a: { x: 1 } }, { a: { y: 2 } }, true, true],
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
});

describe('mergeInOrder', () => {
  it.each<[string, Record<string, JsonValue>, Record<string, JsonValue>, boolean, Record<string, JsonValue>]>(
    [
      [
        'merges direct children',
        { a: { x: 1, y: 1 } },
        { a: { y: 2, z: 2 } },
        true,
        { a: { x: 1, y: 2, z: 2 } },
      ],
      [
        'replaces what lies deeper',
        { a: { x: { p: 1 } } },
        { a: { x: { q: 2 } } },
        true,
        { a: { x: { q: 2 } } },
      ],
      ['replaces arrays', { a: { x: [1] } }, { a: { x: [2] } }, true, { a: { x: [2] } }],
      ['clears a child', { a: { x: 1 } }, { a: { x: null } }, true, { a: { x: null } }],
      ['replaces a whole object without merging', { a: { x: 1 } }, { a: { y: 2 } }, false, { a: { y: 2 } }],
      ['keeps another field of one object', { 'a.b': 1 }, { 'a.c': 2 }, true, { 'a.b': 1, 'a.c': 2 }],
      [
        'replaces the other fields without merging',
        { 'a.b': 1, d: 1 },
        { 'a.c': 2 },
        false,
        { 'a.c': 2, d: 1 },
      ],
      ['replaces fields below a child', { 'a.b.c': 1 }, { 'a.b.d': 2 }, true, { 'a.b.d': 2 }],
    ],
  )('%s', (_name, earlier, later, merge, expected) => {
    expect(mergeInOrder(values(earlier), values(later), merge)).toEqual(values(expected));
  });

  it.each([true, false])('has the same effect as sending both in order, merging: %s', (merges) => {
    const leaf = fc.oneof(
      fc.integer(),
      fc.constant(null),
      fc.constant<JsonValue>([{ x: 1 }]),
      fc.record(
        { x: fc.integer(), y: fc.record({ p: fc.integer(), q: fc.integer() }, { requiredKeys: [] }) },
        { requiredKeys: [] },
      ),
    );
    const change = fc
      .dictionary(fc.constantFrom('a', 'b', 'c', 'a.x', 'a.y', 'd.x.p', 'd.x.q', 'd.z'), leaf)
      .filter((targets) => !('a' in targets && ('a.x' in targets || 'a.y' in targets)));
    fc.assert(
      fc.property(change, change, change, (profile, earlier, later) => {
        const [before, first, second] = [values(profile), values(earlier), values(later)];
        if (!canMergeValues(first, second, merges)) return;
        const apply = (profile: JsonObject, change: TargetValues) => applied(profile, change, merges);
        expect(apply(apply({}, before), mergeInOrder(first, second, merges))).toEqual(
          apply(apply(apply({}, before), first), second),
        );
      }),
    );
  });
});

/** What Iterable makes of a profile: with merging, the direct children of top-level objects are merged. Null removes. */
function applied(profile: JsonObject, change: TargetValues, merges: boolean): JsonObject {
  const result = { ...profile };
  for (const [field, value] of Object.entries(buildDataFields(change))) {
    const before = result[field];
    if (value === null) Reflect.deleteProperty(result, field);
    else
      result[field] = withoutNulls(
        merges && isJsonObject(value) && isJsonObject(before) ? { ...before, ...value } : value,
      );
  }
  return result;
}

function withoutNulls(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value).filter(([, child]) => child !== null);
  return Object.fromEntries(kept.map(([name, child]) => [name, withoutNulls(child)]));
}

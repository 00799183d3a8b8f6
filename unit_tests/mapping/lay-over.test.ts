import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isJsonObject, type JsonValue } from '../../src/json.ts';
import { buildDataFields } from '../../src/mapping/data-fields.ts';
import { canLayOver, layOver } from '../../src/mapping/lay-over.ts';

const values = (object: Record<string, JsonValue>) => new Map(Object.entries(object));

describe('canLayOver', () => {
  it.each([
    ['plain values', { a: 1 }, { a: 2 }, true, true],
    ['an object over the same target', { a: { x: 1 } }, { a: { y: 2 } }, true, false],
    ['an object over null, which clears first', { a: null }, { a: { y: 2 } }, true, false],
    ['an object for a target of its own', { b: 1 }, { a: { y: 2 } }, true, true],
    ['null over an object', { a: { x: 1 } }, { a: null }, true, true],
    ['an object where objects are replaced anyway', { a: { x: 1 } }, { a: { y: 2 } }, false, true],
  ])('%s', (_name, earlier, later, merge, expected) => {
    expect(canLayOver(values(earlier), values(later), merge)).toBe(expected);
  });

  it('layOver means what sending both in order means', () => {
    const leaf = fc.oneof(
      fc.integer(),
      fc.constant(null),
      fc.record({ x: fc.integer() }, { requiredKeys: [] }),
    );
    const change = fc.dictionary(fc.constantFrom('a', 'b', 'c'), leaf);
    fc.assert(
      fc.property(change, change, change, (profile, earlier, later) => {
        const [first, second] = [values(earlier), values(later)];
        if (!canLayOver(first, second, true)) return;
        expect(apply(profile, layOver(first, second))).toEqual(apply(apply(profile, first), second));
      }),
    );
  });
});

/** What Iterable does with merged nested objects. */
function apply(
  profile: Record<string, JsonValue>,
  change: ReadonlyMap<string, JsonValue>,
): Record<string, JsonValue> {
  const result = { ...profile };
  for (const [field, value] of change) {
    const old = result[field];
    if (value === null) result[field] = null;
    else if (isJsonObject(value) && isJsonObject(old)) result[field] = { ...old, ...value };
    else result[field] = value;
  }
  return result;
}

describe('buildDataFields', () => {
  it('nests dotted targets, with __proto__ as plain data', () => {
    expect(JSON.stringify(buildDataFields(values({ 'a.b': 1, 'a.c': 2, d: 3, ['__proto__.x']: 4 })))).toBe(
      '{"a":{"b":1,"c":2},"d":3,"__proto__":{"x":4}}',
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import type { JsonValue } from '../../src/json.ts';
import { buildDataFields } from '../../src/mapping/data-fields.ts';
import { plainObject } from '../../src/mapping/paths.ts';

const built = (...values: [string, JsonValue][]) =>
  JSON.stringify(buildDataFields(Object.assign(plainObject(), Object.fromEntries(values))));

describe('buildDataFields', () => {
  it('nests dotted targets, in the order of the values', () => {
    expect(built(['a.b', 1], ['d', 2], ['a.c.e', null])).toBe('{"a":{"b":1,"c":{"e":null}},"d":2}');
  });

  it('treats __proto__ and constructor as plain data, and modifies no other object', () => {
    expect(built(['__proto__.x', 1], ['constructor.prototype.y', 2], ['__proto__.z', 3])).toBe(
      '{"__proto__":{"x":1,"z":3},"constructor":{"prototype":{"y":2}}}',
    );
    expect([Object.hasOwn(Object.prototype, 'x'), Object.hasOwn(Object.prototype, 'y')]).toEqual([
      false,
      false,
    ]);
  });

  it('gives no fields for no values', () => {
    expect(built()).toBe('{}');
  });
});

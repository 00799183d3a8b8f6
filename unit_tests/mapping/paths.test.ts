import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseJson, type JsonObject, type JsonValue } from '../../src/json.ts';
import {
  columnReader,
  isWithin,
  isWritablePath,
  pathsAbove,
  pathsConflict,
  pathSegments,
  plainObject,
  Unreachable,
  writeTarget,
} from '../../src/mapping/paths.ts';

describe('columnReader', () => {
  it.each<[string, string, string, JsonValue | undefined]>([
    ['a column', 'a', '{"a":1}', 1],
    ['a column that is null', 'a', '{"a":null}', null],
    ['a column that is absent', 'a', '{"b":1}', undefined],
    ['a leaf', 'a.b.c', '{"a":{"b":{"c":1}}}', 1],
    ['a leaf that is null', 'a.b', '{"a":{"b":null}}', null],
    ['a leaf that is absent', 'a.b', '{"a":{}}', undefined],
    ['a leaf below null', 'a.b.c', '{"a":null}', null],
    ['a leaf below an absent leaf', 'a.b.c', '{"a":{}}', undefined],
    ['a column whose whole name has dots, before a leaf', 'a.b', '{"a":{"b":1},"a.b":2}', 2],
    ['such a column that is null', 'a.b', '{"a":{"b":1},"a.b":null}', null],
    ['a name that every object inherits', 'constructor', '{}', undefined],
    ['a leaf that every object inherits', 'a.toString', '{"a":{}}', undefined],
    ['__proto__ as a column', '__proto__.x', '{"__proto__":{"x":1}}', 1],
    ['a column that ends in a dot', 'No.', '{"No.":7}', 7],
  ])('reads %s', (_name, source, json, expected) => {
    expect(columnReader(source)(parseJson(json) as JsonObject)).toBe(expected);
  });

  it.each([
    ['text', 'a.b', '{"a":"text"}', 'a'],
    ['a number', 'a.b.c', '{"a":{"b":5}}', 'a.b'],
    ['an exact number', 'a.text', '{"a":5.0}', 'a'],
    ['an array', 'a.0', '{"a":[1]}', 'a'],
    ['false', 'a.b', '{"a":false}', 'a'],
  ])('can’t reach below %s, and says where it stopped', (_name, source, json, at) => {
    expect(columnReader(source)(parseJson(json) as JsonObject)).toEqual(new Unreachable(at));
  });
});

describe('paths', () => {
  it.each([
    ['a', 'a', true],
    ['a', 'a.b', true],
    ['a.b.c', 'a', true],
    ['a', 'ab', false],
    ['a.b', 'a.c', false],
    ['a.b', 'a.bc', false],
  ])('%s against %s: conflict %s', (a, b, expected) => {
    expect(pathsConflict(a, b)).toBe(expected);
    expect(pathsConflict(b, a)).toBe(expected);
  });

  it('a path is within itself and its ancestors, not within its descendants', () => {
    expect([isWithin('a.b', 'a.b'), isWithin('a.b', 'a'), isWithin('a', 'a.b')]).toEqual([true, true, false]);
  });

  it.each([
    ['a', []],
    ['a.b', ['a']],
    ['a.b.c', ['a', 'a.b']],
  ])('ancestors of %s: %j', (path, above) => {
    expect(pathsAbove(path)).toEqual(above);
  });

  it.each([
    ['a', true],
    ['a.b', true],
    ['first name', true],
    ['', false],
    ['.', false],
    ['a.', false],
    ['.a', false],
    ['a..b', false],
    ['a. .b', false],
  ])('%j can be written: %s', (path, expected) => {
    expect(isWritablePath(path)).toBe(expected);
  });
});

describe('writeTarget', () => {
  it('values written to paths without conflict are read back, whatever the names', () => {
    const segment = fc.constantFrom('a', 'b', '__proto__', 'constructor', 'toString', 'x y');
    const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('.'));
    const targets = fc.uniqueArray(path, { maxLength: 6, comparator: pathsConflict });
    fc.assert(
      fc.property(targets, (written) => {
        const into = plainObject();
        for (const [index, target] of written.entries()) writeTarget(into, pathSegments(target), index);
        for (const [index, target] of written.entries()) expect(columnReader(target)(into)).toBe(index);
      }),
    );
  });
});

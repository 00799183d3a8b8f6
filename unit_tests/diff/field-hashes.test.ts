import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fieldChanges, fieldHashes, topDigits, withoutDropped } from '../../src/diff/field-hashes.ts';
import { ExactNumber, type JsonValue } from '../../src/json.ts';
import type { TargetValues } from '../../src/model.ts';

const MERGED = { key: '[1]', mergeNestedObjects: true };
const REPLACED = { ...MERGED, mergeNestedObjects: false };
const ALL: (top: string) => boolean = () => true;

function changes(before: TargetValues, after: TargetValues, options = MERGED, isStillWritten = ALL) {
  return fieldChanges(after, fieldHashes(before, options), { ...options, isStillWritten });
}

describe('the fields of a row that changed', () => {
  it.each<[string, TargetValues, TargetValues, TargetValues]>([
    ['none', { a: 1, b: 'x' }, { b: 'x', a: 1 }, {}],
    ['one value', { a: 1, b: 'x' }, { a: 1, b: 'y' }, { b: 'y' }],
    ['a value that became null', { a: 1 }, { a: null }, { a: null }],
    ['a null that became a value', { a: null }, { a: 1 }, { a: 1 }],
    ['a field that is new', { a: 1 }, { a: 1, b: null }, { b: null }],
    ['the value of another field', { a: 1, b: 2 }, { a: 2, b: 1 }, { a: 2, b: 1 }],
    ['not a field that is gone', { a: 1, b: 2 }, { a: 1 }, {}],
    ['not the notation of a number', { a: new ExactNumber('5.0') }, { a: 5 }, {}],
    ['a text that looks like the number before', { a: 5 }, { a: '5' }, { a: '5' }],
    ['a child of an object', { o: { x: 1, y: 2 } }, { o: { y: 3, x: 1 } }, { o: { y: 3 } }],
    [
      'a child whose own parts changed, whole',
      { o: { p: { x: 1, y: 2 } } },
      { o: { p: { x: 1, y: 3 } } },
      { o: { p: { x: 1, y: 3 } } },
    ],
    ['not a child that is gone: Iterable keeps it', { o: { x: 1, y: 2 } }, { o: { x: 1 } }, {}],
    ['an object that became empty', { o: { x: 1 } }, { o: {} }, { o: {} }],
    ['an object that became null', { o: { x: 1 } }, { o: null }, { o: null }],
    ['an array, whole', { o: [1, { x: 1 }] }, { o: [1, { x: 2 }] }, { o: [1, { x: 2 }] }],
    ['a dotted target', { 'o.x': 1, 'o.y': 2 }, { 'o.x': 1, 'o.y': 3 }, { 'o.y': 3 }],
    [
      'all targets in the same child',
      { 'o.p.x': 1, 'o.p.y': 2, 'o.q': 3 },
      { 'o.p.x': 1, 'o.p.y': 3, 'o.q': 3 },
      { 'o.p.x': 1, 'o.p.y': 3 },
    ],
    ['not an object that came by dotted targets before', { 'o.x': 1, 'o.y': 2 }, { o: { x: 1, y: 2 } }, {}],
    [
      'a child whose name has a dot, apart from a dotted target',
      { o: { 'x.y': 1 } },
      { 'o.x.y': 1 },
      { 'o.x.y': 1 },
    ],
  ])('%s', (_name, before, after, expected) => {
    expect(changes(before, after).values).toEqual(expected);
  });

  it('whole objects where Iterable replaces them', () => {
    const before = { 'o.x': 1, 'o.y': 2, a: 1 };
    expect(changes(before, { ...before, 'o.y': 3 }, REPLACED)).toMatchObject({
      names: ['o'],
      values: { 'o.x': 1, 'o.y': 3 },
    });
  });

  it('by their paths', () => {
    const after = { a: 2, o: { x: 1, y: 3 }, 'p.q': 1 };
    expect(changes({ a: 1, o: { x: 1, y: 2 } }, after).names).toEqual(['a', 'o.y', 'p.q']);
  });

  it('whole objects where they have very many children', () => {
    const many = (last: number) =>
      Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`c${index}`, index === 100 ? last : 0]));
    expect(changes({ o: many(1) }, { o: many(2) })).toMatchObject({ names: ['o'], values: { o: many(2) } });
    expect(fieldHashes({ o: many(1) }, MERGED)).toHaveLength(8);
  });

  it('all of another row: the same values have other hashes there', () => {
    const held = fieldHashes({ a: 1 }, { ...MERGED, key: '[2]' });
    expect(fieldChanges({ a: 1 }, held, { ...MERGED, isStillWritten: ALL }).names).toEqual(['a']);
  });

  it('take 8 bytes each in the ledger', () => {
    expect(fieldHashes({ a: 1, b: 'x', o: { x: 1, y: 1 } }, MERGED)).toHaveLength(32);
  });
});

describe('what is remembered of a field', () => {
  const after = (before: TargetValues, values: TargetValues, isStillWritten = ALL) =>
    changes(before, values, MERGED, isStillWritten).hashes;
  const then = (held: Uint8Array, values: TargetValues) =>
    fieldChanges(values, held, { ...MERGED, isStillWritten: ALL }).names;

  it('stays while records lack it', () => {
    const held = after({ a: 1, b: 2 }, { a: 3 });
    expect(then(held, { a: 3, b: 2 })).toEqual([]);
    expect(then(held, { a: 3, b: 4 })).toEqual(['b']);
  });

  it('is never more than its last value', () => {
    let held = fieldHashes({ a: 1 }, MERGED);
    for (const a of [2, 1, null, 1]) {
      const { names, hashes } = fieldChanges({ a }, held, { ...MERGED, isStillWritten: ALL });
      expect(names).toEqual(['a']);
      held = hashes;
    }
  });

  it('goes once no mapping writes it', () => {
    const held = after({ a: 1, b: 2 }, { a: 1 }, (top) => top !== topDigits('b'));
    expect(then(held, { a: 1, b: 2 })).toEqual(['b']);
  });

  it('goes where Iterable dropped it', () => {
    const values = { a: 1, b: 2, o: { x: 1, y: { z: 1 } } };
    const left = (...dropped: string[]) =>
      then(withoutDropped(fieldHashes(values, MERGED), values, dropped, MERGED), values);
    expect(left('b')).toEqual(['b']);
    expect(left('o', 'o.x')).toEqual(['o.x', 'o.y']);
    expect(left('o.y.z')).toEqual(['o.y']);
    expect(left('c', 'bb')).toEqual([]);
  });
});

describe('records sent field by field', () => {
  const scalar = fc.constantFrom<JsonValue>(null, 1, 2, 'x', true, [1], [2]);
  const object = fc.dictionary(
    fc.constantFrom('x', 'y', 'z'),
    fc.oneof(scalar, fc.dictionary(fc.constantFrom('p', 'q'), scalar)),
  );
  const record = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(scalar, object));

  it.each([MERGED, REPLACED])('make the same profile as records sent as a whole: %j', (options) => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), (records) => {
        const whole = new Map<string, JsonValue>();
        const parts = new Map<string, JsonValue>();
        let held = fieldHashes({}, options);
        for (const values of records) {
          write(whole, values, options.mergeNestedObjects);
          const changed = fieldChanges(values, held, { ...options, isStillWritten: ALL });
          write(parts, changed.values, options.mergeNestedObjects);
          held = changed.hashes;
          expect(Object.fromEntries(parts)).toEqual(Object.fromEntries(whole));
          // Nothing is sent twice.
          expect(fieldChanges(values, held, { ...options, isStillWritten: ALL }).names).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** As Iterable does. */
function write(profile: Map<string, JsonValue>, values: TargetValues, isMerged: boolean): void {
  for (const [field, value] of Object.entries(values)) {
    const before = profile.get(field);
    const merges = isMerged && isObject(before) && isObject(value);
    profile.set(field, merges ? { ...(before as object), ...(value as object) } : value);
  }
}

function isObject(value: JsonValue | undefined): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

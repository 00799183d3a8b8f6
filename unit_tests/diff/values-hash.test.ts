import { describe, expect, it } from '@jest/globals';
import { parseJson, type JsonObject } from '../../src/json.ts';
import { mergedHash, olderValuesHash, valuesHash } from '../../src/diff/values-hash.ts';

const hashOf = (json: string) => valuesHash(parseJson(json) as JsonObject);

describe('the hash of a record’s values', () => {
  it.each([
    ['the order of targets', '{"a":1,"b":2}', '{"b":2,"a":1}'],
    ['the order of nested keys', '{"a":{"x":1,"y":{"p":1,"q":2}}}', '{"a":{"y":{"q":2,"p":1},"x":1}}'],
    ['the order of keys in an array', '{"a":[{"x":1,"y":2}]}', '{"a":[{"y":2,"x":1}]}'],
    ['an order of keys that are numbers', '{"a":{"b":1,"10":1,"9":1}}', '{"a":{"9":1,"10":1,"b":1}}'],
    ['a point', '{"a":5}', '{"a":5.0}'],
    ['zeros behind it', '{"a":[1.25]}', '{"a":[1.2500]}'],
    ['an exponent', '{"a":{"b":1500}}', '{"a":{"b":1.5e3}}'],
    ['an exponent of a fraction', '{"a":0.0015}', '{"a":15e-4}'],
    ['a zero', '{"a":0}', '{"a":-0.00}'],
    ['a large number', '{"a":1e21}', '{"a":1000000000000000000000}'],
    ['a number that JavaScript does not have', '{"a":9007199254740993}', '{"a":9007199254740993.0}'],
    ['a fraction that it does not have', '{"a":0.12345678901234567890}', '{"a":1.2345678901234567890e-1}'],
  ])('%s makes no difference', (_name, one, other) => {
    expect(hashOf(one)).toBe(hashOf(other));
  });

  it.each([
    ['another number', '{"a":5}', '{"a":5.5}'],
    ['another sign', '{"a":5.0}', '{"a":-5.0}'],
    ['another digit beyond those of JavaScript', '{"a":9007199254740993}', '{"a":9007199254740992}'],
    ['a text', '{"a":5}', '{"a":"5"}'],
    ['another place', '{"a":5}', '{"b":5}'],
    ['another order of an array', '{"a":[1,2]}', '{"a":[2,1]}'],
    ['a nested key of the same name elsewhere', '{"a":{"x":{"y":1}}}', '{"a":{"y":{"x":1}}}'],
    ['a key that every object inherits', '{"a":{"__proto__":1}}', '{"a":{}}'],
  ])('%s does', (_name, one, other) => {
    expect(hashOf(one)).not.toBe(hashOf(other));
  });

  it('is the same in any order of targets, and another for any other value', () => {
    expect(valuesHash({ a: 1, b: 'x' })).toBe(valuesHash({ b: 'x', a: 1 }));
    expect(valuesHash({ a: 1, b: 'x' })).not.toBe(valuesHash({ a: 1, b: 'y' }));
    expect(valuesHash({ a: null })).not.toBe(valuesHash({}));
    expect(valuesHash({ a: 1 })).toHaveLength(43);
  });
});

describe('the hash of the first version', () => {
  const olderOf = (json: string) => olderValuesHash(parseJson(json) as JsonObject);

  it('is the same where nested keys are in order, so that those entries stay as they are', () => {
    const flat = '{"b":1,"a":{"x":5.0,"y":[{"p":1}]}}';
    expect(olderOf(flat)).toBe(hashOf(flat));
  });

  it('tells another order of nested keys', () => {
    const [one, other] = ['{"a":{"x":1,"y":2}}', '{"a":{"y":2,"x":1}}'] as const;
    expect(olderOf(one)).not.toBe(olderOf(other));
    expect(hashOf(other)).toBe(olderOf(one));
  });
});

describe('the hash of what several records write', () => {
  const last = valuesHash({ a: 1 });

  it('is the last one’s, where that writes all of it', () => {
    expect(mergedHash({ a: 1 }, last)).toBe(last);
  });

  it('is like that of no single record else, and fits into as much room', () => {
    const merged = mergedHash({ a: 1, b: 2 }, last);
    expect(merged).not.toBe(last);
    expect(merged).not.toBe(valuesHash({ a: 1, b: 2 }));
    expect(merged).toHaveLength(43);
    expect(mergedHash({ b: 2, a: 1 }, last)).toBe(merged);
    expect(mergedHash({ a: 1, b: 3 }, last)).not.toBe(merged);
  });

  it('is empty, which is like no other, where it can’t be taken', () => {
    let deep: Record<string, never> = {};
    for (let depth = 0; depth < 100_000; depth++) deep = { a: deep } as never;
    expect(mergedHash({ deep }, last)).toBe('');
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseJson, type JsonObject } from '../../src/json.ts';
import { primaryKeyReader, primaryKeyText } from '../../src/mapping/primary-key.ts';

const keyOf = (json: string, ...paths: string[][]) =>
  primaryKeyReader(paths)?.(parseJson(json) as JsonObject);

describe('a primary key', () => {
  it.each([
    ['a number', '{"id":7000}', '[7000]'],
    ['the same with a fraction', '{"id":7000.0}', '[7000]'],
    ['the same with an exponent', '{"id":7E+3}', '[7000]'],
    ['the same as text', '{"id":"7000"}', '[7000]'],
    ['numeric text in another notation', '{"id":"7000.0"}', '["7000.0"]'],
    ['text with leading zeros', '{"id":"007"}', '["007"]'],
    ['text with spaces', '{"id":" 7"}', '[" 7"]'],
    ['zero', '{"id":0}', '[0]'],
    ['minus zero', '{"id":-0}', '[0]'],
    ['minus zero with a fraction', '{"id":-0.0}', '[0]'],
    ['a fraction', '{"id":1.50}', '[1.5]'],
    ['a number beyond 2^53', '{"id":9007199254740993}', '[9007199254740993]'],
    ['the same as text', '{"id":"9007199254740993"}', '[9007199254740993]'],
    ['the same with a fraction', '{"id":9007199254740993.0}', '[9007199254740993]'],
    ['a number that JavaScript writes with an exponent', '{"id":1e21}', '[1000000000000000000000]'],
    ['a number that is too long', '{"id":1E300}', '[1e+300]'],
    ['text', '{"id":"a\\"b"}', '["a\\"b"]'],
    ['text that begins like a number', '{"id":"5f0c2d9b-7a41"}', '["5f0c2d9b-7a41"]'],
    ['a date', '{"id":"2024-01-01"}', '["2024-01-01"]'],
    ['true', '{"id":true}', '[true]'],
    ['numbers inside an object', '{"id":{"a":[1.0,"2"],"__proto__":"3"}}', '[{"a":[1,2],"__proto__":3}]'],
  ])('%s', (_title, json, expected) => {
    expect(keyOf(json, ['id'])).toBe(expected);
  });

  it('has several columns, also inside objects', () => {
    expect(keyOf('{"a":1.0,"b":{"c":"x"}}', ['a'], ['b', 'c'])).toBe('[1,"x"]');
  });

  it.each(['{"b":1}', '{"a":null,"b":1}', '{"a":{"x":1}}'])('%s lacks a part of it', (json) => {
    expect(keyOf(json, ['a'], ['b'])).toBeUndefined();
    expect(keyOf('{"a":1}', ['a', 'x'])).toBeUndefined();
  });

  it('that is nested too deeply to be serialized counts as absent', () => {
    let deep = '1';
    for (let level = 0; level < 50_000; level++) deep = `[${deep}]`;
    expect(keyOf(`{"id":${deep}}`, ['id'])).toBeUndefined();
  });

  it('is undefined for a stream without one', () => {
    expect(primaryKeyReader([])).toBeUndefined();
  });

  it('of integers is their JSON, as in the first version’s keys', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeInteger(), { minLength: 1 }), (parts) => {
        expect(primaryKeyText(parts)).toBe(JSON.stringify(parts));
        expect(primaryKeyText(parts.map(String))).toBe(JSON.stringify(parts));
      }),
    );
  });

  it('is the same when read from its own text', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (parts) => {
        const text = primaryKeyText(parseJson(JSON.stringify(parts)) as JsonObject[]) ?? '';
        expect(primaryKeyText(parseJson(text) as JsonObject[])).toBe(text);
      }),
    );
  });
});

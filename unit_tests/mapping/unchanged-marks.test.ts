import { describe, expect, it } from '@jest/globals';
import { parseJson, stringifyJson } from '../../src/json.ts';
import { isUnchanged, withoutUnchanged } from '../../src/mapping/unchanged-marks.ts';

const MARK = '__debezium_unavailable_value';
/** As Debezium derives them from the mark's bytes. */
const BASE64 = Buffer.from(MARK).toString('base64');
const HEX = Buffer.from(MARK).toString('hex');
const BYTES = [...Buffer.from(MARK)];

describe('a value that a source marks as unchanged', () => {
  it.each<[string, unknown]>([
    ['a text', MARK],
    ['bytes in base64', BASE64],
    ['bytes in hex', HEX],
    ['an array', [MARK]],
    ['an array of bytes', [BASE64]],
    ['an array of numbers', BYTES],
    ['an array of UUIDs', ['b68a35a7-17ad-35b3-af2a-ae46edb4545a']],
    ['a map', { [MARK]: MARK }],
    ['a map as JSON text', `{"${MARK}":"${MARK}"}`],
    ['an array as JSON text', `["${MARK}"]`],
    ['an array as JSON text with spaces', `[ "${MARK}" ]`],
  ])('%s is read as absent', (_name, value) => {
    const json = parseJson(JSON.stringify(value));
    expect(withoutUnchanged(json)).toBeUndefined();
    expect(isUnchanged(json)).toBe(true);
  });

  it.each<[string, unknown, unknown]>([
    ['a leaf', { a: 1, b: MARK }, { a: 1 }],
    ['a leaf that is an array', { a: 1, b: [MARK] }, { a: 1 }],
    ['a deeper leaf', { a: { b: MARK, c: null }, d: BASE64 }, { a: { c: null } }],
    ['all leaves of an inner object', { a: { b: MARK }, c: 1 }, { c: 1 }],
    ['a leaf of an element', [{ a: MARK, b: 1 }, 'x', null], [{ b: 1 }, 'x', null]],
    ['an element with nothing else', [{ a: MARK }, { b: 1 }], [{ b: 1 }]],
    ['a leaf in JSON text', `{"a":9007199254740993,"b":"${MARK}"}`, '{"a":9007199254740993}'],
  ])('only %s is left out', (_name, value, expected) => {
    const rest = withoutUnchanged(parseJson(JSON.stringify(value)));
    expect(JSON.parse(stringifyJson(rest))).toEqual(expected);
  });

  it('an object with nothing else is absent', () => {
    expect(withoutUnchanged({ a: MARK, b: { c: [MARK] } })).toBeUndefined();
    expect(withoutUnchanged([{ a: MARK }])).toBeUndefined();
  });

  it.each<[string, string]>([
    ['null', 'null'],
    ['false', 'false'],
    ['a number', '9007199254740993'],
    ['an empty text', '""'],
    ['a text of the same length', JSON.stringify('x'.repeat(MARK.length))],
    ['a text that contains the mark', JSON.stringify(`not ${MARK}`)],
    ['a text that contains it and is not JSON', JSON.stringify(`{${MARK}}`)],
    ['JSON text that contains it in a longer string', JSON.stringify(`{"a":"not ${MARK}"}`)],
    ['an empty array', '[]'],
    ['an empty object', '{}'],
    ['an array with the mark among others', `["${MARK}","x"]`],
    ['other numbers', '[95,95,100]'],
    ['an object in an object', '{"a":{"b":[{"c":5.0}]},"__proto__":{"d":1}}'],
  ])('%s stays the same', (_name, json) => {
    const value = parseJson(json);
    expect(withoutUnchanged(value)).toBe(value);
    expect(isUnchanged(value)).toBe(false);
  });

  it('a leaf called __proto__ stays plain data', () => {
    const rest = withoutUnchanged(parseJson(`{"__proto__":{"a":1,"b":"${MARK}"},"c":1}`));
    expect(stringifyJson(rest)).toBe('{"__proto__":{"a":1},"c":1}');
  });
});

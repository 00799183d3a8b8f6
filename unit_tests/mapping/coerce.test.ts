import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseJson, stringifyJson } from '../../src/json.ts';
import { coerce } from '../../src/mapping/coerce.ts';
import type { MappingType } from '../../src/mapping/options.ts';

/** The JSON text that goes out for a JSON text that came in; `no` when it is refused. */
function converted(type: MappingType, text: string): string {
  const result = coerce(parseJson(text), type);
  return result.ok ? stringifyJson(result.value) : 'no';
}

describe('coerce', () => {
  it.each<[MappingType, string, string]>([
    ['string', '"a"', '"a"'],
    ['string', '5', '"5"'],
    ['string', '5.0', '"5.0"'],
    ['string', '9007199254740993', '"9007199254740993"'],
    ['string', 'true', '"true"'],
    ['string', '{"a":5.0}', '"{\\"a\\":5.0}"'],
    ['string', '[1,"b",null]', '["1","b",null]'],
    ['long', '5', '5'],
    ['long', '5.0', '5'],
    ['long', '1e3', '1000'],
    ['long', '-0012.00'.replace('-00', '-'), '-12'],
    ['long', '" 42 "', '42'],
    ['long', '"+7"', '7'],
    ['long', '9007199254740993', '9007199254740993'],
    ['long', '9223372036854775807', '9223372036854775807'],
    ['long', '-9223372036854775808', '-9223372036854775808'],
    ['long', '9223372036854775808', 'no'],
    ['long', '5.5', 'no'],
    ['long', '"5.5"', 'no'],
    ['long', '""', 'no'],
    ['long', '"0x10"', 'no'],
    ['long', 'true', 'no'],
    ['long', '{}', 'no'],
    ['double', '5', '5.0'],
    ['double', '5.25', '5.25'],
    ['double', '12.50', '12.50'],
    ['double', '1e21', '1.0e21'],
    ['double', '-3', '-3.0'],
    ['double', '".5"', '0.5'],
    ['double', '"5."', '5.0'],
    ['double', '"-0012.5"', '-12.5'],
    ['double', '"NaN"', 'no'],
    ['double', '"1e999"', 'no'],
    ['double', 'false', 'no'],
    ['boolean', 'true', 'true'],
    ['boolean', '0', 'false'],
    ['boolean', '1', 'true'],
    ['boolean', '2', 'no'],
    ['boolean', '"Yes"', 'true'],
    ['boolean', '"n"', 'false'],
    ['boolean', '"maybe"', 'no'],
    ['boolean', '""', 'no'],
    ['date', '"2024-02-29"', '"2024-02-29 00:00:00 +00:00"'],
    ['date', '1700000000', 'no'],
    ['date', 'true', 'no'],
    ['date', '["2024-01-01"]', '["2024-01-01 00:00:00 +00:00"]'],
    ['object', '{"a":1}', '{"a":1}'],
    ['object', '[{"a":1}]', '[{"a":1}]'],
    ['object', '"{\\"a\\":5.0}"', '{"a":5.0}'],
    ['object', '"text"', 'no'],
    ['object', '[1]', 'no'],
    ['object', '5', 'no'],
  ])('%s: %s → %s', (type, text, expected) => {
    expect(converted(type, text)).toBe(expected);
  });

  it.each<MappingType>(['string', 'long', 'double', 'boolean', 'date', 'object'])(
    'null stays null (%s)',
    (type) => {
      expect(converted(type, 'null')).toBe('null');
    },
  );

  it('says what was expected and found, never the value', () => {
    expect(coerce('secret', 'long')).toEqual({
      ok: false,
      reason: 'expected a whole number of at most 64 bits, found other text',
    });
  });

  it('keeps every digit of a 64-bit integer, given as number or as text', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(converted('long', String(value))).toBe(String(value));
        expect(converted('long', `"${value}"`)).toBe(String(value));
      }),
    );
  });

  it('writes every double with a point and the same value', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = converted('double', JSON.stringify(value));
        expect(text).toMatch(/^-?\d+\.\d+(e[+-]?\d+)?$/);
        expect(Number(text)).toBe(Object.is(value, -0) ? 0 : value);
      }),
    );
  });
});

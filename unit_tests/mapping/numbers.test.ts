import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ExactNumber } from '../../src/json.ts';
import { parseJson, stringifyJson } from '../../src/json.ts';
import { toDouble, toLong } from '../../src/mapping/numbers.ts';

/** The JSON text that goes out for the text of a number, given as a number and as text; `no` where it is refused. */
function written(convert: typeof toLong, text: string): string[] {
  return [parseJson(text) as number | ExactNumber, text].map((value) => {
    const converted = convert(value);
    return converted === undefined ? 'no' : stringifyJson(converted);
  });
}

describe('toLong', () => {
  it.each([
    ['5', '5'],
    ['-0', '0'],
    ['5.0', '5'],
    ['1e3', '1000'],
    ['1.50e1', '15'],
    ['120e-1', '12'],
    ['9007199254740993', '9007199254740993'],
    ['9007199254740993.00', '9007199254740993'],
    ['9.007199254740993e15', '9007199254740993'],
    ['900719925474099300e-2', '9007199254740993'],
    ['9223372036854775807', '9223372036854775807'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['9223372036854775808', 'no'],
    ['-9223372036854775809', 'no'],
    ['1e19', 'no'],
    ['1e400', 'no'],
    ['1e99999999999', 'no'],
    ['0e99999999999', '0'],
    ['1e-99999999999', 'no'],
    ['5.5', 'no'],
    ['1e-1', 'no'],
    ['1.00000000000000000001e1', 'no'],
    ['5.00000000000000000001', 'no'],
  ])('%s → %s', (text, expected) => {
    expect(written(toLong, text)).toEqual([expected, expected]);
  });

  it.each([
    [' 42 ', 42],
    ['+7', 7],
    ['-007', -7],
    ['5.', 5],
    ['.0', 0],
    ['', undefined],
    ['.', undefined],
    ['-', undefined],
    ['1e', undefined],
    ['0x10', undefined],
    ['1,000', undefined],
    ['1 000', undefined],
    ['--1', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
    ['٣', undefined],
  ])('the text %j → %s', (text, expected) => {
    expect(toLong(text)).toBe(expected);
  });

  it('keeps every digit of a 64-bit integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(written(toLong, String(value))).toEqual([String(value), String(value)]);
      }),
    );
  });

  it('wherever the point stands and whatever the exponent, a whole number is that number', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(30), (value, places) => {
        const digits = String(Math.abs(value)).padStart(places + 1, '0');
        const at = digits.length - places;
        const shifted = `${value < 0 ? '-' : ''}${digits.slice(0, at)}.${digits.slice(at)}e${places}`;
        expect(toLong(shifted)).toBe(value);
      }),
    );
  });

  it('is quick to refuse long texts that are nearly numbers', () => {
    const zeros = '0'.repeat(1_000_000);
    expect([toLong(`${zeros}x`), toDouble(`${zeros}x`), toLong(`1${zeros}`)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  }, 2_000);
});

describe('toDouble', () => {
  it.each([
    ['5', '5.0'],
    ['-3', '-3.0'],
    ['0', '0.0'],
    ['-0', '-0.0'],
    ['5.25', '5.25'],
    ['12.50', '12.50'],
    ['0.1234567890123456789', '0.1234567890123456789'],
    ['9007199254740993', '9007199254740993.0'],
    ['1e21', '1.0e21'],
    ['1E+5', '1.0e+5'],
    ['1e-7', '1.0e-7'],
    ['1.5e300', '1.5e300'],
    ['1e308', '1.0e308'],
    ['1e309', 'no'],
    ['-1e999', 'no'],
  ])('%s → %s', (text, expected) => {
    expect(written(toDouble, text)).toEqual([expected, expected]);
  });

  it.each([
    ['.5', '0.5'],
    ['5.', '5.0'],
    ['+5', '5.0'],
    ['-0012.5', '-12.5'],
    [' 1 ', '1.0'],
    ['-.5e3', '-0.5e3'],
  ])('the text %j → %s', (text, expected) => {
    expect(stringifyJson(toDouble(text))).toBe(expected);
  });

  it.each(['', 'NaN', 'Infinity', '1,5', '1.2.3', '5 €', '1e5.5'])('the text %j is none', (text) => {
    expect(toDouble(text)).toBeUndefined();
  });

  it('writes every double as JSON with a point, and the same value', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        for (const text of written(toDouble, JSON.stringify(value))) {
          expect(text).toMatch(/^-?(0|[1-9]\d*)\.\d+(e[+-]?\d+)?$/);
          expect(Number(text)).toBe(Number(JSON.stringify(value)));
        }
      }),
    );
  });
});

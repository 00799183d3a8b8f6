import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ExactNumber, parseJson, stringifyJson } from '../../src/json.ts';
import { canonicalNumber, isCanonicalNumber, isZero, toDouble, toLong } from '../../src/mapping/numbers.ts';

/** The JSON text of the converted number, given as a number and as text; `no` if it is refused. */
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

  it('reads a whole number with any position of the point and any exponent', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(30), (value, places) => {
        const digits = String(Math.abs(value)).padStart(places + 1, '0');
        const at = digits.length - places;
        const shifted = `${value < 0 ? '-' : ''}${digits.slice(0, at)}.${digits.slice(at)}e${places}`;
        expect(toLong(shifted)).toBe(value);
      }),
    );
  });

  it('quickly refuses long texts that are almost numbers', () => {
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

  it.each(['', 'NaN', 'Infinity', '1,5', '1.2.3', '5 €', '1e5.5'])('the text %j is not a double', (text) => {
    expect(toDouble(text)).toBeUndefined();
  });

  it('writes every double as JSON with a decimal point and the same value', () => {
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

describe('canonicalNumber', () => {
  const zeros = (count: number) => '0'.repeat(count);

  it.each([
    ['7000', '7000'],
    ['7000.0', '7000'],
    ['7E+3', '7000'],
    ['7e03', '7000'],
    ['0.7e4', '7000'],
    ['70000e-1', '7000'],
    ['1.5', '1.5'],
    ['1.50', '1.5'],
    ['-1.50', '-1.5'],
    ['0.5', '0.5'],
    ['5e-1', '0.5'],
    ['0', '0'],
    ['-0', '0'],
    ['-0.0', '0'],
    ['0e999999999999', '0'],
    ['9007199254740993', '9007199254740993'],
    ['9007199254740993.0', '9007199254740993'],
    ['1e21', '1000000000000000000000'],
    ['1e-7', '0.0000001'],
    ['123456789012345678901234567890.5', '123456789012345678901234567890.5'],
    ['1e59', `1${zeros(59)}`],
    ['1e60', '1e+60'],
    ['-1e58', `-1${zeros(58)}`],
    ['-1e59', '-1e+59'],
    ['1e-58', `0.${zeros(57)}1`],
    ['1e-59', '1e-59'],
    ['1.50e300', '1.5e+300'],
    ['150e298', '1.5e+300'],
    ['1e-400', '1e-400'],
    ['1e99999999999999999999', '1e+99999999999999999999'],
    ['10e99999999999999999998', '1e+99999999999999999999'],
  ])('%s → %s', (text, expected) => {
    expect(canonicalNumber(parseJson(text) as number | ExactNumber)).toBe(expected);
    expect(canonicalNumber(new ExactNumber(text))).toBe(expected);
  });

  /** Digits with a decimal point and an exponent: a JSON number, and its value as digits times a power of ten. */
  const aNumber = fc
    .record({
      isNegative: fc.boolean(),
      digits: fc.bigInt({ min: 0n, max: 10n ** 40n }),
      places: fc.nat(20),
      exponent: fc.integer({ min: -80, max: 80 }),
      form: fc.constantFrom('e', 'E', 'e+', 'E+'),
    })
    .map(({ isNegative, digits, places, exponent, form }) => {
      const padded = String(digits).padStart(places + 1, '0');
      const at = padded.length - places;
      const fraction = places === 0 ? '' : `.${padded.slice(at)}`;
      const ending = exponent === 0 ? '' : `${exponent < 0 ? 'e' : form}${exponent}`;
      const value = { digits: isNegative ? -digits : digits, power: exponent - places };
      return { text: `${isNegative ? '-' : ''}${padded.slice(0, at)}${fraction}${ending}`, value };
    });
  /** In units of 10^-110, of which all of them are multiples. */
  const exactly = ({ digits, power }: { digits: bigint; power: number }) =>
    digits * 10n ** BigInt(power + 110);
  const valueOf = (text: string) => {
    const [mantissa = '', exponent = '0'] = text.split('e');
    const [whole = '', fraction = ''] = mantissa.split('.');
    return exactly({ digits: BigInt(whole + fraction), power: Number(exponent) - fraction.length });
  };

  it('keeps the value, in its only canonical form', () => {
    fc.assert(
      fc.property(aNumber, ({ text, value }) => {
        const canonical = canonicalNumber(new ExactNumber(text));
        expect(canonical).toMatch(
          /^(?:0|-?(?:[1-9]\d*|0(?=\.))(?:\.\d*[1-9])?|-?[1-9](?:\.\d*[1-9])?e[+-]\d+)$/,
        );
        expect(valueOf(canonical)).toBe(exactly(value));
        expect(canonicalNumber(parseJson(canonical) as number | ExactNumber)).toBe(canonical);
        expect(canonicalNumber(parseJson(text) as number | ExactNumber)).toBe(canonical);
        expect(isCanonicalNumber(canonical)).toBe(true);
        expect(isCanonicalNumber(text)).toBe(text === canonical);
        if (!canonical.includes('e')) expect(canonical.length).toBeLessThanOrEqual(60);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is the same for two numbers exactly when their values are', () => {
    const shifted = aNumber.chain(({ value: { digits, power } }) =>
      fc
        .nat(30)
        .map((places) => [`${digits}e${power}`, `${digits}${zeros(places)}e${power - places}`] as const),
    );
    fc.assert(
      fc.property(shifted, ([one, other]) => {
        expect(canonicalNumber(new ExactNumber(one))).toBe(canonicalNumber(new ExactNumber(other)));
      }),
    );
    fc.assert(
      fc.property(aNumber, aNumber, (one, other) => {
        const texts = [one, other].map(({ text }) => canonicalNumber(new ExactNumber(text)));
        expect(texts[0] === texts[1]).toBe(exactly(one.value) === exactly(other.value));
      }),
    );
  });

  it('accepts every JavaScript number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(canonicalNumber(value))).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  it('is fast, whatever the length', () => {
    expect(canonicalNumber(new ExactNumber(`1${zeros(1_000_000)}`))).toBe('1e+1000000');
    expect(canonicalNumber(new ExactNumber(`0.${zeros(1_000_000)}1`))).toBe('1e-1000001');
    expect(canonicalNumber(new ExactNumber(`1${zeros(1_000_000)}1`))).toHaveLength(1_000_012);
  }, 2_000);

  it.each(['007', '7.0', '+7', '7.', '.7', ' 7', '7 ', '7e3', '-0', '1e+59', '', '-', 'x7', '7x', '1.5e300'])(
    'the text %j is not in that form',
    (text) => {
      expect(isCanonicalNumber(text)).toBe(false);
    },
  );
});

describe('isZero', () => {
  it.each<[number | string | ExactNumber, boolean | undefined]>([
    [0, true],
    [-0, true],
    ['-0.00', true],
    [new ExactNumber('0e9'), true],
    ['+0', true],
    [7, false],
    [new ExactNumber('1e-400'), false],
    ['2', false],
    ['', undefined],
    ['0x0', undefined],
    ['active', undefined],
  ])('%j: %s', (value, expected) => {
    expect(isZero(value)).toBe(expected);
  });
});

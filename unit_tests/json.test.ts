import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  endOfString,
  ExactNumber,
  isJsonObject,
  parseJson,
  stringifyIfPossible,
  stringifyJson,
  withNothingLost,
  type JsonValue,
} from '../src/json.ts';

describe('parseJson', () => {
  it.each([
    ['an integer beyond 2^53', '9007199254740993'],
    ['a negative one', '-9007199254740993'],
    ['a long id', '123456789012345678901234567890'],
    ['a fraction that ends in 0', '5.0'],
    ['several zeros', '12.500'],
    ['an exponent', '1e3'],
    ['an exponent with a sign', '1E+3'],
    ['a fraction with exponent', '-1.50e-7'],
    ['minus zero', '-0'],
    ['minus zero with a fraction', '-0.0'],
    ['more digits than a double has', '0.12345678901234567890'],
    ['a small number that JavaScript writes with an exponent', '0.0000001'],
    ['a number beyond every double', '1e400'],
    ['a number below every double', '1e-400'],
  ])('keeps %s as it was written: %s', (_sentence, number) => {
    expect(parseJson(number)).toEqual(new ExactNumber(number));
    expect(parseJson(` {"a" :\n[ ${number} ,${number}]}`)).toEqual({
      a: [new ExactNumber(number), new ExactNumber(number)],
    });
    expect(stringifyJson(parseJson(`{"a":[${number},{"b":${number}}]}`))).toBe(
      `{"a":[${number},{"b":${number}}]}`,
    );
  });

  it.each([
    ['0'],
    ['7'],
    ['-7'],
    ['1.5'],
    ['-0.5'],
    ['123456789012345'],
    ['9007199254740991'],
    ['-9007199254740992'],
    ['1e+21'],
    ['1e-7'],
    ['0.000001'],
  ])('gives an ordinary number where nothing is lost: %s', (number) => {
    expect(parseJson(number)).toBe(Number(number));
    expect(stringifyJson(parseJson(`[${number}]`))).toBe(`[${number}]`);
  });

  it.each([
    ['digits', '9007199254740993'],
    ['a fraction', ', 5.0'],
    ['JSON', '{"a":5.0,"b":[-0]}'],
    ['quotes and backslashes', '\\",5.0,\\\\"'],
    ['a backslash at the end', '5.0\\'],
    ['something like the mark of a number', 'exact-number:00000000-0000-4000-8000-000000000000:5.0'],
    ['characters beyond the basic plane', '😀 1e5 \u2028'],
  ])('leaves strings alone: %s', (_sentence, text) => {
    const value = { [text]: text, n: 1 };
    expect(parseJson(JSON.stringify(value))).toEqual(value);
    const json = `{${JSON.stringify(text)}:${JSON.stringify(text)},"n":5.0}`;
    expect(parseJson(json)).toEqual({ [text]: text, n: new ExactNumber('5.0') });
    expect(stringifyJson(parseJson(json))).toBe(json);
  });

  it.each([
    ['a leading zero', '{"a":01.0}'],
    ['no digit after the point', '{"a":1.}'],
    ['no digit before the point', '{"a":.50}'],
    ['a plus', '{"a":+1.0}'],
    ['two minuses', '{"a":--1.0}'],
    ['a minus alone', '{"a":-}'],
    ['two points', '{"a":1.0.0}'],
    ['an exponent without digits', '{"a":1.0e}'],
    ['a number for a key', '{5.0:1}'],
    ['two values', '{"a":5.0 5.0}'],
    ['a number before a string', '{"a":5.0"x"}'],
    ['a word', '{"a":NaN,"b":5.0}'],
    ['hexadecimal', '{"a":0x10,"b":5.0}'],
    ['a string that never closes', '{"a":5.0,"b":"x}'],
    ['an escape that is none', '{"a":5.0,"b":"\\x"}'],
    ['a newline in a string', '{"a":5.0,"b":"\n"}'],
    ['a trailing comma', '{"a":5.0,}'],
    ['something after the end', '{"a":5.0}5.0'],
    ['nothing', ''],
  ])('refuses broken JSON with a SyntaxError: %s', (_sentence, text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  it('makes __proto__ an own property like any other, exact numbers in it or not', () => {
    for (const json of ['{"__proto__":{"a":1}}', '{"__proto__":{"a":5.0},"b":5.0}', '{"__proto__":5.0}']) {
      const value = parseJson(json);
      expect(Object.keys(value as object)[0]).toBe('__proto__');
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(stringifyJson(value)).toBe(json);
    }
  });

  it('reads escaped keys as what they say, also where V8 mixes them up', () => {
    // Having seen a key that is a backslash, JSON.parse of Node 24 takes the next escaped key of its length for it.
    const keys = ['\\', '"', '\n', '\u0001', 'a\\', 'a"', 'a\n', 'é', '\\u', '"u', '1', '__proto__'];
    for (const first of keys) {
      for (const second of keys.filter((key) => key !== first)) {
        const json = `{${[first, second].map((key) => `${escaped(key)} :[1]`).join(',')},"n":5.0}`;
        const expected = [first, second].sort((a, b) => Number(b === '1') - Number(a === '1'));
        expect(Object.keys(parseJson(json) as object)).toEqual([...expected, 'n']);
        expect(parseJson(`[${json}]`)).toEqual([
          Object.fromEntries([
            [first, [1]],
            [second, [1]],
            ['n', new ExactNumber('5.0')],
          ]),
        ]);
      }
    }
    expect(parseJson('{"\\u0061":1,"a":2,"b":{"\\u0061":3}}')).toEqual({ a: 2, b: { a: 3 } });
  });

  it('lets the last of two equal keys count', () => {
    expect(parseJson('{"a":5.0,"a":6.0}')).toEqual({ a: new ExactNumber('6.0') });
  });

  it('reads any depth without running out of stack', () => {
    const depth = 100_000;
    let value = parseJson(`${'[{"a":'.repeat(depth)}5.0${'}]'.repeat(depth)}`);
    for (let level = 0; level < depth; level++) value = (value as { a: JsonValue }[])[0]?.a ?? null;
    expect(value).toEqual(new ExactNumber('5.0'));
  });

  it('gives back every text: numbers, keys, strings', () => {
    const digits = fc.stringMatching(/^(0|[1-9]\d{0,24})$/);
    const number = fc
      .tuple(
        fc.constantFrom('', '-'),
        digits,
        fc.option(fc.stringMatching(/^\.\d{1,20}$/), { nil: '' }),
        fc.option(fc.stringMatching(/^[eE][+-]?\d{1,3}$/), { nil: '' }),
      )
      .map((parts) => parts.join(''));
    const { json } = fc.letrec<{ json: string }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 4 },
        number,
        fc.constantFrom('true', 'false', 'null'),
        fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
        fc.array(tie('json')).map((items) => `[${items.join(',')}]`),
        fc.dictionary(fc.string(), tie('json')).map(
          (members) =>
            `{${Object.entries(members)
              .filter(([key]) => !/^\d+$/.test(key)) // JavaScript moves whole numbers to the front.
              .map(([key, value]) => `${JSON.stringify(key)}:${value}`)
              .join(',')}}`,
        ),
      ),
    }));
    fc.assert(
      fc.property(json, (text) => {
        expect(stringifyJson(parseJson(text))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it('breaks exactly where JSON.parse breaks', () => {
    const almostJson = fc.array(fc.constantFrom(...'{}[],:"\\ 0159.-+eEnu'.split(''), '5.0', '"a":', 'null'));
    fc.assert(
      fc.property(
        almostJson.map((tokens) => tokens.join('')),
        (text) => {
          let isJson = true;
          try {
            JSON.parse(text);
          } catch {
            isJson = false;
          }
          if (isJson) parseJson(text);
          else expect(() => parseJson(text)).toThrow(SyntaxError);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('takes time in proportion to the length', () => {
    const strings = `["${'\\"'.repeat(1_000_000)}","${'\\\\'.repeat(1_000_000)}",${' '.repeat(1_000_000)}5.0]`;
    const numbers = `[${'1.50,'.repeat(200_000)}${'9'.repeat(100_000)}]`;
    const startedAt = performance.now();
    parseJson(strings);
    parseJson(numbers);
    // About 0.2 s; a quadratic scan takes minutes.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe('withNothingLost', () => {
  it('gives the very same value back when nothing was lost', () => {
    const value: JsonValue = { a: 1, b: '5.0' };
    expect(withNothingLost(value, '{"a":1,"b":"5.0"}')).toBe(value);
  });
});

describe('stringifyJson', () => {
  const bracketed = (number: string) => `"<${number}>"`;

  it('writes exact numbers bare, wherever they stand', () => {
    expect(stringifyJson(new ExactNumber('5.0'))).toBe('5.0');
    expect(stringifyJson({ a: [new ExactNumber('1e400'), '5.0'] })).toBe('{"a":[1e400,"5.0"]}');
  });

  it('needs no help for it: JSON.stringify alone writes them so, too', () => {
    expect(JSON.stringify({ a: [new ExactNumber('-0')], b: new ExactNumber('1e-400') })).toBe(
      '{"a":[-0],"b":1e-400}',
    );
  });

  it.each([
    ['a million digits', '9'.repeat(1_000_000)],
    ['an exponent beyond all bounds', '1e+1000000'],
    ['an exponent with leading zeros', '1E-0007'],
  ])('keeps %s', (_sentence, number) => {
    expect(stringifyJson([new ExactNumber(number)]) === `[${number}]`).toBe(true);
  });

  it.each(['', '1.', '.5', '01', '+1', '0x10', 'NaN', ' 5', '5 ', '5,6', '5.0}', '[5]', '{}'])(
    'never writes broken JSON, whatever a number is made of: %j',
    (text) => {
      expect(() => stringifyJson({ a: new ExactNumber(text) })).toThrow(SyntaxError);
    },
  );

  it.each<[string, unknown]>([
    ['what is undefined', { a: undefined, b: [undefined], c: 1 }],
    ['numbers that JSON does not have', [NaN, Infinity, -0]],
    ['half of a character', { '\ud800': '\udc00', b: '😀\u2028\u0000' }],
    ['keys that look like indexes', { b: 1, '10': 2, '9': 3, a: 4 }],
    ['dates', { a: new Date(0) }],
    ['objects without a prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    ['an own __proto__', JSON.parse('{"a":{"__proto__":{"b":1}}}')],
    ['nothing', null],
  ])('is JSON.stringify in all else: %s', (_sentence, value) => {
    const text = JSON.stringify(value);
    expect(stringifyJson(value)).toBe(text);
    expect(stringifyJson(value, bracketed)).toBe(text);
    expect(stringifyJson([value, new ExactNumber('5.0'), value])).toBe(`[${text},5.0,${text}]`);
  });

  it('keeps the order of keys, exact numbers among them or not', () => {
    const value = {
      z: new ExactNumber('5.0'),
      '2': 1,
      a: new ExactNumber('1e3'),
      '1': new ExactNumber('-0'),
    };
    expect(stringifyJson(value)).toBe('{"1":-0,"2":1,"z":5.0,"a":1e3}');
  });

  it('rewrites the text of exact numbers, and of nothing else', () => {
    const value = { a: new ExactNumber('5.0'), b: [5, '5.0', { c: new ExactNumber('-0') }], d: 9.5 };
    expect(stringifyJson(value, bracketed)).toBe('{"a":"<5.0>","b":[5,"5.0",{"c":"<-0>"}],"d":9.5}');
    expect(stringifyJson(new ExactNumber('1e3'), () => '1000')).toBe('1000');
  });

  it('rewrites in one call only', () => {
    const number = new ExactNumber('5.0');
    stringifyJson(number, bracketed);
    expect(stringifyJson(number)).toBe('5.0');
    const fails = () => {
      throw new Error('no');
    };
    expect(() => stringifyJson(number, fails)).toThrow('no');
    expect(JSON.stringify(number)).toBe('5.0');
    // One that writes another value meanwhile: each its own way.
    const nested = () => `[${stringifyJson(number)},${stringifyJson(number, bracketed)}]`;
    expect(stringifyJson([number, number], (text) => JSON.stringify(nested() + text))).toBe(
      '["[5.0,\\"<5.0>\\"]5.0","[5.0,\\"<5.0>\\"]5.0"]',
    );
  });
});

describe('stringifyIfPossible', () => {
  const nested = (depth: number) => {
    let value: JsonValue = new ExactNumber('5.0');
    for (let level = 0; level < depth; level++) value = [value];
    return value;
  };

  it('gives nothing for what is nested too deeply', () => {
    expect(stringifyIfPossible(nested(100))).toBe(`${'['.repeat(100)}5.0${']'.repeat(100)}`);
    expect(stringifyIfPossible(nested(100_000))).toBeUndefined();
    expect(stringifyIfPossible(nested(100_000), () => '5')).toBeUndefined();
    expect(() => stringifyJson(nested(100_000))).toThrow(RangeError);
  });

  it('rewrites as stringifyJson does', () => {
    expect(stringifyIfPossible([new ExactNumber('5.0')], () => '5')).toBe('[5]');
  });

  it('hides no other error', () => {
    const value = { toJSON: () => BigInt(1) };
    expect(() => stringifyIfPossible(value)).toThrow(TypeError);
  });
});

describe('isJsonObject', () => {
  it.each<[string, unknown, boolean]>([
    ['an object', {}, true],
    ['an object without prototype', Object.create(null), true],
    ['an array', [], false],
    ['null', null, false],
    ['undefined', undefined, false],
    ['a text', '{}', false],
    ['an exact number', new ExactNumber('5.0'), false],
  ])('%s', (_sentence, value, expected) => {
    expect(isJsonObject(value)).toBe(expected);
  });
});

describe('endOfString', () => {
  it.each([
    ['empty', '""', 0, 2],
    ['in the midst', 'x"ab"y', 1, 5],
    ['with an escaped quote', '"a\\"b"', 0, 6],
    ['with an escaped backslash before the quote', '"a\\\\"b"', 0, 5],
    ['that never closes', '"abc', 0, 4],
    ['that ends in a backslash', '"abc\\', 0, 5],
  ])('finds the end of a string: %s', (_sentence, text, open, end) => {
    expect(endOfString(text, open)).toBe(end);
  });
});

/** JSON for a key, in the shortest form where it must be escaped, else needlessly escaped. */
function escaped(key: string): string {
  const units = key.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return /["\\\n]/.test(key) ? JSON.stringify(key) : `"${units.join('')}"`;
}

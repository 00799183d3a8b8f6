import { describe, expect, it } from '@jest/globals';
import { parseJson, stringifyJson } from '../../src/json.ts';
import { coercionTo, Refusal } from '../../src/mapping/coerce.ts';
import type { MappingType } from '../../src/mapping/options.ts';

const TYPES: readonly MappingType[] = ['string', 'long', 'double', 'boolean', 'date', 'object'];

/** The JSON text of the converted value; `no` if it is refused. */
function converted(type: MappingType, text: string): string {
  const result = coercionTo(type)(parseJson(text));
  return result instanceof Refusal ? 'no' : stringifyJson(result);
}

describe('coercionTo', () => {
  it.each<[MappingType, string, string]>([
    ['string', '"a"', '"a"'],
    ['string', '" a "', '" a "'],
    ['string', '""', '""'],
    ['string', '5', '"5"'],
    ['string', '5.0', '"5.0"'],
    ['string', '1e3', '"1e3"'],
    ['string', '9007199254740993', '"9007199254740993"'],
    ['string', 'true', '"true"'],
    ['string', '{"a":5.0}', '"{\\"a\\":5.0}"'],
    ['string', '[1,"b",null,{"a":1}]', '["1","b",null,"{\\"a\\":1}"]'],
    ['long', '5', '5'],
    ['long', '5.0', '5'],
    ['long', '" 42 "', '42'],
    ['long', '9007199254740993', '9007199254740993'],
    ['long', '[1,"2",null,3.0]', '[1,2,null,3]'],
    ['long', '[1,"x"]', 'no'],
    ['long', '5.5', 'no'],
    ['long', '""', 'no'],
    ['long', 'true', 'no'],
    ['long', '{}', 'no'],
    ['double', '5', '5.0'],
    ['double', '"5.50"', '5.50'],
    ['double', '[1,null]', '[1.0,null]'],
    ['double', 'false', 'no'],
    ['double', '"NaN"', 'no'],
    ['double', '{}', 'no'],
    ['boolean', 'true', 'true'],
    ['boolean', 'false', 'false'],
    ['boolean', '0', 'false'],
    ['boolean', '1', 'true'],
    ['boolean', '1.0', 'true'],
    ['boolean', '-0', 'false'],
    ['boolean', '2', 'no'],
    ['boolean', '"Yes"', 'true'],
    ['boolean', '" T "', 'true'],
    ['boolean', '"y"', 'true'],
    ['boolean', '"1"', 'true'],
    ['boolean', '"n"', 'false'],
    ['boolean', '"NO"', 'false'],
    ['boolean', '"f"', 'false'],
    ['boolean', '"0"', 'false'],
    ['boolean', '"False"', 'false'],
    ['boolean', '"maybe"', 'no'],
    ['boolean', '"1.0"', 'no'],
    ['boolean', '""', 'no'],
    ['boolean', '{}', 'no'],
    ['boolean', '["yes",0,null]', '[true,false,null]'],
    ['date', '"2024-02-29"', '"2024-02-29 00:00:00 +00:00"'],
    ['date', '"2023-02-29"', 'no'],
    ['date', '""', 'no'],
    ['date', '1700000000', 'no'],
    ['date', 'true', 'no'],
    ['date', '{}', 'no'],
    ['date', '["2024-01-01",null]', '["2024-01-01 00:00:00 +00:00",null]'],
    ['object', '{"a":1}', '{"a":1}'],
    ['object', '[{"a":1},null]', '[{"a":1},null]'],
    ['object', '[]', '[]'],
    ['object', '"{\\"a\\":5.0}"', '{"a":5.0}'],
    ['object', '" [{\\"a\\":1}] "', '[{"a":1}]'],
    ['object', '"text"', 'no'],
    ['object', '"5"', 'no'],
    ['object', '"null"', 'no'],
    ['object', '""', 'no'],
    ['object', '[1]', 'no'],
    ['object', '[[{"a":1}]]', 'no'],
    ['object', '5', 'no'],
    ['object', '5.0', 'no'],
    ['object', 'true', 'no'],
  ])('%s: %s → %s', (type, text, expected) => {
    expect(converted(type, text)).toBe(expected);
  });

  it.each(TYPES)('null stays null (%s)', (type) => {
    expect(converted(type, 'null')).toBe('null');
  });

  it.each<[MappingType, string, string]>([
    ['long', '"secret"', 'expected a whole number of at most 64 bits, found other text'],
    ['long', '5.5', 'expected a whole number of at most 64 bits, found another number'],
    ['long', '["secret"]', 'expected a whole number of at most 64 bits, found other text'],
    ['double', '" "', 'expected a number, found empty text'],
    ['double', 'true', 'expected a number, found true or false'],
    ['boolean', '2', 'expected true or false, found another number'],
    ['date', '1700000000', 'expected a date (yyyy-MM-dd, with or without a time), found a number'],
    ['date', '{"a":"secret"}', 'expected a date (yyyy-MM-dd, with or without a time), found an object'],
    ['object', '["secret"]', 'expected an object or a list of objects, found another list'],
    ['object', '5', 'expected an object or a list of objects, found a number'],
  ])('%s: %s is refused, and the reason never contains the value', (type, text, reason) => {
    expect(coercionTo(type)(parseJson(text))).toEqual(new Refusal(reason));
  });

  it('converting again changes nothing', () => {
    const inputs = ['"7"', '"2024-02-29T01:00:00+02:00"', '"yes"', '"{\\"a\\":1}"', '[1,null]', '12.50'];
    for (const type of TYPES) {
      for (const text of inputs) {
        const once = converted(type, text);
        if (once !== 'no') expect(converted(type, once)).toBe(once);
      }
    }
  });
});

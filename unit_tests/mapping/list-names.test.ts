import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseJson, type JsonValue } from '../../src/json.ts';
import { Refusal } from '../../src/mapping/coerce.ts';
import { readListNames } from '../../src/mapping/list-names.ts';

/** The names, or the end of the reason if they are refused. */
function namesIn(value: JsonValue): string[] | string {
  const names = readListNames(value);
  return names instanceof Refusal ? (names.reason.split('found ')[1] ?? names.reason) : [...names.keys()];
}

const OTHER_NOTATION = 'text in another notation';

describe('a column that is not text', () => {
  it.each<[string, string, string[] | string]>([
    ['null gives none', 'null', []],
    ['an array', '["Red"," VIP ","Red"]', ['Red', 'VIP']],
    ['an empty array', '[]', []],
    ['nulls and blank names are skipped', '[null,"",  " ","Red"]', ['Red']],
    [
      'numbers go by their value',
      '[7000,7000.0,7E+3,9007199254740993,1.50]',
      ['7000', '9007199254740993', '1.5'],
    ],
    ['numeric text stays text', '["7000.0","007"]', ['7000.0', '007']],
    ['a number alone', '7.0', ['7']],
    ['true is not a name', '[true]', 'another value'],
    ['nor is true alone', 'true', 'expected list names, as an array or separated by commas'],
    ['an array in an array', '[["Red"]]', 'another value'],
    ['an object', '{"Red":true}', 'expected list names, as an array or separated by commas'],
  ])('%s', (_title, json, expected) => {
    expect(namesIn(parseJson(json))).toEqual(expected);
  });
});

describe('text', () => {
  it.each<[string, string, string[] | string]>([
    ['separated by commas', ' Red,VIP ,,', ['Red', 'VIP']],
    ['of one name', 'Big spenders', ['Big spenders']],
    ['of a number is unchanged', '007, 7.0', ['007', '7.0']],
    ['that is empty', '  ', []],
    ['null alone', ' NULL ', []],
    ['None alone', 'None', []],
    ['null among names is a name', 'Red,null', ['Red', 'null']],
    ['with brackets inside', 'Red [EU], VIP {2}', ['Red [EU]', 'VIP {2}']],
    ['with apostrophes', "O'Brien's, '90s", ["O'Brien's", "'90s"]],
    ['with parentheses', '(beta), Gold (EU)', ['(beta)', 'Gold (EU)']],
    ['with comparison operators', '<18, >65', ['<18', '>65']],

    ['JSON', ' ["Red", "VIP, too", null, 7.0] ', ['Red', 'VIP, too', '7']],
    ['JSON with escapes', String.raw`["Caf\u00e9","a\"b"]`, ['Café', 'a"b']],
    [
      'JSON with numbers beyond 2^53',
      '[9007199254740993,"9007199254740993.0"]',
      ['9007199254740993', '9007199254740993.0'],
    ],
    ['JSON without names', '[]', []],
    ['JSON with true', '["Red",true]', 'another value'],
    ['JSON in JSON', '[["Red"]]', 'another value'],

    ['Postgres', '{VIP,"Big spenders"}', ['VIP', 'Big spenders']],
    ['Postgres without names', '{}', []],
    ['Postgres without names, with a space', '{ }', []],
    [
      'Postgres with escapes',
      String.raw`{"a\"b","c\\d","e,f","{g}",h\,i}`,
      ['a"b', 'c\\d', 'e,f', '{g}', 'h,i'],
    ],
    ['Postgres with NULL, and with NULL in quotes as a name', '{NULL,null,"NULL",VIP}', ['NULL', 'VIP']],
    ['Postgres with spaces', '{ VIP , Big spenders, "x y" }', ['VIP', 'Big spenders', 'x y']],
    ['Postgres with bounds', '[0:1]={VIP,Gold}', ['VIP', 'Gold']],
    ['Postgres with apostrophes', "{'90s,O'Brien,it's}", ["'90s", "O'Brien", "it's"]],
    ['Postgres with numbers, which may be texts', '{7000,7000.0,007}', ['7000', '7000.0', '007']],
    ['Postgres with a blank name', '{"",VIP}', ['VIP']],
    ['Postgres with an array in an array', '{{VIP},{Gold}}', OTHER_NOTATION],
    ['Postgres with text after its end', '{VIP},Gold', OTHER_NOTATION],
    ['Postgres that lacks an element', '{VIP,,Gold}', OTHER_NOTATION],
    ['Postgres that lacks its end', '{VIP,"Gold}', OTHER_NOTATION],
    ['Postgres with something after a quote', '{"VIP"x}', OTHER_NOTATION],

    ['Python', "['VIP', 'Big spenders']", ['VIP', 'Big spenders']],
    ['Python with both quotes', `["it's", 'say "hi"', 'both\\'"']`, ["it's", 'say "hi"', 'both\'"']],
    [
      'Python with escapes',
      String.raw`['a\\b', 'x\xe9', '\u20ac', '\U0001F600', 'tab\there', '\101']`,
      ['a\\b', 'xé', '€', '😀', 'tab\there', 'A'],
    ],
    ['Python 2', "[u'VIP', u'Gold']", ['VIP', 'Gold']],
    ['Python with None, nan and numbers', "['VIP', None, nan, 7000.0, 7]", ['VIP', '7000', '7']],
    ['a tuple', "('VIP', 'Gold')", ['VIP', 'Gold']],
    ['a tuple of one', "('VIP',)", ['VIP']],
    ['a tuple without names', '()', []],
    ['a set', "{'VIP', \"it's\"}", ['VIP', "it's"]],
    ['a set of one in double quotes', `{"it's"}`, ["it's"]],
    ['a set without names', 'set()', []],
    ['a frozen set', "frozenset({'VIP'})", ['VIP']],
    ['Python with true', "['VIP', True]", OTHER_NOTATION],
    ['Python with a list in a list', "[['VIP']]", OTHER_NOTATION],
    ['Python strings without a comma, which Python would join', "['VIP' 'Gold']", OTHER_NOTATION],
    ['Python bytes', "[b'VIP']", OTHER_NOTATION],
    ['Python with an escape that it does not have', String.raw`['\q']`, OTHER_NOTATION],
    ['Python that lacks its end', "['VIP', 'Gold", OTHER_NOTATION],
    ['Python with text after its end', "['VIP'], 'Gold'", OTHER_NOTATION],

    ['brackets around names without quotes', '[VIP, Gold]', OTHER_NOTATION],
    ['brackets at the beginning only', '[Red],VIP', OTHER_NOTATION],
    ['a JSON object', '{"VIP": true}', OTHER_NOTATION],
    ['a Python map', "{'VIP': True}", OTHER_NOTATION],
    ['a Python map without spaces', "{'VIP':True}", OTHER_NOTATION],
    ['a map without quotes', '{vip: true}', OTHER_NOTATION],
    ['a Java map', '{vip=true, gold=false}', OTHER_NOTATION],
    ['a JSON string', '"VIP"', OTHER_NOTATION],
    ['a JSON array in a JSON string', String.raw`"[\"VIP\"]"`, OTHER_NOTATION],
    ['CSV', '"Big, spenders",VIP', OTHER_NOTATION],
    ['CSV that begins without quotes', 'VIP,"Big, spenders"', OTHER_NOTATION],
    ['SQL strings', "'VIP','Gold'", OTHER_NOTATION],
    ['XML', '<list>VIP</list>', OTHER_NOTATION],
    ['a call', "array(['VIP'], dtype=object)", OTHER_NOTATION],
    ['a Postgres row', '(VIP,"Big spenders")', OTHER_NOTATION],
    ['tuples in a tuple', '((a,b),c)', OTHER_NOTATION],
    ['several lines', '- VIP\n- Gold', OTHER_NOTATION],
    ['an SQL array', "ARRAY['VIP','Gold']", OTHER_NOTATION],
    ['an SQL array of one', "ARRAY['VIP']", OTHER_NOTATION],
    ['a Scala list', 'List(VIP, Gold)', OTHER_NOTATION],
    ['a Spark array', 'WrappedArray(VIP)', OTHER_NOTATION],
    ['brackets around a comma', 'VIP [x, y], Gold', OTHER_NOTATION],
    ['brackets in a name', 'VIP (old), Gold [x]', ['VIP (old)', 'Gold [x]']],
    ['unpaired brackets', 'VIP :), Gold ( new', ['VIP :)', 'Gold ( new']],
    ['a name with a bracket', 'Tier(1)', ['Tier(1)']],
  ])('%s: %s', (_title, text, expected) => {
    expect(namesIn(text)).toEqual(expected);
  });

  it('is never quoted in the reason', () => {
    expect(readListNames('{"Secret": 1}')).toEqual(
      new Refusal(
        `expected list names as an array, as JSON text, as {VIP,"Big spenders"}, as ['VIP', 'Gold'] or separated by commas; found text in another notation`,
      ),
    );
  });
});

/** Names as sources have them: any characters, with those that matter in the notations more often. */
const aName = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(...`,"'\\{}[]() \t:=<>0aN`.split('')),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    ),
    maxLength: 12,
  })
  .map((name) => name.trim());
const names = fc.array(fc.option(aName), { maxLength: 5 });
const expectedOf = (written: readonly (string | null)[]) => [
  ...new Set(written.filter((name) => name !== null && name !== '')),
];

/** The output of Postgres's `array_out`: src/backend/utils/adt/arrayfuncs.c. */
function postgresArray(elements: readonly (string | null)[]): string {
  const written = elements.map((element) => {
    if (element === null) return 'NULL';
    const needsQuotes =
      element === '' || element.toLowerCase() === 'null' || /["\\{}, \t\n\v\f\r]/.test(element);
    return needsQuotes ? `"${element.replace(/["\\]/g, '\\$&')}"` : element;
  });
  return `{${written.join(',')}}`;
}

/** The output of Python's `repr` for printable text: in single quotes, unless it contains those and no double ones. */
function pythonText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('\t', '\\t')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return quote + escaped.replaceAll(quote, `\\${quote}`) + quote;
}

describe('for any names', () => {
  it('a Postgres array is read back, unless a name looks like a quoted Python string', () => {
    fc.assert(
      fc.property(names, (written) => {
        // `{'a'}` and `{None}` are also Python's notation for a set.
        fc.pre(!written.some((name) => name !== null && /^(?:u?'|none$|nan$)/i.test(name)));
        expect(namesIn(postgresArray(written))).toEqual(expectedOf(written));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['a list', (elements: string[]) => `[${elements.join(', ')}]`],
    [
      'a tuple',
      (elements: string[]) =>
        elements.length === 1 ? `(${elements.join('')},)` : `(${elements.join(', ')})`,
    ],
    ['a set', (elements: string[]) => (elements.length === 0 ? 'set()' : `{${elements.join(', ')}}`)],
  ])('%s of Python is read back', (_title, write) => {
    fc.assert(
      fc.property(names, (written) => {
        const text = write(written.map((name) => (name === null ? 'None' : pythonText(name))));
        expect(namesIn(text)).toEqual(expectedOf(written));
      }),
      { numRuns: 1_000 },
    );
  });

  it('JSON is read back', () => {
    fc.assert(
      fc.property(names, (written) => {
        expect(namesIn(JSON.stringify(written))).toEqual(expectedOf(written));
      }),
    );
  });

  it('quickly refuses long texts that are almost valid in a notation', () => {
    const blanks = ' '.repeat(200_000);
    for (const text of [
      `{a${blanks}b`,
      `{${blanks}`,
      `['a'${blanks}`,
      `['${'\\\\'.repeat(100_000)}`,
      `["a",${blanks}`,
      `a${'('.repeat(200_000)},${')'.repeat(200_000)}`,
    ])
      expect(namesIn(text)).toBe(OTHER_NOTATION);
  }, 2_000);
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { withDestinationStats } from '../../src/protocol/state-text.ts';

const FIVE = { recordCount: 5, rejectedRecordCount: 0 };
const STATS = '"destinationStats":{"recordCount":5.0}';
const MARK = 'where the counts belong';

describe('withDestinationStats', () => {
  it.each([
    [
      'adds the counts at the end of the state',
      '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"}},"id":3}}',
      `{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"}},"id":3,${STATS}}}`,
    ],
    [
      'adds to an empty state without a comma',
      '{"type":"STATE","state":{}}',
      `{"type":"STATE","state":{${STATS}}}`,
    ],
    ['adds to one with only whitespace', '{"state":{ \t}}', `{"state":{${STATS} \t}}`],
    [
      'finds the state before the type',
      '{"state":{"data":1},"type":"STATE"}',
      `{"state":{"data":1,${STATS}},"type":"STATE"}`,
    ],
    [
      'keeps all whitespace',
      ' { "type" : "STATE" ,\t"state" : { "data" : [ 1 , 2 ] } } ',
      ` { "type" : "STATE" ,\t"state" : { "data" : [ 1 , 2 ],${STATS} } } `,
    ],
    ['replaces null', '{"state":{"destinationStats":null,"id":1}}', `{"state":{${STATS},"id":1}}`],
    [
      'replaces the counts of another run',
      '{"state":{"a":1,"destinationStats" : {"recordCount":1.0,"additionalStats":{"x":[1]}} ,"id":1}}',
      '{"state":{"a":1,"destinationStats" : {"recordCount":5.0} ,"id":1}}',
    ],
    ['replaces a number at the end', '{"state":{"destinationStats":7}}', `{"state":{${STATS}}}`],
    [
      'keeps numbers that JavaScript would change',
      '{"state":{"id":3,"data":{"a":9007199254740993,"b":5.0,"c":1E5,"d":-0}}}',
      `{"state":{"id":3,"data":{"a":9007199254740993,"b":5.0,"c":1E5,"d":-0},${STATS}}}`,
    ],
    [
      'reads past braces, quotes and backslashes in strings',
      '{"x":"}\\"{","state":{"a":"}]\\\\","b\\"}":"{"},"y":"\\\\\\""}',
      `{"x":"}\\"{","state":{"a":"}]\\\\","b\\"}":"{",${STATS}},"y":"\\\\\\""}`,
    ],
    [
      'recognizes keys that are written with escapes',
      '{"st\\u0061te":{"destination\\u0053tats":null}}',
      '{"st\\u0061te":{"destination\\u0053tats":{"recordCount":5.0}}}',
    ],
    [
      'ignores deeper keys and strings',
      '{"a":{"state":{"x":1}},"b":"state","state":{"s":{"destinationStats":{"x":1}},"t":"destinationStats"}}',
      `{"a":{"state":{"x":1}},"b":"state","state":{"s":{"destinationStats":{"x":1}},"t":"destinationStats",${STATS}}}`,
    ],
    [
      'takes the last of two states',
      '{"state":{"a":1},"state":{"b":2}}',
      `{"state":{"a":1},"state":{"b":2,${STATS}}}`,
    ],
    [
      'takes the last of two counts',
      '{"state":{"destinationStats":{"recordCount":1.0},"destinationStats":null}}',
      `{"state":{"destinationStats":{"recordCount":1.0},${STATS}}}`,
    ],
    [
      'reads past every kind of value',
      '{"a":true,"b":null,"c":-1.5e3,"d":[],"e":{},"f":"","state":{"g":false}}',
      `{"a":true,"b":null,"c":-1.5e3,"d":[],"e":{},"f":"","state":{"g":false,${STATS}}}`,
    ],
    [
      'keeps characters beyond ASCII',
      '{"state":{"ключ":"😀\u2028"}}',
      `{"state":{"ключ":"😀\u2028",${STATS}}}`,
    ],
  ])('%s', (_sentence, line, expected) => {
    expect(withDestinationStats(line, FIVE)).toBe(expected);
  });

  it.each([
    [{ recordCount: 0, rejectedRecordCount: 0 }, '{"recordCount":0.0}'],
    [{ recordCount: 12, rejectedRecordCount: 3 }, '{"recordCount":12.0,"rejectedRecordCount":3.0}'],
    [{ recordCount: 0, rejectedRecordCount: 1 }, '{"recordCount":0.0,"rejectedRecordCount":1.0}'],
  ])('writes the counts with a decimal point, rejections only if there are any: %j', (stats, text) => {
    expect(withDestinationStats('{"state":{}}', stats)).toBe(`{"state":{"destinationStats":${text}}}`);
  });

  it.each([['{"type":"STATE"}'], ['{"state":null}'], ['{"state":[1]}'], ['{}']])(
    'fails without a state object: %s',
    (line) => {
      expect(() => withDestinationStats(line, FIVE)).toThrow('without a state object');
    },
  );

  it('changes nothing else in any message, compact or indented', () => {
    const anything = fc.jsonValue({ maxDepth: 4 });
    const object = fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('state', 'destinationStats', '"', '\\', '}')),
      anything,
    );
    fc.assert(
      fc.property(object, object, fc.constantFrom(undefined, 2, '\t'), (outer, state, indent) => {
        const line = JSON.stringify({ ...outer, state }, undefined, indent).replaceAll('\n', ' ');
        const result = withDestinationStats(line, FIVE);
        // Compared as text: V8's JSON.parse may itself mistake an escaped key (nodejs/node#63785).
        if ('destinationStats' in state) {
          const marked = { ...outer, state: { ...state, destinationStats: MARK } };
          const expected = JSON.stringify(marked, undefined, indent).replaceAll('\n', ' ');
          expect(result).toBe(expected.replace(`"${MARK}"`, '{"recordCount":5.0}'));
        } else {
          const member = Object.keys(state).length > 0 ? `,${STATS}` : STATS;
          expect(result.replace(member, '')).toBe(line);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is fast for a large and a deep state', () => {
    const deep = `{"state":{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}`;
    expect(withDestinationStats(`${deep}}}`, FIVE)).toBe(`${deep},${STATS}}}`);
    const large = `{"state":{"a":"${'\\"{'.repeat(3_000_000)}","b":[${'{"c":5.0},'.repeat(1_000_000)}1]`;
    const startedAt = performance.now();
    expect(withDestinationStats(`${large}}}`, FIVE)).toBe(`${large},${STATS}}}`);
    // About 0.2 s; a quadratic scan takes minutes.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

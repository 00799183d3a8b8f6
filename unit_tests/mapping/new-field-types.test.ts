import { describe, expect, it } from '@jest/globals';
import { parseJson, stringifyJson, type JsonObject } from '../../src/json.ts';
import { ColumnPlanner } from '../../src/mapping/column-planner.ts';
import { compileMapper, type MapperOptions } from '../../src/mapping/compile.ts';
import type { KnownFields } from '../../src/mapping/fields.ts';
import { NewFieldTypes, waitingNumbersIn } from '../../src/mapping/new-field-types.ts';

/** Streams of one sync that map to new fields, with the values that they have mapped so far. */
class Sync {
  readonly types = new NewFieldTypes();
  readonly #taken: JsonObject[] = [];

  stream({
    knownFields = new Map(),
    newFields = this.types,
    ...options
  }: Partial<MapperOptions> & { knownFields?: KnownFields; newFields?: NewFieldTypes | 'not created' } = {}) {
    const map = compileMapper(
      {
        stream: { name: 'users' },
        jsonSchema: {},
        mappings: [],
        planner: new ColumnPlanner(knownFields, newFields === 'not created' ? undefined : newFields),
        projectType: 'hybrid',
        identifyBy: 'email',
        deletionColumn: '_ab_cdc_deleted_at',
        reservedColumns: [],
        lists: [],
        removesByRow: false,
        ...options,
      },
      () => undefined,
    );
    return (json: string): unknown => {
      const mapped = map({
        data: parseJson(`{"email":"a@x","x":${json}}`) as JsonObject,
        nulledFields: [],
      });
      if (mapped.kind !== 'upsert') return mapped.kind === 'rejected' ? mapped.reason : mapped.kind;
      this.#taken.push(mapped.values);
      return undefined;
    };
  }

  /** The mapped values as they would be serialized now. */
  get written(): string[] {
    return this.#taken.map((values) => stringifyJson(values.x));
  }

  /** Sends all mapped values. */
  send(): void {
    for (const values of this.#taken) for (const { field } of waitingNumbersIn(values)) field.close();
  }
}

const since = (expected: string, found: string) =>
  `expected ${expected}, since the field’s first value in this sync was one, found ${found}`;
const NO_LONG = since('a whole number of at most 64 bits', 'other text');

describe('the type of a new field', () => {
  it.each<[string, string[], string | undefined, string[]]>([
    [
      'text',
      ['"a"', '5', 'true', '{"a":1}', '"2024-02-29"'],
      'string',
      ['"a"', '"5"', '"true"', String.raw`"{\"a\":1}"`, '"2024-02-29"'],
    ],
    [
      'a date',
      ['"2024-02-29"', '"2024-03-01T10:00:00+01:00"'],
      'date',
      ['"2024-02-29 00:00:00 +00:00"', '"2024-03-01 09:00:00 +00:00"'],
    ],
    ['a day that does not exist', ['"2023-02-29"'], 'string', ['"2023-02-29"']],
    ['text with a space before a date', ['" 2024-02-29"'], 'string', ['" 2024-02-29"']],
    ['true', ['true', '"no"', '1'], 'boolean', ['true', 'false', 'true']],
    ['a whole number', ['5', '"12"', '9223372036854775807'], 'long', ['5', '12', '9223372036854775807']],
    ['a fraction', ['1.5', '5', '"12"', '-0.5'], 'double', ['1.5', '5.0', '12.0', '-0.5']],
    ['a number with a decimal point', ['5.0', '7'], 'double', ['5.0', '7.0']],
    ['a number with an exponent', ['1e3'], 'double', ['1.0e3']],
    ['a number beyond 64 bits', ['9223372036854775808'], 'double', ['9223372036854775808.0']],
    ['whole numbers, then a fraction', ['0', '"1"', '1.5', '2'], 'double', ['0.0', '1.0', '1.5', '2.0']],
    ['whole numbers, then one beyond 64 bits', ['0', '1e30'], 'double', ['0.0', '1.0e30']],
    ['an object', ['{"a":1}', String.raw`"{\"a\":2}"`], 'object', ['{"a":1}', '{"a":2}']],
    [
      'nulls decide nothing',
      ['null', '[null]', '[]', '"a"', 'null'],
      'string',
      ['null', '[null]', '[]', '"a"', 'null'],
    ],
    [
      'an array has the type of its elements',
      ['[1,null,"2"]', '3', '[1.5]'],
      'double',
      ['[1.0,null,2.0]', '3.0', '[1.5]'],
    ],
    ['an array of objects', ['[{"a":1},{"a":1.5}]'], 'object', ['[{"a":1.0},{"a":1.5}]']],
  ])('by the first value: %s', (_name, values, type, written) => {
    const sync = new Sync();
    const take = sync.stream();
    expect(values.map(take)).toEqual(values.map(() => undefined));
    expect(sync.types.at('x')?.type).toBe(type);
    expect(sync.written).toEqual(written);
  });

  it.each<[string, string, string]>([
    ['5', '"a"', NO_LONG],
    ['5', 'true', since('a whole number of at most 64 bits', 'true or false')],
    ['5', '{"a":1}', since('a whole number of at most 64 bits', 'an object')],
    ['5', '[1,"a"]', NO_LONG],
    ['1.5', '"a"', since('a number', 'other text')],
    ['"2024-02-29"', '"2023-02-29"', since('a date (yyyy-MM-dd, with or without a time)', 'other text')],
    ['"2024-02-29"', '20240229', since('a date (yyyy-MM-dd, with or without a time)', 'a number')],
    ['{"a":1}', '5', since('an object or a list of objects', 'a number')],
    [
      'true',
      '"a"',
      'expected true or false, since the field’s first value in this sync was that, found other text',
    ],
  ])('after %s a record with %s is rejected', (first, later, reason) => {
    const sync = new Sync();
    const take = sync.stream();
    expect([take(first), take(later), take(first)]).toEqual([undefined, reason, undefined]);
  });

  it('once a whole number is sent, a fraction is rejected, and 5.0 is 5', () => {
    const sync = new Sync();
    const take = sync.stream();
    take('5');
    sync.send();
    expect(take('1.5')).toBe(since('a whole number of at most 64 bits', 'another number'));
    expect(take('5.0')).toBeUndefined();
    expect(sync.written).toEqual(['5', '5']);
  });

  it('a fraction as text does not make a long a double, and is refused unless the field becomes one', () => {
    for (const [last, refusal, written] of [
      ['7', NO_LONG, ['5', '1.5', '7']],
      ['2.5', undefined, ['5.0', '1.5', '2.5']],
    ] as const) {
      const sync = new Sync();
      const take = sync.stream();
      const values = ['5', '"1.5"', last];
      expect(values.map(take)).toEqual([undefined, undefined, undefined]);
      expect(sync.written).toEqual(written);
      const fractionText = sync.types.at('x');
      sync.send();
      expect(fractionText?.type).toBe(refusal === undefined ? 'double' : 'long');
    }
  });

  it('a rejected record decides nothing', () => {
    const sync = new Sync();
    const take = sync.stream({ knownFields: new Map([['y', 'long']]) });
    const map = sync.stream({
      mappings: [
        { source: 'email', target: 'email' },
        { source: 'x', target: 'x' },
        { source: 'x', target: 'y', type: 'long' },
      ],
    });
    expect(map('"a"')).toBe('expected a whole number of at most 64 bits, found other text');
    expect(sync.types.at('x')?.type).toBeUndefined();
    expect(take('[5,"a"]')).toBe(NO_LONG);
    expect(sync.types.at('x')?.type).toBeUndefined();
    expect([take('5'), take('{"a":1}')]).toEqual([
      undefined,
      since('a whole number of at most 64 bits', 'an object'),
    ]);
    expect(take('[1.5,"a"]')).toBe(since('a number', 'other text'));
    // The fraction is undone, too.
    expect([sync.types.at('x')?.type, sync.types.at('x')?.isOpen]).toEqual(['long', true]);
    expect(sync.written).toEqual(['5']);
  });

  it('leaves inside objects, and inside objects in arrays, have their own types', () => {
    const sync = new Sync();
    const take = sync.stream();
    expect(take('{"a":{"b":1,"c":"t"},"d":[{"e":1}]}')).toBeUndefined();
    expect(take('{"a":{"b":1.5,"c":7},"d":{"e":2.5}}')).toBeUndefined();
    expect(take('{"a":{"b":"x"}}')).toBe(since('a number', 'other text'));
    expect(take('{"a":5}')).toBe(since('an object or a list of objects', 'a number'));
    expect(sync.written).toEqual([
      '{"a":{"b":1.0,"c":"t"},"d":[{"e":1.0}]}',
      '{"a":{"b":1.5,"c":"7"},"d":{"e":2.5}}',
    ]);
    expect(sync.types.at('x.a.b')?.type).toBe('double');
  });

  it('new leaves are typed next to leaves that the project has', () => {
    const sync = new Sync();
    const knownFields = new Map([
      ['x', 'object'],
      ['x.known', 'string'],
      ['x.place', 'geo_location'],
      ['x.future', 'a future type'],
    ]);
    const take = sync.stream({ knownFields });
    expect(take('{"known":1,"fresh":1,"place":{"lat":1,"lon":1.5},"future":{"a":1}}')).toBeUndefined();
    expect(take('{"known":2,"fresh":"a"}')).toBe(NO_LONG);
    // Types inside these fields are not checked.
    expect(take('{"place":{"lat":"x"},"future":{"a":"x"}}')).toBeUndefined();
  });

  it('is the same for all streams, whatever the column’s name and the path of the field', () => {
    const sync = new Sync();
    const email = { source: 'email', target: 'email' };
    const a = sync.stream({ mappings: [email, { source: 'x', target: 'home.zip' }] });
    const b = sync.stream({ mappings: [email, { source: 'x', target: 'home' }] });
    expect([a('5'), b('{"zip":"x"}'), b('"x"')]).toEqual([
      undefined,
      NO_LONG,
      since('an object or a list of objects', 'other text'),
    ]);
    const other = new Sync();
    const text = other.stream({ mappings: [email, { source: 'x', target: 'home' }] });
    const inside = other.stream({ mappings: [email, { source: 'x', target: 'home.zip' }] });
    expect([text('"x"'), inside('5')]).toEqual([
      undefined,
      'the field is text in this sync, so nothing can be inside of it',
    ]);
  });

  it('a value typed by another stream’s mapping or schema decides like any other value', () => {
    const email = { source: 'email', target: 'email' };
    const forced = (type: 'long' | 'double' | 'string') => ({
      mappings: [email, { source: 'x', target: 'x', type }],
    });
    const schema = (type: string) => ({ jsonSchema: { properties: { x: { type } } } });
    for (const typed of [forced('long'), schema('integer')]) {
      const sync = new Sync();
      const [take, takeTyped] = [sync.stream(), sync.stream(typed)];
      expect([takeTyped('"5"'), take('1.5'), take('"a"')]).toEqual([
        undefined,
        since('a whole number of at most 64 bits', 'another number'),
        NO_LONG,
      ]);
    }
    for (const typed of [forced('double'), schema('number')]) {
      const sync = new Sync();
      const [take, takeTyped] = [sync.stream(), sync.stream(typed)];
      expect([take('5'), takeTyped('6'), take('7')]).toEqual([undefined, undefined, undefined]);
      expect(sync.written).toEqual(['5.0', '6.0', '7.0']);
    }
    // A long that is pending together with fractions gets a decimal point, and keeps its digits.
    const mixed = new Sync();
    const [take, takeLong] = [mixed.stream(), mixed.stream(forced('long'))];
    expect([take('1.5'), takeLong('9007199254740993'), takeLong('1.5')]).toEqual([
      undefined,
      undefined,
      'expected a whole number of at most 64 bits, found another number',
    ]);
    expect(mixed.written).toEqual(['1.5', '9007199254740993.0']);
    // What the sync itself has found takes precedence over the schema, as Iterable's types do.
    const text = new Sync();
    expect([text.stream()('"a"'), text.stream(schema('integer'))('5')]).toEqual([undefined, undefined]);
    expect(text.written).toEqual(['"a"', '"5"']);
  });

  it('does not apply to known fields, or if no fields are created', () => {
    const sync = new Sync();
    const take = sync.stream({ knownFields: new Map([['x', 'string']]) });
    expect([take('5'), take('"a"')]).toEqual([undefined, undefined]);
    expect(sync.written).toEqual(['"5"', '"a"']);
    const untyped = sync.stream({ newFields: 'not created' });
    expect([untyped('5'), untyped('"a"'), untyped('{"a":1}')]).toEqual([undefined, undefined, undefined]);
  });

  it('still maps when a source has more leaves than the limit', () => {
    const sync = new Sync();
    const take = sync.stream();
    for (let index = 0; index < 10_050; index++) take(`{"leaf${index}":1}`);
    expect(take('{"leaf10049":"a"}')).toBeUndefined();
    expect(take('{"leaf0":"a"}')).toBe(NO_LONG);
  });
});

import { describe, expect, it } from '@jest/globals';
import { ExactNumber, parseJson, type JsonObject } from '../../src/json.ts';
import { ColumnPlanner } from '../../src/mapping/column-planner.ts';
import { compileMapper, type MapperOptions } from '../../src/mapping/compile.ts';
import type { KnownFields } from '../../src/mapping/fields.ts';

const BY_USER_ID = { identifyBy: 'user_id' } as const;
const EMAIL = { source: 'email', target: 'email' };

interface MapperCase extends Partial<MapperOptions> {
  readonly knownFields?: KnownFields;
}

function aMapper({ knownFields = new Map(), ...options }: MapperCase = {}, warnings: string[] = []) {
  return compileMapper(
    {
      stream: { name: 'users' },
      jsonSchema: {},
      mappings: [],
      planner: new ColumnPlanner(knownFields),
      projectType: 'hybrid',
      identifyBy: 'email',
      deletionColumn: '_ab_cdc_deleted_at',
      reservedColumns: [],
      lists: [],
      removesByRow: false,
      ...options,
    },
    (warning) => warnings.push(warning),
  );
}

function map(json: string, options: MapperCase = {}, nulledFields: readonly string[] = []) {
  return aMapper(options)({ data: parseJson(json) as JsonObject, nulledFields });
}

/** The upsert's values by target, or the change if it is not an upsert. */
function valuesOf(...args: Parameters<typeof map>) {
  const result = map(...args);
  return result.kind === 'upsert' ? plain(result.values) : result;
}

/** The same as ordinary objects, since tests compare prototypes. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

describe('the user’s identity', () => {
  it('trims an email and lower-cases it, both as the key and as a field', () => {
    expect(map('{"email":" A@X "}')).toEqual({
      kind: 'upsert',
      key: { kind: 'email', value: 'a@x' },
      values: {},
    });
    expect(valuesOf('{"userId":"1","email":" A@X "}', BY_USER_ID)).toEqual({ email: 'a@x' });
  });

  it.each([
    ['" Ab "', ' Ab '],
    ['90071992547409931', '90071992547409931'],
    ['"5.0"', '5.0'],
    ['0', '0'],
    ['5.0', '5'],
    ['7E+3', '7000'],
  ])('a user id that is text is kept as it is, and a number goes by its value: %s', (json, value) => {
    expect(map(`{"userId":${json}}`, BY_USER_ID)).toMatchObject({ key: { kind: 'userId', value } });
    expect(valuesOf(`{"email":"a@x","userId":${json}}`)).toEqual({ userId: value });
  });

  it('a mapping may take the identity from any column, whatever its type in the project', () => {
    const mappings = [
      { source: 'contact.mail', target: 'email' },
      { source: 'id', target: 'userId' },
    ];
    const knownFields = new Map([['userId', 'long']]);
    expect(map('{"contact":{"mail":"A@x"},"id":7}', { mappings, knownFields })).toEqual({
      kind: 'upsert',
      key: { kind: 'email', value: 'a@x' },
      values: { userId: '7' },
    });
  });

  it.each([
    ['absent', '{"name":"A"}', [], 'the record has no column email, which identifies users'],
    ['null', '{"email":null}', [], 'the column email holds no email, which identifies users'],
    ['blank', '{"email":"  "}', [], 'the column email holds no email, which identifies users'],
    [
      'marked as unchanged',
      '{"email":"__debezium_unavailable_value"}',
      [],
      'the column email holds no email, which identifies users',
    ],
    [
      'nulled on the way',
      '{"email":null}',
      ['email'],
      'the column email holds no email, which identifies users',
    ],
  ])('rejects a record whose identifier is %s', (_name, json, nulled, reason) => {
    expect(map(json, {}, nulled)).toEqual({
      kind: 'rejected',
      code: 'missing_identifier',
      field: 'email',
      reason,
    });
  });

  it.each([
    ['{"EMAIL":"a@x"}', 'the record has no column mail, which is mapped to email and identifies users'],
    ['{"mail":""}', 'the column mail holds no email, which identifies users'],
  ])('names the column that a mapping reads: %s', (json, reason) => {
    const mappings = [{ source: 'mail', target: 'email' }];
    expect(map(json, { mappings })).toMatchObject({ code: 'missing_identifier', field: 'email', reason });
    expect(map(`${json.slice(0, -1)},"_ab_cdc_deleted_at":1}`, { mappings })).toMatchObject({ reason });
  });

  it('reports that another option uses the column, if nothing is mapped', () => {
    expect(map('{"email":"a@x"}', { reservedColumns: ['email'] })).toMatchObject({
      code: 'missing_identifier',
      reason:
        'the column email, which identifies users, is used by another option and needs a mapping to be a field, too',
    });
  });

  it('rejects an object or a list as an identity', () => {
    const [email, userId] = [map('{"email":{"a":1}}'), map('{"email":"a@x","userId":["1"]}')];
    expect(email).toEqual({
      kind: 'rejected',
      code: 'wrong_type',
      field: 'email',
      reason: 'expected text or a number, found an object',
    });
    expect(userId).toMatchObject({ code: 'wrong_type', field: 'userId' });
  });

  it.each([
    ['hybrid', { email: null }],
    ['user_id', { email: null }],
    ['email', {}],
  ] as const)(
    'a null email clears the field, except on projects where a profile can’t lose it: %s',
    (projectType, values) => {
      expect(valuesOf('{"userId":"1","email":null}', { ...BY_USER_ID, projectType })).toEqual(values);
    },
  );

  it('the other identity is unchanged if blank, and cleared if null', () => {
    expect(valuesOf('{"userId":"1","email":" "}', BY_USER_ID)).toEqual({});
    expect(valuesOf('{"email":"a@x","userId":""}')).toEqual({});
    expect(valuesOf('{"email":"a@x","userId":null}')).toEqual({ userId: null });
  });
});

describe('values', () => {
  it('the mapping’s type takes precedence, then the known field’s, then the schema’s, then the value’s own', () => {
    const jsonSchema = {
      properties: { a: { type: 'number' }, b: { type: 'number' }, c: { type: 'number' } },
    };
    const knownFields = new Map([
      ['A', 'long'],
      ['B', 'string'],
    ]);
    const mappings = [
      EMAIL,
      { source: 'a', target: 'A', type: 'boolean' as const },
      { source: 'b', target: 'B' },
      { source: 'c', target: 'C' },
      { source: 'd', target: 'D' },
    ];
    const result = map('{"email":"a@x","a":1,"b":1,"c":1,"d":1.0}', { mappings, jsonSchema, knownFields });
    expect(result).toMatchObject({
      values: { A: true, B: '1', C: new ExactNumber('1.0'), D: new ExactNumber('1.0') },
    });
  });

  it('null clears a field; absent and nulled columns leave it unchanged', () => {
    expect(valuesOf('{"email":"a@x","a":null,"b":null}', {}, ['b', 'c'])).toEqual({ a: null });
    const mappings = [EMAIL, { source: 'a', target: 'A' }, { source: 'b.c', target: 'B' }];
    expect(valuesOf('{"email":"a@x"}', { mappings })).toEqual({});
    expect(valuesOf('{"email":"a@x","b":null}', { mappings })).toEqual({ B: null });
    expect(valuesOf('{"email":"a@x","b":null}', { mappings }, ['b'])).toEqual({});
    expect(valuesOf('{"email":"a@x","b":{"c":null}}', { mappings }, ['b.c'])).toEqual({});
  });

  it('a value that can’t be converted rejects the record and names the target', () => {
    const mappings = [EMAIL, { source: 'age', target: 'profile.age', type: 'long' as const }];
    expect(map('{"email":"a@x","age":"old"}', { mappings })).toEqual({
      kind: 'rejected',
      key: { kind: 'email', value: 'a@x' },
      code: 'wrong_type',
      field: 'profile.age',
      reason: 'expected a whole number of at most 64 bits, found other text',
    });
  });

  it('a rejected record names both identities of its user', () => {
    const mappings = [EMAIL, { source: 'id', target: 'userId' }, { source: 'age', target: 'age', type: 'long' as const }]; // prettier-ignore
    const json = '{"email":"a@x","id":7,"age":"old"}';
    const [email, userId] = [{ kind: 'email', value: 'a@x' }, { kind: 'userId', value: '7' }]; // prettier-ignore
    expect(map(json, { mappings })).toMatchObject({ key: email, otherKey: userId });
    expect(map(json, { mappings, ...BY_USER_ID })).toMatchObject({ key: userId, otherKey: email });
    expect(map('{"email":"a@x"}', BY_USER_ID)).toMatchObject({ code: 'missing_identifier', otherKey: email });
  });

  it('so does a path into something that is not an object', () => {
    const mappings = [EMAIL, { source: 'a.b.c', target: 't' }];
    expect(map('{"email":"a@x","a":{"b":"text"}}', { mappings })).toEqual({
      kind: 'rejected',
      key: { kind: 'email', value: 'a@x' },
      code: 'wrong_type',
      field: 't',
      reason: 'the column a.b holds no object that a.b.c could be in',
    });
  });

  it('a value that is nested too deeply rejects the record', () => {
    let deep = '1';
    for (let level = 0; level < 50_000; level++) deep = `[${deep}]`;
    const data = parseJson(`{"email":"a@x","a":${deep}}`) as JsonObject;
    const mapper = aMapper({ knownFields: new Map([['a', 'long']]) });
    expect(mapper({ data, nulledFields: [] })).toEqual({
      kind: 'rejected',
      code: 'wrong_type',
      reason: 'a value is nested too deeply',
    });
  });

  it('an error that is not caused by the data is thrown', () => {
    const data = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new TypeError('broken');
        },
      },
    ) as JsonObject;
    expect(() => aMapper()({ data, nulledFields: [] })).toThrow(new TypeError('broken'));
  });
});

describe('inside objects', () => {
  const knownFields = new Map([
    ['home.zip', 'string'],
    ['home.geo.lat', 'double'],
    ['pets.age', 'long'],
  ]);
  const jsonSchema = {
    properties: { home: { type: 'object', properties: { since: { type: 'string', format: 'date' } } } },
  };

  it('converts leaves that Iterable or the schema knows, at any depth, and no others', () => {
    expect(
      valuesOf('{"email":"a@x","home":{"zip":12,"since":"2024-01-01","other":1,"geo":{"lat":"1.50"}}}', {
        knownFields,
        jsonSchema,
      }),
    ).toEqual({
      home: { zip: '12', since: '2024-01-01 00:00:00 +00:00', other: 1, geo: { lat: expect.anything() } },
    });
  });

  it('keeps the order of the keys', () => {
    const result = map('{"email":"a@x","home":{"z":1,"zip":12,"a":2}}', { knownFields });
    const home = result.kind === 'upsert' ? (result.values.home as JsonObject) : {};
    expect(Object.keys(home)).toEqual(['z', 'zip', 'a']);
  });

  it('does so for the objects in an array, and for objects that arrive as JSON text', () => {
    expect(valuesOf('{"email":"a@x","pets":[{"age":"3"},null,{"name":"x"}]}', { knownFields })).toEqual({
      pets: [{ age: 3 }, null, { name: 'x' }],
    });
    const mappings = [EMAIL, { source: 'h', target: 'home', type: 'object' as const }];
    expect(valuesOf('{"email":"a@x","h":"{\\"zip\\":12}"}', { knownFields, mappings })).toEqual({
      home: { zip: '12' },
    });
  });

  it('names the dotted field of a leaf that can’t be converted', () => {
    const options = { knownFields, jsonSchema };
    expect(map('{"email":"a@x","home":{"geo":{"lat":"north"}}}', options)).toEqual({
      kind: 'rejected',
      key: { kind: 'email', value: 'a@x' },
      code: 'wrong_type',
      field: 'home.geo.lat',
      reason: 'expected a number, found other text',
    });
    expect(map('{"email":"a@x","pets":[{"age":1},{"age":"old"}]}', options)).toMatchObject({
      code: 'wrong_type',
      field: 'pets.age',
    });
  });

  it('never modifies the record itself, and treats __proto__ as plain data', () => {
    const data = parseJson('{"email":"a@x","home":{"__proto__":{"x":1},"zip":12}}') as JsonObject;
    const result = aMapper({ knownFields })({ data, nulledFields: [] });
    expect(JSON.stringify(data)).toBe('{"email":"a@x","home":{"__proto__":{"x":1},"zip":12}}');
    expect(result.kind === 'upsert' && JSON.stringify(result.values.home)).toBe(
      '{"__proto__":{"x":1},"zip":"12"}',
    );
  });

  it('leaves out a nulled leaf, and the whole field if nothing else is in it', () => {
    const json = '{"email":"a@x","home":{"zip":null,"geo":{"lat":null}}}';
    expect(valuesOf(json, {}, ['home.zip'])).toEqual({ home: { geo: { lat: null } } });
    expect(valuesOf(json, {}, ['home.geo.lat'])).toEqual({ home: { zip: null } });
    expect(valuesOf(json, {}, ['home.zip', 'home.geo'])).toEqual({});
    expect(valuesOf('{"email":"a@x","home":{}}', {}, ['home.zip'])).toEqual({ home: {} });
  });
});

const LISTS = [
  { kind: 'names', source: 'crm.segments' },
  { kind: 'flag', source: 'vip', list: 'VIP' },
  { kind: 'all', list: 'Everyone' },
] as const;

describe('lists', () => {
  it('are left unspecified by a column inside an object that was nulled on the way', () => {
    expect(map('{"email":"a@x","crm":null,"vip":null}', { lists: LISTS }, ['crm', 'vip'])).toMatchObject({
      lists: new Map([['Everyone', true]]),
      unspecifiedLists: 'any',
    });
    expect(
      map('{"email":"a@x","crm.segments":null,"vip":null}', { lists: LISTS }, ['crm', 'vip']),
    ).toMatchObject({ unspecifiedLists: ['VIP'] });
  });

  it.each([
    ['an array', '["Red","VIP"]', ['Red', 'VIP']],
    ['text with commas', '" Red,VIP ,"', ['Red', 'VIP']],
    ['an array as JSON text', String.raw`" [\"Red\", \"VIP, too\", null]"`, ['Red', 'VIP, too']],
    ['an array in a database’s notation', String.raw`"{Red,\"Big spenders\"}"`, ['Red', 'Big spenders']],
    ['an array in a script’s notation', `"['Red', 'VIP']"`, ['Red', 'VIP']],
    ['null as a text', '" null "', []],
  ])('are named by %s', (_form, column, names) => {
    expect(
      map(`{"email":"a@x","names":${column}}`, { lists: [{ kind: 'names', source: 'names' }] }),
    ).toMatchObject({
      lists: new Map(names.map((name) => [name, true])),
    });
  });

  it('can’t be given as text in another notation, which rejects the record and names the column', () => {
    expect(
      map('{"email":"a@x","names":"[Red],VIP"}', { lists: [{ kind: 'names', source: 'names' }] }),
    ).toMatchObject({
      kind: 'rejected',
      key: { kind: 'email', value: 'a@x' },
      code: 'wrong_type',
      field: 'names',
      reason: expect.stringContaining('found text in another notation'),
    });
  });

  it('can’t be given as a flag that is an array', () => {
    expect(map('{"email":"a@x","vip":[true]}', { lists: LISTS })).toMatchObject({
      kind: 'rejected',
      code: 'wrong_type',
      field: 'vip',
      reason: 'expected true or false, found a list',
    });
  });
});

describe('removals', () => {
  it('need only an email or a user id; other columns are not even converted', () => {
    const knownFields = new Map([['age', 'long']]);
    expect(map('{"userId":5,"age":"x","_ab_cdc_deleted_at":"2026-01-01"}', { knownFields })).toEqual({
      kind: 'removal',
      userId: '5',
      identifiedBy: 'email',
    });
    expect(map('{"email":" A@X ","userId":{"a":1},"_ab_cdc_deleted_at":"2026-01-01"}')).toEqual({
      kind: 'removal',
      email: 'a@x',
      identifiedBy: 'email',
    });
    expect(map('{"email":" A@X ","userId":5.0,"_ab_cdc_deleted_at":1}')).toEqual({
      kind: 'removal',
      email: 'a@x',
      userId: '5',
      identifiedBy: 'email',
    });
  });

  it.each([
    ['are present', '"vip":"no","crm":{"segments":"Red, VIP"}', ['Red', 'VIP', 'Everyone']],
    ['are absent', '"n":1', ['Everyone']],
    ['can’t be read', '"vip":"maybe","crm":{"segments":"[Red]"}', ['VIP', 'Everyone']],
  ])('name the lists that the record and the rules name, where the columns %s', (_name, columns, names) => {
    expect(map(`{"email":"a@x","_ab_cdc_deleted_at":1,${columns}}`, { lists: LISTS })).toEqual({
      kind: 'removal',
      email: 'a@x',
      identifiedBy: 'email',
      lists: names,
    });
  });

  it('are rejected without either', () => {
    expect(map('{"email":"","userId":null,"_ab_cdc_deleted_at":"2026-01-01"}', BY_USER_ID)).toMatchObject({
      kind: 'rejected',
      code: 'missing_identifier',
      field: 'userId',
    });
  });

  it.each([
    ['a whole name with dots', '{"email":"a@x","meta.deleted":"yes"}', 'removal'],
    ['a leaf', '{"email":"a@x","meta":{"deleted":true}}', 'removal'],
    ['a leaf that says no', '{"email":"a@x","meta":{"deleted":"No"}}', 'upsert'],
    ['a leaf that is absent', '{"email":"a@x","meta":{}}', 'upsert'],
    ['a path that can’t be followed', '{"email":"a@x","meta":"text"}', 'upsert'],
  ])('by a dotted deletion column: %s', (_name, json, kind) => {
    expect(map(json, { deletionColumn: 'meta.deleted' }).kind).toBe(kind);
  });

  it('a deletion column that was nulled on the way marks none', () => {
    expect(map('{"email":"a@x","_ab_cdc_deleted_at":"t"}', {}, ['_ab_cdc_deleted_at']).kind).toBe('upsert');
  });

  it.each([
    ['by the email', '{"email":" A@X ","age":"x","gone":"active"}', { kind: 'email', value: 'a@x' }],
    ['by neither', '{"gone":["yes"]}', undefined],
    ['by an email that can’t be read', '{"email":{},"gone":"active"}', undefined],
  ])('whose deletion column can’t be read are rejected; the user is identified %s', (_title, json, key) => {
    const result = map(json, { deletionColumn: 'gone', knownFields: new Map([['age', 'long']]) });
    expect(result).toEqual({
      kind: 'rejected',
      code: 'wrong_type',
      field: 'gone',
      reason: expect.stringMatching(
        /^expected a value that marks a deletion \(true, .*, found another value$/,
      ),
      ...(key ? { key } : {}),
    });
  });

  it('the deletion column may be mapped, too', () => {
    const mappings = [EMAIL, { source: 'gone', target: 'left' }];
    expect(valuesOf('{"email":"a@x","gone":null}', { mappings, deletionColumn: 'gone' })).toEqual({
      left: null,
    });
  });
});

describe('targets that exclude each other', () => {
  it.each([
    ['{"email":"a@x","a":1,"a.b":2}', 'a.b'],
    ['{"email":"a@x","a.b.c":1,"a":{}}', 'a.b.c'],
    ['{"email":"a@x","a.b":1,"a.b.c":null}', 'a.b.c'],
    ['{"email":"a@x","email.x":1}', 'email.x'],
  ])('reject the record: %s', (json, field) => {
    expect(map(json)).toEqual({
      kind: 'rejected',
      key: { kind: 'email', value: 'a@x' },
      code: 'field_conflict',
      field,
      reason: 'another column of the record holds the whole that this is a part of',
    });
  });

  it('only if both are written', () => {
    expect(valuesOf('{"email":"a@x","a":null,"a.b":2,"ab":3}', {}, ['a'])).toEqual({ 'a.b': 2, ab: 3 });
  });
});

import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../src/json.ts';
import { MANAGED_FIELDS } from '../../src/mapping/fields.ts';
import { schemaOfColumn } from '../../src/mapping/schema-types.ts';
import { typeTrees, type TypeTree } from '../../src/mapping/type-tree.ts';
import { userSchema } from '../../src/mapping/user-schema.ts';

const WELL_KNOWN =
  'email userId name firstName lastName phoneNumber signupDate timeZone locale city region country'.split(
    ' ',
  );

function schemaOf(fields: Record<string, string>, required: 'email' | 'userId' = 'email'): JsonObject {
  return userSchema(new Map(Object.entries(fields)), required);
}

function propertiesOf(fields: Record<string, string>): JsonObject {
  return schemaOf(fields).properties as JsonObject;
}

/** The properties that a field adds. */
function added(fields: Record<string, string>): JsonObject {
  return Object.fromEntries(
    Object.entries(propertiesOf(fields)).filter(([name]) => !WELL_KNOWN.includes(name)),
  );
}

describe('userSchema', () => {
  it('offers the well-known fields of a project without users', () => {
    expect(Object.keys(propertiesOf({}))).toEqual(WELL_KNOWN);
    expect(propertiesOf({})).toMatchObject({
      firstName: { type: ['null', 'string'] },
      signupDate: { type: ['null', 'string'], format: 'date-time', airbyte_type: 'timestamp_with_timezone' },
    });
  });

  it('puts them first, and the rest by name, whatever the order of the answer', () => {
    expect(
      Object.keys(propertiesOf({ b: 'long', Z: 'long', city: 'string', a: 'long', email: 'string' })),
    ).toEqual([...WELL_KNOWN, 'Z', 'a', 'b']);
  });

  it.each([
    ['string', { type: ['null', 'string'] }],
    ['long', { type: ['null', 'integer'] }],
    ['double', { type: ['null', 'number'] }],
    ['boolean', { type: ['null', 'boolean'] }],
    ['date', { type: ['null', 'string'], format: 'date-time', airbyte_type: 'timestamp_with_timezone' }],
    ['object', { type: ['null', 'object'], properties: {}, additionalProperties: true }],
    ['geo_location', { type: ['null', 'object'], properties: {}, additionalProperties: true }],
    [
      'nested',
      { type: ['null', 'array'], items: { type: 'object', properties: {}, additionalProperties: true } },
    ],
    ['a future type', {}],
  ])('a field of type %s', (word, schema) => {
    expect(added({ x: word })).toEqual({ x: schema });
  });

  it('builds nested objects from dots, also if the whole object is not listed itself, or listed later', () => {
    const inside = (properties: object) => ({
      type: ['null', 'object'],
      properties,
      additionalProperties: true,
    });
    expect(added({ 'home.geo.lat': 'double', 'home.zip': 'string', 'home.geo': 'geo_location' })).toEqual({
      home: inside({ geo: inside({ lat: { type: ['null', 'number'] } }), zip: { type: ['null', 'string'] } }),
    });
    expect(added({ cart: 'nested', 'cart.id': 'string' })).toEqual({
      cart: {
        type: ['null', 'array'],
        items: {
          type: 'object',
          properties: { id: { type: ['null', 'string'] } },
          additionalProperties: true,
        },
      },
    });
  });

  it('leaves out what a record can’t write', () => {
    const managed = Object.fromEntries([...MANAGED_FIELDS].map((name) => [name, 'string']));
    expect(
      added({
        ...managed,
        'itblInternal.documentCreatedAt': 'date',
        'a..b': 'string',
        ' ': 'string',
        _airbyte_raw_id: 'string',
        _ab_cdc_lsn: 'long',
      }),
    ).toEqual({});
  });

  it('email and user id are text, and only the identifying one is never null', () => {
    const odd = { email: 'long', userId: 'object', 'userId.x': 'long' };
    expect(schemaOf(odd)).toMatchObject({
      type: 'object',
      required: ['email'],
      additionalProperties: true,
      properties: { email: { type: 'string' }, userId: { type: ['null', 'string'] } },
    });
    expect(schemaOf(odd, 'userId')).toMatchObject({
      required: ['userId'],
      properties: { email: { type: ['null', 'string'] }, userId: { type: 'string' } },
    });
    expect(Object.keys(propertiesOf(odd)).slice(0, 2)).toEqual(['email', 'userId']);
  });

  it('a field may have any name', () => {
    expect(
      JSON.stringify(
        added(JSON.parse('{"__proto__":"long","__proto__.a":"long"}') as Record<string, string>),
      ),
    ).toBe(
      '{"__proto__":{"type":["null","object"],"properties":{"a":{"type":["null","integer"]}},"additionalProperties":true}}',
    );
  });

  it('converts like the fields themselves if it is used as a stream’s schema', () => {
    const fields = new Map(
      Object.entries({
        s: 'string',
        l: 'long',
        d: 'double',
        b: 'boolean',
        at: 'date',
        o: 'object',
        'o.n': 'long',
        'o.deep.at': 'date',
        geo: 'geo_location',
        new: 'a future type',
      }),
    );
    const fromFields = typeTrees(fields);
    const fromSchema = typeTrees(new Map());
    const schema = userSchema(fields, 'email');
    for (const name of ['s', 'l', 'd', 'b', 'at', 'o', 'geo', 'new'])
      expect({ name, tree: leaves(fromSchema(schemaOfColumn(schema, name), name)) }).toEqual({
        name,
        tree: leaves(fromFields(undefined, name)),
      });
  });
});

/** A tree's types by path; objects are represented by their leaves. */
function leaves(tree: TypeTree, path = ''): Record<string, unknown> {
  const own = tree.type === 'object' ? {} : { [path]: tree.type };
  return Object.assign(
    tree.inside.size > 0 ? {} : own,
    ...[...tree.inside].map(([name, inner]) => leaves(inner, `${path}.${name}`)),
  ) as Record<string, unknown>;
}

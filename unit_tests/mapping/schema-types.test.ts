import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '../../src/json.ts';
import {
  propertyNames,
  propertySchema,
  schemaOfColumn,
  typeOfSchema,
} from '../../src/mapping/schema-types.ts';

describe('typeOfSchema', () => {
  it.each<[JsonValue, string | undefined]>([
    [{ type: 'string' }, 'string'],
    [{ type: ['null', 'string'] }, 'string'],
    [{ type: ['string', 'null'], format: 'date' }, 'date'],
    [{ type: 'string', format: 'date-time' }, 'date'],
    [{ type: 'string', format: 'date-time', airbyte_type: 'timestamp_with_timezone' }, 'date'],
    [{ type: 'string', format: 'date-time', airbyte_type: 'timestamp_without_timezone' }, 'date'],
    [{ type: 'string', airbyte_type: 'timestamp_without_timezone' }, 'date'],
    [{ type: 'string', format: 'time', airbyte_type: 'time_without_timezone' }, 'string'],
    [{ type: 'string', format: 'email' }, 'string'],
    [{ type: 'string', airbyte_type: 'big_integer' }, 'long'],
    [{ type: 'string', airbyte_type: 'big_number' }, 'double'],
    [{ type: 'integer' }, 'long'],
    [{ type: 'number', airbyte_type: 'integer' }, 'long'],
    [{ type: 'number' }, 'double'],
    [{ type: ['null', 'integer', 'number'] }, 'double'],
    [{ type: 'boolean' }, 'boolean'],
    [{ type: 'object' }, 'object'],
    [{ type: 'array', items: { type: 'integer' } }, 'long'],
    [{ type: ['null', 'array'], items: { type: 'object' } }, 'object'],
    [{ type: 'array' }, undefined],
    [{ type: 'array', items: {} }, undefined],
    [{ oneOf: [{ type: 'null' }, { type: 'integer' }] }, 'long'],
    [
      {
        anyOf: [
          { type: 'string', format: 'date' },
          { type: 'string', format: 'date-time' },
        ],
      },
      'date',
    ],
    [{ oneOf: [{ type: 'string' }, { type: 'integer' }] }, undefined],
    [{ oneOf: [{ type: 'string' }, {}] }, undefined],
    [{ oneOf: [] }, undefined],
    [{ type: ['string', 'integer'] }, undefined],
    [{ type: 'null' }, undefined],
    [{ type: [] }, undefined],
    [{ type: 5 }, undefined],
    [{}, undefined],
    [true, undefined],
    [null, undefined],
  ])('%j → %s', (column, expected) => {
    expect(typeOfSchema(column)).toBe(expected);
  });
});

describe('schemaOfColumn', () => {
  const nested: JsonObject = {
    properties: {
      home: {
        oneOf: [{ type: 'null' }, { type: 'object', properties: { zip: { type: 'string' } } }],
      },
      pets: {
        type: ['null', 'array'],
        items: { type: 'object', properties: { born: { type: 'string', format: 'date' } } },
      },
      plan: { type: 'object', properties: { name: { type: 'integer' } } },
      'plan.name': { type: 'string' },
    },
  };

  it.each([
    ['a leaf, through the only option besides null', 'home.zip', 'string'],
    ['a leaf of an array’s objects', 'pets.born', 'date'],
    ['a column whose whole name has dots, before a leaf', 'plan.name', 'string'],
    ['a leaf that is absent', 'home.city', undefined],
    ['a column that is absent', 'away', undefined],
    ['a name that every object inherits', 'constructor', undefined],
  ])('finds %s', (_name, source, expected) => {
    expect(typeOfSchema(schemaOfColumn(nested, source))).toBe(expected);
  });

  it('an empty schema gives no types', () => {
    expect(schemaOfColumn({}, 'a.b')).toBeUndefined();
  });
});

describe('properties', () => {
  it('are those of an object, of the objects in an array, and of the only option', () => {
    const object = { type: 'object', properties: { a: { type: 'string' }, b: {} } };
    for (const schema of [object, { type: 'array', items: object }, { anyOf: [object, { type: 'null' }] }]) {
      expect(propertyNames(schema)).toEqual(['a', 'b']);
      expect(propertySchema(schema, 'a')).toEqual({ type: 'string' });
    }
    expect(propertyNames({ oneOf: [object, { type: 'string' }] })).toEqual([]);
    expect(propertyNames(undefined)).toEqual([]);
  });
});

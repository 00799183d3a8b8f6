import { describe, expect, it } from '@jest/globals';
import {
  conversionFor,
  isManagedField,
  MANAGED_FIELDS,
  typesClash,
  WELL_KNOWN_FIELDS,
  withWellKnownFields,
} from '../../src/mapping/fields.ts';
import type { MappingType } from '../../src/mapping/options.ts';

describe('isManagedField', () => {
  it.each([...MANAGED_FIELDS])('%s, and everything below it', (field) => {
    expect([isManagedField(field), isManagedField(`${field}.x`)]).toEqual([true, true]);
  });

  it.each(['email', 'signupDate', 'createdAt', 'itbl', 'itblInternalNote', 'x.devices', ''])(
    'not %j',
    (field) => {
      expect(isManagedField(field)).toBe(false);
    },
  );
});

describe('known types', () => {
  it.each([
    ['string', 'string'],
    ['long', 'long'],
    ['double', 'double'],
    ['boolean', 'boolean'],
    ['date', 'date'],
    ['object', 'object'],
    ['nested', 'object'],
    ['geo_location', 'object'],
    ['a future type', undefined],
    ['constructor', undefined],
    [undefined, undefined],
  ])('%s is converted as %s', (word, expected) => {
    expect(conversionFor(word)).toBe(expected);
  });

  it.each<[MappingType, string, boolean]>([
    ['string', 'string', false],
    ['object', 'nested', false],
    ['object', 'geo_location', false],
    ['long', 'double', true],
    ['double', 'long', true],
    ['string', 'date', true],
    ['string', 'a future type', false],
  ])('%s against a known %s: clash %s', (type, known, expected) => {
    expect(typesClash(type, known)).toBe(expected);
  });
});

describe('withWellKnownFields', () => {
  it.each<[string, [string, string][], Record<string, string | undefined>]>([
    ['a project without fields has the well-known ones', [], { phoneNumber: 'string', signupDate: 'date' }],
    ['the project’s own fields are added', [['score', 'long']], { score: 'long', phoneNumber: 'string' }],
    ['the project’s type takes precedence', [['phoneNumber', 'long']], { phoneNumber: 'long' }],
    [
      'a field with other fields inside is not text',
      [['city.name', 'string']],
      { city: undefined, 'city.name': 'string' },
    ],
    [
      'a field with other fields inside that is listed itself has its listed type',
      [
        ['city.name', 'string'],
        ['city', 'object'],
      ],
      { city: 'object', 'city.name': 'string' },
    ],
  ])('%s', (_name, known, expected) => {
    const fields = withWellKnownFields(new Map(known));
    const found = Object.keys(expected).map((field) => [field, fields.get(field)]);
    expect(Object.fromEntries(found)).toEqual(expected);
  });

  it('does not modify the definition', () => {
    const before = [...WELL_KNOWN_FIELDS];
    withWellKnownFields(new Map([['city.name', 'string']]));
    expect([...WELL_KNOWN_FIELDS]).toEqual(before);
  });
});

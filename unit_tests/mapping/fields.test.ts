import { describe, expect, it } from '@jest/globals';
import { conversionFor, isManagedField, MANAGED_FIELDS, typesClash } from '../../src/mapping/fields.ts';
import type { MappingType } from '../../src/mapping/options.ts';

describe('isManagedField', () => {
  it.each([...MANAGED_FIELDS])('%s, and all below it', (field) => {
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
    ['a word of the future', undefined],
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
    ['string', 'a word of the future', false],
  ])('%s against a known %s: clash %s', (type, known, expected) => {
    expect(typesClash(type, known)).toBe(expected);
  });
});

import { describe, expect, it } from '@jest/globals';
import { parseJson } from '../../src/json.ts';
import { Refusal } from '../../src/mapping/coerce.ts';
import { readDeletion } from '../../src/mapping/deletion.ts';

describe('the value of a deletion column', () => {
  const read = (json: string) => readDeletion(parseJson(json));

  it.each([
    'null',
    'false',
    '0',
    '0.0',
    '-0',
    '0e5',
    '""',
    '"  "',
    '"0"',
    '"0.0"',
    '"-0"',
    '"0e9"',
    '"00"',
    '"false"',
    '" FALSE "',
    '"F"',
    '"no"',
    '"N"',
    '"null"',
    '"None"',
    '"NaN"',
  ])('%s marks no deletion', (json) => {
    expect(read(json)).toBe(false);
  });

  it.each([
    ['is MySQL’s zero date', '0000-00-00'],
    ['is MySQL’s zero date, with a time', '0000-00-00 00:00:00'],
    ['is MySQL’s zero date, in ISO', '0000-00-00T00:00:00.000000Z'],
    ['is MySQL’s zero date, as PHP writes it', '-0001-11-30T00:00:00+00:00'],
    ['is the epoch', '1970-01-01'],
    ['is the epoch, with a time', '1970-01-01T00:00:00Z'],
    ['is the epoch, in another zone', '1970-01-01 01:00:00+01:00'],
    ['is the epoch, in a zone behind', '1969-12-31T19:00:00-05:00'],
    ['is the first day', '0001-01-01'],
    ['is the first day, with a time', '0001-01-01T00:00:00Z'],
    ['is the first day, converted to a zone ahead', '0001-01-01T00:00:00+02:00'],
    ['is the first day, converted to a zone behind', '0001-01-01T00:00:00-05:00'],
    ['is the first day, in local time', '0001-01-01T23:00:00-05:00'],
    ['is the first day, converted to UTC from a zone ahead', '0000-12-31T22:00:00Z'],
    ['is the first day, converted to UTC from a zone behind', '0001-01-01T05:00:00Z'],
    ['is the first day in UTC, but the next one in its zone', '0001-01-02T01:00:00+02:00'],
    ['means never', '9999-12-31'],
    ['means never, with a time', '9999-12-31T23:59:59.999999Z'],
    ['means never, also on another day', '9999-01-01 00:00:00'],
    ['means never, in a zone behind', '9999-12-31T23:59:59-05:00'],
    ['means never, converted from a zone ahead', '9999-01-01T00:00:00+05:00'],
    ['means never, converted from a zone behind', '9998-12-31T22:00:00-05:00'],
    ['means never, converted into the following year', '+010000-01-01T04:59:59.000Z'],
  ])('a date that %s marks no deletion: %s', (_title, text) => {
    expect(readDeletion(` ${text} `)).toBe(false);
  });

  it.each([
    'true',
    '1',
    '-1',
    '2',
    '0.5',
    '1e-400',
    '9007199254740993',
    '1700000000',
    '"1"',
    '" TRUE "',
    '"t"',
    '"yes"',
    '"Y"',
    '"2"',
    '"1e0"',
    '"-1"',
    '"1.0"',
    '"1700000000"',
    '"2024-01-01"',
    '"2024-01-01T00:00:00Z"',
    '" 2024-02-29 10:00:00.123456+00 "',
    '"1970-01-01T00:00:01Z"',
    '"1970-01-02"',
    '"0001-01-03"',
    '"9998-12-31"',
  ])('%s marks a deletion', (json) => {
    expect(read(json)).toBe(true);
  });

  it.each([
    '"active"',
    '"deleted"',
    '"undefined"',
    '"infinity"',
    '"0x1"',
    '"1,0"',
    '"2024-02-30"',
    '"2024-00-00"',
    '"2024-01-01T25:00:00Z"',
    '"01/02/2024"',
    '"+2024-01-01"',
    '"10:00:00"',
    '{}',
    '[]',
    '[true]',
    '{"deleted":true}',
  ])('%s is refused, since it would be a guess', (json) => {
    expect(read(json)).toEqual(
      new Refusal(
        'expected a value that marks a deletion (true, a number other than 0, a date (no zero date and none of the year 9999), or one of the texts true, t, yes, y and 1) or one that marks none (null, false, 0, a zero date, or one of the texts false, f, no, n, null, none and nan), found another value',
      ),
    );
  });
});

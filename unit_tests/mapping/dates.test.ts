import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { toIterableDate } from '../../src/mapping/dates.ts';

describe('toIterableDate', () => {
  it.each([
    ['2024-02-29', '2024-02-29 00:00:00 +00:00'],
    ['2024-01-31T23:59:59Z', '2024-01-31 23:59:59 +00:00'],
    ['2020-08-19T20:50:04.999Z', '2020-08-19 20:50:04 +00:00'],
    ['2024-01-01 00:30:00+02:00', '2023-12-31 22:30:00 +00:00'],
    ['2024-01-01 00:30:00 -0530', '2024-01-01 06:00:00 +00:00'],
    ['2024-01-01 10:00 +01', '2024-01-01 09:00:00 +00:00'],
    ['2024-01-01 10:00:00 UTC', '2024-01-01 10:00:00 +00:00'],
    [' 0099-12-31 ', '0099-12-31 00:00:00 +00:00'],
  ])('%s → %s', (text, expected) => {
    expect(toIterableDate(text)).toBe(expected);
  });

  it.each([
    '2023-02-29',
    '2024-13-01',
    '2024-00-10',
    '2024-04-31',
    '2024-01-01T24:00:00',
    '2024-01-01T10:60',
    '2024-01-01T10:00:60',
    '0000-01-01',
    '24-01-01',
    '01/02/2024',
    '2024-01-01T10:00:00+25:00',
    '1700000000',
    '',
    'today',
    '9999-12-31T23:59:59-01:00',
  ])('%s is no date', (text) => {
    expect(toIterableDate(text)).toBeUndefined();
  });

  it('agrees with the platform’s own reading of ISO dates', () => {
    fc.assert(
      fc.property(
        fc.date({
          min: new Date('0001-01-02T00:00:00Z'),
          max: new Date('9999-12-30T00:00:00Z'),
          noInvalidDate: true,
        }),
        (date) => {
          const iso = date.toISOString();
          expect(toIterableDate(iso)).toBe(`${iso.slice(0, 10)} ${iso.slice(11, 19)} +00:00`);
        },
      ),
    );
  });
});

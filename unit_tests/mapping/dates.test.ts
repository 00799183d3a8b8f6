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
    ['2024-01-01t10:00:00z', '2024-01-01 10:00:00 +00:00'],
    ['2024-01-01T10:00', '2024-01-01 10:00:00 +00:00'],
    ['2000-02-29', '2000-02-29 00:00:00 +00:00'],
    ['2024-12-31T23:00:00-14:00', '2025-01-01 13:00:00 +00:00'],
    ['2024-03-01T00:00:00+00:01', '2024-02-29 23:59:00 +00:00'],
    ['0001-01-01', '0001-01-01 00:00:00 +00:00'],
    ['9999-12-31T23:59:59Z', '9999-12-31 23:59:59 +00:00'],
    [' 0099-12-31 ', '0099-12-31 00:00:00 +00:00'],
  ])('%s → %s', (text, expected) => {
    expect(toIterableDate(text)).toBe(expected);
  });

  it.each([
    '2023-02-29',
    '1900-02-29',
    '2024-06-31',
    '2024-01-00',
    '2024-01-32',
    '2024-1-1',
    '2024-01-01T',
    '2024-01-01T10',
    '2024-01-01T10:00:00+01:60',
    '2024-01-01T10:00:00  UTC',
    '2024-01-01T10:00:00 CET',
    '2024-01-01T10:00:00.Z',
    '2024-01-01 UTC',
    '+2024-01-01',
    '2024-01-01 BC',
    '0001-01-01T00:00:00+01:00',
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
  ])('%s is not a date', (text) => {
    expect(toIterableDate(text)).toBeUndefined();
  });

  const aDate = fc.date({
    min: new Date('0001-01-02T00:00:00Z'),
    max: new Date('9999-12-30T00:00:00Z'),
    noInvalidDate: true,
  });

  it('agrees with JavaScript’s own parser of ISO dates', () => {
    fc.assert(
      fc.property(aDate, (date) => {
        const iso = date.toISOString();
        expect(toIterableDate(iso)).toBe(`${iso.slice(0, 10)} ${iso.slice(11, 19)} +00:00`);
      }),
    );
  });

  it('a zone shifts the moment, and nothing else', () => {
    fc.assert(
      fc.property(aDate, fc.integer({ min: -18 * 60, max: 18 * 60 }), (date, minutesAhead) => {
        const local = new Date(date.getTime() + minutesAhead * 60_000).toISOString().slice(0, 19);
        const [hours, minutes] = [Math.floor(Math.abs(minutesAhead) / 60), Math.abs(minutesAhead) % 60];
        const zone = `${minutesAhead < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`;
        expect(toIterableDate(`${local}${zone}`)).toBe(toIterableDate(date.toISOString()));
      }),
    );
  });

  it('accepts a day exactly if it is in the calendar', () => {
    const day = fc.tuple(fc.integer({ min: 1, max: 9999 }), fc.nat(13), fc.nat(32));
    fc.assert(
      fc.property(day, ([year, month, dayOfMonth]) => {
        const at = new Date(0);
        at.setUTCFullYear(year, month - 1, dayOfMonth);
        const exists = at.getUTCMonth() === month - 1 && at.getUTCDate() === dayOfMonth;
        const text = `${String(year).padStart(4, '0')}-${two(month)}-${two(dayOfMonth)}`;
        expect(toIterableDate(text)).toBe(exists ? `${text} 00:00:00 +00:00` : undefined);
      }),
      { numRuns: 500 },
    );
  });
});

function two(number: number): string {
  return String(number).padStart(2, '0');
}

import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../src/json.ts';
import type { Rejection } from '../../src/model.ts';
import type { Identifier } from '../../src/streams/identifier.ts';
import { RejectionCauses } from '../../src/sync/rejection-causes.ts';

const BY_EMAIL: Identifier = {
  target: 'email',
  mapped: undefined,
  isTaken: false,
  sources: [],
  namesIterableFields: false,
};
const MAIL: Identifier = {
  ...BY_EMAIL,
  mapped: { source: 'mail', place: 'mappings[0].source' },
  sources: ['mail', 'city', 'NAME'],
};
const MISSING: Rejection = { code: 'missing_identifier', field: 'email', reason: 'it is missing' };
const ONCE_MAPPED =
  'Without any mapping every column goes to the field of its own name; once there is one, only mapped columns go, so map the others, too.';

/** The cause for a stream of which no record identifies its user. */
function unidentified(identifier: Partial<Identifier>, ...records: JsonObject[]): string {
  const causes = new RejectionCauses();
  const stream = { key: 'users', name: 'users', identifier: { ...BY_EMAIL, ...identifier } };
  for (const record of records) {
    causes.noteUnidentified(stream, record);
    causes.noteRejected('users', { ...MISSING, field: stream.identifier.target });
  }
  return causes.describe(stream, 'it');
}

function described(...rejections: Rejection[]): string {
  const causes = new RejectionCauses();
  for (const rejection of rejections) causes.noteRejected('users', rejection);
  return causes.describe({ key: 'users', name: 'users', identifier: BY_EMAIL }, 'it');
}

describe('why records were rejected', () => {
  it('names the columns that are there and the likely one, where nothing is mapped', () => {
    expect(unidentified({}, { EMAIL: 'secret@x.com', NAME: 'Secret' })).toBe(
      'it has no column email, which identifies users (identify_by). Its columns are EMAIL, NAME. ' +
        `Map the likely one: {"source":"EMAIL","target":"email"}. ${ONCE_MAPPED}`,
    );
    expect(unidentified({ target: 'userId' }, { ID: 7, NAME: 'Secret' })).toContain(
      'it has no column userId, which identifies users (identify_by). Its columns are ID, NAME. Map the likely one: {"source":"ID","target":"userId"}.',
    );
  });

  it('asks for the column where none is likely', () => {
    expect(unidentified({}, { CITY: 'x' })).toBe(
      'it has no column email, which identifies users (identify_by). Its columns are CITY. ' +
        `Map the column that holds it: {"source":"…","target":"email"}, or set identify_by to what there is. ${ONCE_MAPPED}`,
    );
    expect(unidentified({}, {})).toContain('It has no columns at all.');
  });

  it('names the source that is not there and the nearest column, where a mapping is wrong', () => {
    expect(unidentified(MAIL, { E_MAIL: 'secret@x.com', CITY: 'x', NAME: 'Secret' })).toBe(
      'it has no column mail, which mappings[0].source maps to email and which identifies users (identify_by). ' +
        'Its columns are E_MAIL, CITY, NAME. The nearest is E_MAIL. Other mappings name columns that it lacks, too: city.',
    );
  });

  it('says that the column is empty, where it is there', () => {
    expect(unidentified(MAIL, { city: 'x' }, { mail: null })).toBe(
      'it holds no email, which identifies users (identify_by): its column mail is null, blank or marked as unchanged.',
    );
    expect(unidentified({}, { email: '__debezium_unavailable_value' })).toContain(
      'its column email is null, blank or',
    );
  });

  it('says that another option uses the column', () => {
    expect(unidentified({ isTaken: true }, { email: 'secret@x.com' })).toBe(
      'it has the column email, which identifies users (identify_by), but another option uses that column, and so it is no field by itself. ' +
        `Map it: {"source":"email","target":"email"}. ${ONCE_MAPPED}`,
    );
  });

  it('advises no mapping where none applies', () => {
    expect(unidentified({ namesIterableFields: true }, { Email: 'secret@x.com' })).toBe(
      'it has no column email, which identifies users (identify_by). Its columns are Email. ' +
        'The stream names a destination object, and so has Iterable’s own field names: call Email email in the connection.',
    );
  });

  it('names 20 columns at most, none at its full length, and none that is an address', () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`c${index}`, 1]));
    const text = unidentified({}, { ['x'.repeat(100)]: 1, 'secret@x.com': 1, ...many });
    expect(text).toContain(`Its columns are ${'x'.repeat(60)}…, c0, c1,`);
    expect(text).toContain('c18, 12 others.');
    expect(text).not.toContain('secret');
  });

  it('names the one reason, or the most frequent one, with its field', () => {
    const type: Rejection = { code: 'wrong_type', field: 'age', reason: 'expected a number' };
    expect(described(type, type)).toBe('the reason is wrong_type, field age: expected a number.');
    expect(described(MISSING, type, { code: 'forgotten', reason: 'erased' }, type)).toBe(
      'the most frequent reason (2) is wrong_type, field age: expected a number. The log has the others.',
    );
    expect(described()).toBe('see the reasons in the log.');
  });

  it('counts no more kinds of reasons than a source can reasonably have', () => {
    const kinds = Array.from({ length: 5_000 }, (_, index): Rejection => {
      return { code: 'wrong_type', field: `f${index}`, reason: 'so' };
    });
    const last: Rejection = { code: 'wrong_type', field: 'f4999', reason: 'so' };
    expect(described(...kinds, last)).toContain('(1) is wrong_type, field f0: so');
  });
});

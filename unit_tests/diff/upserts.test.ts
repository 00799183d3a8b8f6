import { describe, expect, it } from '@jest/globals';
import type { HeldEntry } from '../../src/ledger/ledger.ts';
import { asksOthers, decide, draft, holds, isPlainlyNew, isUnchanged } from '../../src/diff/upserts.ts';
import type { Upsert } from '../../src/model.ts';
import {
  anEntry,
  anUpsert,
  aRowUpsert,
  aRowWork,
  aStream,
  IN_DOUBT,
  lists,
  mapped,
  OWN_STREAM,
  silentOn,
  TO_BE_REMOVED,
} from '../support/rows.ts';

const PLAN = { plan: 'gold' };
const A = 'a@x.com';
const B = 'b@x.com';
/** What the ledger holds of a record that says no more than this entry. */
const ENTRY = anEntry({ email: A, values: PLAN, targets: ['plan'], lists: lists('VIP', '-Old') });
const RECORD = anUpsert(A, PLAN, { lists: lists('VIP', '-Old') });
const STREAM = aStream(mapped(['plan']));
const BOTH_LISTS = lists('VIP', '-Old');
const listed = (...names: string[]) => ({ ...RECORD, lists: lists(...names) });
const silent = (names: readonly string[] | 'any') => anUpsert(A, PLAN, silentOn(names));

describe('a record that says nothing new', () => {
  it.each([
    ['says what was exported', ENTRY, RECORD, STREAM, true],
    ['has another value', ENTRY, anUpsert(A, { plan: 'free' }, { lists: BOTH_LISTS }), STREAM, false],
    ['has one value more', ENTRY, anUpsert(A, { ...PLAN, n: 1 }, { lists: BOTH_LISTS }), STREAM, false],
    ['has another address', ENTRY, anUpsert(B, PLAN, { lists: BOTH_LISTS }), STREAM, false],
    [
      'is named by an id that the row did not have',
      ENTRY,
      anUpsert('u1', PLAN, { lists: BOTH_LISTS }),
      STREAM,
      false,
    ],
    ['is one of a stream that is sent again', ENTRY, RECORD, { ...STREAM, resends: true }, false],
    ['is on a list more', ENTRY, listed('VIP', '-Old', 'New'), STREAM, false],
    ['is off a list that it was not on', ENTRY, listed('VIP', '-Old', '-New'), STREAM, false],
    ['is off a list that it was on', ENTRY, listed('-VIP', '-Old'), STREAM, false],
    ['no longer names a list that it was on', ENTRY, listed('-Old'), STREAM, false],
    ['no longer names a list that it was off', ENTRY, listed('VIP'), STREAM, true],
    ['says nothing of any list', ENTRY, silent('any'), STREAM, true],
    ['says nothing of the list that it is on', ENTRY, silent(['VIP']), STREAM, true],
    ['says nothing of another list only', ENTRY, silent(['Old']), STREAM, false],
    ['lacks a field that was mapped', ENTRY, RECORD, aStream(mapped(['name'])), false],
    ['lacks a field that another stream writes', ENTRY, RECORD, aStream(mapped(['name'], ['plan'])), true],
    ['is of a row in doubt', { ...ENTRY, ...IN_DOUBT }, RECORD, STREAM, false],
    ['is of a row that is to be removed', { ...ENTRY, ...TO_BE_REMOVED }, RECORD, STREAM, false],
  ])('a record that %s', (_name, held, change, stream, expected) => {
    expect(isUnchanged(held, aRowUpsert(change, { stream, held }))).toBe(expected);
    // The full decision comes to the same.
    const kind = draft(aRowWork([change], { stream, held }), 'hybrid')?.kind;
    expect(kind === 'unchanged').toBe(expected);
  });

  it('is never one whose values are nested too deeply to be compared', () => {
    const held = { ...ENTRY, ...IN_DOUBT };
    expect(isUnchanged(held, aRowUpsert(RECORD, { held, valuesHash: '' }))).toBe(false);
  });

  it('may be named by its id, whatever its address', () => {
    const held = anEntry({ userId: 'u1', email: A });
    expect(isUnchanged(held, aRowUpsert(anUpsert('u1'), { held }))).toBe(true);
    expect(isUnchanged(held, aRowUpsert(anUpsert('U1'), { held }))).toBe(false);
  });
});

describe('a record that goes out without a question', () => {
  const NEW = anUpsert(A, PLAN);
  it.each([
    ['is of a new row', [NEW], {}, true],
    ['puts its user on lists', [{ ...NEW, lists: lists('VIP') }], {}, true],
    ['takes its user off a list', [{ ...NEW, lists: lists('VIP', '-Old') }], {}, false],
    ['names a previous address', [{ ...NEW, previousEmail: B }], {}, false],
    ['is of a row that the ledger has', [NEW], { held: ENTRY }, false],
    ['is of a row that an earlier record may have changed', [NEW], { isCurrent: false }, false],
    ['goes with another one', [NEW, NEW], {}, true],
    ['goes with another one, on lists', [NEW, { ...NEW, lists: lists('VIP') }], {}, false],
  ])('a record that %s', (_name, changes, row, expected) => {
    expect(isPlainlyNew(aRowWork(changes, row))).toBe(expected);
  });

  it('is none where there is no record', () => {
    expect(isPlainlyNew({ records: [], change: NEW })).toBe(false);
    expect(draft({ records: [], change: NEW, valuesHash: '' }, 'hybrid')).toBeUndefined();
  });
});

describe('what of a record is sent', () => {
  it.each([
    ['a new row is written', undefined, [RECORD], STREAM, 'write'],
    ['a row that is as it was is not', ENTRY, [RECORD], STREAM, 'unchanged'],
    ['another list leads to list calls alone', ENTRY, [listed('VIP', 'New')], STREAM, 'lists'],
    [
      'another value is written',
      ENTRY,
      [anUpsert(A, { plan: 'free' }, { lists: BOTH_LISTS })],
      STREAM,
      'write',
    ],
    [
      'two records that together say what was exported are not',
      ENTRY,
      [anUpsert(A, { plan: 'free' }), RECORD],
      STREAM,
      'unchanged',
    ],
    [
      'two records that write more than the last are written',
      ENTRY,
      [anUpsert(A, { n: 1 }), RECORD],
      STREAM,
      'write',
    ],
    ['a row with a field that is no longer mapped is written', ENTRY, [RECORD], aStream(mapped([])), 'write'],
    ['a row in doubt is written', { ...ENTRY, ...IN_DOUBT }, [RECORD], STREAM, 'write'],
    ['a stream that is sent again is written', ENTRY, [RECORD], { ...STREAM, resends: true }, 'write'],
    ['another address is written', ENTRY, [anUpsert(B, PLAN, { lists: BOTH_LISTS })], STREAM, 'write'],
    ['an address that came and went is written', ENTRY, [anUpsert(B, PLAN), RECORD], STREAM, 'write'],
  ])('%s', (_name, held, changes, stream, expected) => {
    expect(draft(aRowWork(changes, { stream, held }), 'hybrid')?.kind).toBe(expected);
  });

  it.each([
    ['one that no mapping has is cleared', mapped(['plan']), PLAN, { plan: 'gold', city: null }],
    ['one that another stream writes stays', mapped(['plan'], ['city']), PLAN, PLAN],
    ['a part of what is still written stays', mapped(['plan'], ['city.zip']), PLAN, PLAN],
    [
      'one that the record writes all the same has its value',
      mapped(['plan']),
      { city: 'Rome' },
      { city: 'Rome' },
    ],
  ])('of fields that were written before, %s', (_name, targets, values, expected) => {
    const held = anEntry({ email: A, targets: ['city', 'plan'] });
    const work = aRowWork([anUpsert(A, values)], { stream: aStream(targets), held });
    expect({ ...draft(work, 'hybrid')?.change.values }).toEqual(expected);
  });

  it('the record’s own values are handed on as they are where nothing is cleared', () => {
    const work = aRowWork([RECORD], { stream: STREAM, held: ENTRY });
    expect(draft(work, 'hybrid')?.change.values).toBe(work.change.values);
  });
});

describe('whose entry it is', () => {
  const PERSON = { emails: [A], userIds: ['u1'] };
  it.each([
    ['the address', { email: A }, true],
    ['the id', { userId: 'u1', email: B }, true],
    ['neither', { userId: 'u2', email: B }, false],
    ['nothing at all', {}, false],
    ['the id as an address', { email: 'u1' }, false],
  ])('an entry with %s', (_name, entry, expected) => {
    expect(holds(entry, PERSON)).toBe(expected);
  });
});

it('what is written stays to be written when nobody is taken off a list after all', () => {
  const held = anEntry({ email: A, lists: lists('VIP') });
  const work = aRowWork([anUpsert(A, PLAN)], { held });
  const others = [anEntry({ stream: OWN_STREAM + 1, email: A, lists: lists('VIP') })];
  const drafted = draft(work, 'hybrid');
  expect(drafted && decide(drafted, others, work)).toEqual({
    kind: 'write',
    change: anUpsert(A, PLAN, { lists: new Map() }),
  });
});

describe('the users whose entries matter', () => {
  it.each<[string, { record: Upsert; held?: HeldEntry }, string[], string[]]>([
    ['are those of the address', { record: anUpsert(B) }, [B], []],
    ['are those of the id that the record has, too', { record: anUpsert(B, { userId: 'u1' }) }, [B], ['u1']],
    [
      'are those of the id that the row had, too, which the address may have still',
      { record: anUpsert(B), held: anEntry({ email: B, userId: 'u1' }) },
      [B],
      ['u1'],
    ],
    [
      'are not those of an address that the row has left',
      { record: anUpsert(B), held: anEntry({ email: A }) },
      [B],
      [],
    ],
    [
      'are those of the id and both addresses of its user',
      { record: anUpsert('u1', { email: B }), held: anEntry({ userId: 'u1', email: A }) },
      [B, A],
      ['u1'],
    ],
    [
      'are not those of another id',
      { record: anUpsert('u2', { email: B }), held: anEntry({ userId: 'u1', email: A }) },
      [B],
      ['u2'],
    ],
  ])('%s', (_name, { record, held }, emails, userIds) => {
    const drafted = draft(aRowWork([record], held && { held }), 'hybrid');
    expect([new Set(drafted?.emails), new Set(drafted?.userIds)]).toEqual([
      new Set(emails),
      new Set(userIds),
    ]);
  });
});

describe('other entries', () => {
  it.each<[string, Upsert, boolean]>([
    ['matter where the address changes', anUpsert(B, {}, { previousEmail: A }), true],
    ['matter where a list is left', anUpsert(B, {}, { lists: lists('VIP', '-Old') }), true],
    ['do not matter where lists are joined', anUpsert(B, {}, { lists: lists('VIP') }), false],
    ['do not matter where there are no lists', anUpsert(B, PLAN), false],
  ])('%s', (_name, record, expected) => {
    const drafted = draft(aRowWork([record]), 'hybrid');
    expect(drafted && asksOthers(drafted)).toBe(expected);
  });
});

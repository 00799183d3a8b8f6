import { describe, expect, it } from '@jest/globals';
import type { HeldEntry } from '../../src/ledger/ledger.ts';
import { fieldHashes } from '../../src/diff/field-hashes.ts';
import { holds } from '../../src/diff/holds.ts';
import {
  asksOthers,
  decide,
  draft,
  isPlainlyNew,
  isUnchanged,
  withChangedFields,
  type RowTask,
} from '../../src/diff/upserts.ts';
import { HASH_VERSION, mergedHash, olderValuesHash } from '../../src/diff/values-hash.ts';
import type { TargetValues, Upsert } from '../../src/model.ts';
import {
  anEntry,
  anUpsert,
  aRowUpsert,
  aRowTask,
  aStream,
  UNCONFIRMED,
  lists,
  mapped,
  OWN_STREAM,
  silentOn,
  PENDING_DELETION,
} from '../support/rows.ts';

const PLAN = { plan: 'gold' };
const A = 'a@x.com';
const B = 'b@x.com';
/** The entry of the record below, once that is exported. */
const ENTRY = anEntry({ email: A, values: PLAN, targets: ['plan'], lists: lists('VIP', '-Old') });
const RECORD = anUpsert(A, PLAN, { lists: lists('VIP', '-Old') });
const STREAM = aStream(mapped(['plan']));
const BOTH_LISTS = lists('VIP', '-Old');
const listed = (...names: string[]) => ({ ...RECORD, lists: lists(...names) });
const silent = (names: readonly string[] | 'any') => anUpsert(A, PLAN, silentOn(names));

describe('a record is unchanged or not', () => {
  it.each([
    ['says what was exported', ENTRY, RECORD, STREAM, true],
    ['has another value', ENTRY, anUpsert(A, { plan: 'free' }, { lists: BOTH_LISTS }), STREAM, false],
    ['has one value more', ENTRY, anUpsert(A, { ...PLAN, n: 1 }, { lists: BOTH_LISTS }), STREAM, false],
    ['has another address', ENTRY, anUpsert(B, PLAN, { lists: BOTH_LISTS }), STREAM, false],
    [
      'is identified by an id that the row did not have',
      ENTRY,
      anUpsert('u1', PLAN, { lists: BOTH_LISTS }),
      STREAM,
      false,
    ],
    ['is of a stream that sends unchanged records, too', ENTRY, RECORD, { ...STREAM, resends: true }, false],
    ['is on one list more', ENTRY, listed('VIP', '-Old', 'New'), STREAM, false],
    ['is off a list that it was not on', ENTRY, listed('VIP', '-Old', '-New'), STREAM, false],
    ['is off a list that it was on', ENTRY, listed('-VIP', '-Old'), STREAM, false],
    ['no longer names a list that it was on', ENTRY, listed('-Old'), STREAM, false],
    ['no longer names a list that it was off', ENTRY, listed('VIP'), STREAM, true],
    ['says nothing of any list', ENTRY, silent('any'), STREAM, true],
    ['says nothing of the list that it is on', ENTRY, silent(['VIP']), STREAM, true],
    ['says nothing of another list only', ENTRY, silent(['Old']), STREAM, false],
    ['lacks a field that was mapped', ENTRY, RECORD, aStream(mapped(['name'])), false],
    ['lacks a field that another stream writes', ENTRY, RECORD, aStream(mapped(['name'], ['plan'])), true],
    ['is of an unconfirmed row', { ...ENTRY, ...UNCONFIRMED }, RECORD, STREAM, false],
    ['is of a row that is a pending deletion', { ...ENTRY, ...PENDING_DELETION }, RECORD, STREAM, false],
  ])('a record that %s', (_name, entry, change, stream, expected) => {
    expect(isUnchanged(entry, aRowUpsert(change, { stream, entry }))).toBe(expected);
    // The full decision comes to the same.
    const kind = draft(aRowTask([change], { stream, entry }), 'hybrid')?.kind;
    expect(kind === 'unchanged').toBe(expected);
  });

  it('a record whose values are nested too deeply to be compared never is', () => {
    const entry = { ...ENTRY, ...UNCONFIRMED };
    expect(isUnchanged(entry, aRowUpsert(RECORD, { entry, valuesHash: '' }))).toBe(false);
  });

  it('a record may be identified by its id, whatever its address', () => {
    const entry = anEntry({ userId: 'u1', email: A });
    expect(isUnchanged(entry, aRowUpsert(anUpsert('u1'), { entry }))).toBe(true);
    expect(isUnchanged(entry, aRowUpsert(anUpsert('U1'), { entry }))).toBe(false);
  });
});

describe('a record is sent without asking the ledger for others', () => {
  const NEW = anUpsert(A, PLAN);
  it.each([
    ['is of a new row', [NEW], {}, true],
    ['puts its user on lists', [{ ...NEW, lists: lists('VIP') }], {}, true],
    ['takes its user off a list', [{ ...NEW, lists: lists('VIP', '-Old') }], {}, false],
    ['names a previous address', [{ ...NEW, previousEmail: B }], {}, false],
    ['is of a row that the ledger has', [NEW], { entry: ENTRY }, false],
    ['is of a row that an earlier record may have changed', [NEW], { state: 'stale' as const }, false],
    ['is merged with another one', [NEW, NEW], {}, true],
    ['is merged with another one, on lists', [NEW, { ...NEW, lists: lists('VIP') }], {}, false],
  ])('a record that %s', (_name, changes, row, expected) => {
    expect(isPlainlyNew(aRowTask(changes, row))).toBe(expected);
  });

  it('none is where there is no record', () => {
    expect(isPlainlyNew({ records: [], change: NEW })).toBe(false);
    expect(draft({ records: [], change: NEW, valuesHash: '' }, 'hybrid')).toBeUndefined();
  });
});

describe('what of a record is sent', () => {
  it.each([
    ['a new row is written', undefined, [RECORD], STREAM, 'write'],
    ['a row that is as it was is unchanged', ENTRY, [RECORD], STREAM, 'unchanged'],
    ['another list is changed by list calls alone', ENTRY, [listed('VIP', 'New')], STREAM, 'lists'],
    [
      'another value is written',
      ENTRY,
      [anUpsert(A, { plan: 'free' }, { lists: BOTH_LISTS })],
      STREAM,
      'write',
    ],
    [
      'two records that merged say what was exported are unchanged',
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
    ['an unconfirmed row is written', { ...ENTRY, ...UNCONFIRMED }, [RECORD], STREAM, 'write'],
    [
      'an unchanged record of a stream that sends those, too, is written',
      ENTRY,
      [RECORD],
      { ...STREAM, resends: true },
      'write',
    ],
    ['another address is written', ENTRY, [anUpsert(B, PLAN, { lists: BOTH_LISTS })], STREAM, 'write'],
    [
      'an address that only the first of two records has is written',
      ENTRY,
      [anUpsert(B, PLAN), RECORD],
      STREAM,
      'write',
    ],
  ])('%s', (_name, entry, changes, stream, expected) => {
    expect(draft(aRowTask(changes, { stream, entry }), 'hybrid')?.kind).toBe(expected);
  });

  it.each([
    ['one that no mapping has is cleared', mapped(['plan']), PLAN, { plan: 'gold', city: null }],
    ['one that another stream writes stays', mapped(['plan'], ['city']), PLAN, PLAN],
    ['one of which another stream writes a part stays', mapped(['plan'], ['city.zip']), PLAN, PLAN],
    [
      'one that the record writes all the same has its value',
      mapped(['plan']),
      { city: 'Rome' },
      { city: 'Rome' },
    ],
  ])('of fields that were written before, %s', (_name, targets, values, expected) => {
    const entry = anEntry({ email: A, targets: ['city', 'plan'] });
    const task = aRowTask([anUpsert(A, values)], { stream: aStream(targets), entry });
    expect({ ...draft(task, 'hybrid')?.change.values }).toEqual(expected);
  });

  it('the record’s own values are handed on as they are where nothing is cleared', () => {
    const task = aRowTask([RECORD], { stream: STREAM, entry: ENTRY });
    expect(draft(task, 'hybrid')?.change.values).toBe(task.change.values);
  });
});

describe('an entry is about the user', () => {
  const USER = { emails: [A], userIds: ['u1'] };
  it.each([
    ['the address', { email: A }, true],
    ['the id', { userId: 'u1', email: B }, true],
    ['neither', { userId: 'u2', email: B }, false],
    ['nothing at all', {}, false],
    ['the id as an address', { email: 'u1' }, false],
  ])('an entry with %s', (_name, entry, expected) => {
    expect(holds(entry, USER)).toBe(expected);
  });
});

it('a change of values is written also where its user is taken off no list after all', () => {
  const entry = anEntry({ email: A, lists: lists('VIP') });
  const task = aRowTask([anUpsert(A, PLAN)], { entry });
  const others = [anEntry({ stream: OWN_STREAM + 1, email: A, lists: lists('VIP') })];
  const drafted = draft(task, 'hybrid');
  expect(drafted && decide(drafted, others, task)).toEqual({
    kind: 'write',
    change: anUpsert(A, PLAN, { lists: new Map() }),
  });
});

describe('the users whose entries are asked for', () => {
  it.each<[string, { record: Upsert; entry?: HeldEntry }, string[], string[]]>([
    ['are those of the address', { record: anUpsert(B) }, [B], []],
    ['are those of the id that the record has, too', { record: anUpsert(B, { userId: 'u1' }) }, [B], ['u1']],
    [
      'are those of the id that the row had, too, which the profile may still have',
      { record: anUpsert(B), entry: anEntry({ email: B, userId: 'u1' }) },
      [B],
      ['u1'],
    ],
    [
      'are not those of an address that the row has left',
      { record: anUpsert(B), entry: anEntry({ email: A }) },
      [B],
      [],
    ],
    [
      'are those of the id and both addresses of its user',
      { record: anUpsert('u1', { email: B }), entry: anEntry({ userId: 'u1', email: A }) },
      [B, A],
      ['u1'],
    ],
    [
      'are not those of another id',
      { record: anUpsert('u2', { email: B }), entry: anEntry({ userId: 'u1', email: A }) },
      [B],
      ['u2'],
    ],
  ])('%s', (_name, { record, entry }, emails, userIds) => {
    const drafted = draft(aRowTask([record], { entry }), 'hybrid');
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
    const drafted = draft(aRowTask([record]), 'hybrid');
    expect(drafted && asksOthers(drafted)).toBe(expected);
  });
});

describe('what of a changed row is sent', () => {
  const OPTIONS = { changedFieldsOnly: true, mergeNestedObjects: true };
  const VALUES = { plan: 'gold', city: 'Rome' };
  const HELD = anEntry({ email: A, values: VALUES, targets: ['city', 'plan'], lists: lists('VIP') });
  const hashesOf = (values: TargetValues) => fieldHashes(values, { key: '[1]', mergeNestedObjects: true });
  const decided = (changes: readonly Upsert[], options = OPTIONS, sent: TargetValues = VALUES) => {
    const task = aRowTask(changes, { entry: HELD });
    const own = draft(task, 'hybrid');
    if (!own) throw new Error('The task has a record');
    return withChangedFields(own, task, hashesOf(sent), options);
  };
  const named = (values: TargetValues) => anUpsert(A, values, { lists: lists('VIP') });

  it('is the field that changed', () => {
    expect(decided([named({ plan: 'free', city: 'Rome' })])).toMatchObject({
      kind: 'write',
      changedFields: ['plan'],
      change: { values: { plan: 'free', city: 'Rome' }, changedValues: { plan: 'free' } },
      fieldHashes: hashesOf({ plan: 'free', city: 'Rome' }),
    });
  });

  it('is all of it, if the option is off; the fields that changed are told all the same', () => {
    const decision = decided([named({ plan: 'free', city: 'Rome' })], {
      ...OPTIONS,
      changedFieldsOnly: false,
    });
    expect([decision.changedFields, decision.change.changedValues]).toEqual([['plan'], undefined]);
  });

  it('is nothing where a record only lacks what it had: its lists may change', () => {
    expect(decided([named({ plan: 'gold' })]).kind).toBe('unchanged');
    expect(decided([anUpsert(A, { plan: 'gold' }, { lists: lists('VIP', 'New') })]).kind).toBe('lists');
  });

  it('is what several records come to together', () => {
    const changes = [named({ plan: 'free', city: 'Bari' }), named({ plan: 'free', city: 'Rome' })];
    expect(decided(changes).changedFields).toEqual(['plan']);
  });

  it.each<[string, boolean, Upsert, Partial<HeldEntry>, Partial<RowTask>]>([
    ['of a known user, field by field', true, named(PLAN), {}, {}],
    ['whole, of another user', false, anUpsert(B, PLAN), {}, {}],
    ['whole, of an unconfirmed row', false, named(PLAN), UNCONFIRMED, {}],
    ['whole, of a row whose removal is decided', false, named(PLAN), PENDING_DELETION, {}],
    ['whole, of a user who was just deleted', false, named(PLAN), {}, { isSentWhole: true }],
    ['whole, where the profile may move', false, anUpsert('u1', { email: B }), { userId: 'u1' }, {}],
  ])('goes out %s', (_name, expected, change, entry, more) => {
    const task = { ...aRowTask([change], { entry: { ...HELD, ...entry } }), ...more };
    expect(draft(task, 'email')?.isKnown).toBe(expected);
  });

  it('goes out whole where the entry is outdated, changed or not', () => {
    const stream = aStream({ isOutdated: () => true });
    const task = aRowTask([named(VALUES)], { entry: HELD, stream });
    expect(draft(task, 'hybrid')).toMatchObject({
      kind: 'write',
      isKnown: false,
      change: { lists: lists('VIP') },
    });
    expect(isUnchanged(HELD, aRowUpsert(named(VALUES), { entry: HELD, stream }))).toBe(false);
  });
});

describe('an entry of the first version of hashes', () => {
  const TURNED = { o: { y: 1, x: 2 } };
  const entry = anEntry({ email: A, valuesHash: olderValuesHash(TURNED) });

  it('is compared by that version', () => {
    expect(isUnchanged(entry, aRowUpsert(anUpsert(A, TURNED), { entry }))).toBe(true);
    expect(isUnchanged(entry, aRowUpsert(anUpsert(A, { o: { y: 1, x: 3 } }), { entry }))).toBe(false);
    const current = { ...entry, conditions: { basis: '', hashVersion: HASH_VERSION } };
    expect(isUnchanged(current, aRowUpsert(anUpsert(A, TURNED), { entry: current }))).toBe(false);
  });

  it('is, too, where several records were merged', () => {
    const [first, last] = [anUpsert(A, { n: 1 }), anUpsert(A, TURNED)];
    const merged = mergedHash({ n: 1, ...TURNED }, olderValuesHash(TURNED), olderValuesHash);
    const held = { ...entry, valuesHash: merged };
    expect(draft(aRowTask([first, last], { entry: held }), 'hybrid')?.kind).toBe('unchanged');
    expect(draft(aRowTask([anUpsert(A, { n: 2 }), last], { entry: held }), 'hybrid')?.kind).toBe('write');
  });
});

import { describe, expect, it } from '@jest/globals';
import type { HeldEntry } from '../../src/ledger/ledger.ts';
import type { RowStream } from '../../src/diff/row.ts';
import { asksOthers, decide, draft } from '../../src/diff/upserts.ts';
import type { Upsert } from '../../src/model.ts';
import {
  anEntry,
  anUpsert,
  aRowTask,
  aStream,
  UNCONFIRMED,
  lists,
  OWN_STREAM,
  silentOn,
  PENDING_DELETION,
} from '../support/rows.ts';

const A = 'a@x.com';
const ANOTHER_STREAM = OWN_STREAM + 1;

interface Case {
  readonly entry?: HeldEntry;
  readonly records: readonly Upsert[];
  readonly others?: readonly HeldEntry[];
  readonly stream?: Partial<RowStream>;
}

/** The list calls, as `VIP` and `-Old`, in any order; and what else is sent. */
function changesOf({ entry, records, others = [], stream }: Case) {
  const task = aRowTask(records, { entry, stream: aStream(stream) });
  const drafted = draft(task, 'hybrid');
  const decision = drafted && asksOthers(drafted) ? decide(drafted, others, task) : drafted;
  const changes = [...(decision?.change.lists ?? [])].map(([list, isOn]) => (isOn ? list : `-${list}`));
  return { kind: decision?.kind, changes: changes.sort() };
}

const on = (...names: string[]) => anEntry({ email: A, lists: lists(...names) });
const listed = (...names: string[]) => anUpsert(A, {}, { lists: lists(...names) });
const silent = (which: readonly string[] | 'any', ...names: string[]) =>
  anUpsert(A, {}, { lists: lists(...names), ...silentOn(which) });

describe('the memberships to change', () => {
  it.each<[string, Case, string[]]>([
    ['are those that a new row names', { records: [listed('VIP', '-Old')] }, ['-Old', 'VIP']],
    [
      'are none where they are as they were',
      { entry: on('VIP', '-Old'), records: [listed('VIP', '-Old')] },
      [],
    ],
    ['are the one that is new', { entry: on('VIP'), records: [listed('VIP', 'New')] }, ['New']],
    ['are the one that is left', { entry: on('VIP', 'Old'), records: [listed('VIP', '-Old')] }, ['-Old']],
    ['are the one that is no longer named', { entry: on('VIP', 'Old'), records: [listed('VIP')] }, ['-Old']],
    [
      'are all, where there are no rules any more',
      { entry: on('VIP', 'Old'), records: [anUpsert(A)] },
      ['-Old', '-VIP'],
    ],
    ['are none where columns are absent', { entry: on('VIP'), records: [silent('any')] }, []],
    [
      'are not those whose column is absent',
      { entry: on('VIP', 'Old'), records: [silent(['VIP'])] },
      ['-Old'],
    ],
    [
      'are those of the last record, where it names all: last write wins',
      { records: [listed('VIP'), listed('New')] },
      ['New'],
    ],
    [
      'are those of the last one, where it takes the user off the list of the first one',
      { records: [listed('VIP'), listed('-VIP')] },
      ['-VIP'],
    ],
    [
      'are those of an earlier record, where the last one says nothing of them',
      { records: [listed('VIP'), silent('any', 'New')] },
      ['New', 'VIP'],
    ],
  ])('%s', (_name, given, expected) => {
    expect(changesOf(given).changes).toEqual(expected);
  });

  it.each<[string, Case, string[]]>([
    [
      'are those that the record names',
      { entry: on('VIP', '-Old'), records: [listed('VIP', '-Old')] },
      ['-Old', 'VIP'],
    ],
    [
      'are those that it no longer names, on or off',
      { entry: on('VIP', '-Old'), records: [listed()] },
      ['-Old', '-VIP'],
    ],
    [
      'are not those of which it says nothing',
      { entry: on('VIP'), records: [silent('any', 'New')] },
      ['New'],
    ],
    [
      'are also those that an earlier record names',
      { entry: on('VIP'), records: [listed('VIP'), silent('any')] },
      ['VIP'],
    ],
  ])('of an unconfirmed row %s', (_name, { entry, ...given }, expected) => {
    for (const why of [UNCONFIRMED, PENDING_DELETION]) {
      const unconfirmed = entry && { ...entry, ...why };
      expect(changesOf({ ...given, ...(unconfirmed && { entry: unconfirmed }) })).toEqual({
        kind: 'write',
        changes: expected,
      });
    }
  });

  it.each<[string, Case, string[]]>([
    [
      'are those that the record names',
      { entry: on('VIP', '-Old'), records: [listed('VIP', '-Old')] },
      ['-Old', 'VIP'],
    ],
    [
      'are the one that it no longer names, too',
      { entry: on('VIP', 'Old'), records: [listed('VIP')] },
      ['-Old', 'VIP'],
    ],
    ['are none where columns are absent', { entry: on('VIP'), records: [silent('any')] }, []],
    [
      'are those that any of the records names',
      { entry: on('VIP', 'Old', 'New'), records: [silent('any', 'Old'), silent('any', 'VIP')] },
      ['Old', 'VIP'],
    ],
  ])('of a stream that sends unchanged records, too, %s', (_name, given, expected) => {
    expect(changesOf({ ...given, stream: { resends: true } })).toEqual({ kind: 'write', changes: expected });
  });
});

describe('a row that names another user than before', () => {
  const entry = anEntry({ userId: 'u1', email: A, lists: lists('VIP', 'Old') });
  it('puts that one on all lists that the record names, also on those of the previous one', () => {
    const record = anUpsert('u2', {}, { lists: lists('VIP', '-Never') });
    const { changes } = changesOf({ entry, records: [record] });
    expect(changes).toEqual(expect.arrayContaining(['-Never', 'VIP']));
    expect(changes).not.toContain('Old');
  });

  it('puts it on no list of the previous one of which the record says nothing', () => {
    expect(changesOf({ entry, records: [anUpsert('u2', {}, silentOn('any'))] }).changes).toEqual([]);
  });

  it('by another address keeps the lists of its profile, and puts the user on them in case it does not move', () => {
    const record = anUpsert('b@x.com', {}, silentOn('any'));
    expect(changesOf({ entry, records: [record] }).changes).toEqual(['Old', 'VIP']);
  });

  it('by another address is taken off no list of which the record says nothing', () => {
    const off = anEntry({ email: A, lists: lists('-VIP', '-Old') });
    const record = anUpsert('b@x.com', {}, { lists: lists('-Old'), ...silentOn('any') });
    expect(changesOf({ entry: off, records: [record] }).changes).toEqual(['-Old']);
  });
});

describe('a list that the record no longer names', () => {
  const entry = anEntry({ email: A, userId: 'u1', lists: lists('VIP') });
  it.each<[string, readonly HeldEntry[], string]>([
    ['is left where nothing else names it', [], 'lists -VIP'],
    [
      'stays where another row of the address names it',
      [anEntry({ key: '[2]', email: A, lists: lists('VIP') })],
      'unchanged ',
    ],
    [
      'stays where a row of another stream names it',
      [anEntry({ stream: ANOTHER_STREAM, email: A, lists: lists('VIP') })],
      'unchanged ',
    ],
    [
      'stays where a row of the user id names it',
      [anEntry({ key: '[2]', userId: 'u1', lists: lists('VIP') })],
      'unchanged ',
    ],
    [
      'is left where another row is off it',
      [anEntry({ key: '[2]', email: A, lists: lists('-VIP') })],
      'lists -VIP',
    ],
    [
      'is left where another row names another list',
      [anEntry({ key: '[2]', email: A, lists: lists('New') })],
      'lists -VIP',
    ],
    [
      'is left where another user is on it',
      [anEntry({ key: '[2]', email: 'b@x.com', userId: 'u2', lists: lists('VIP') })],
      'lists -VIP',
    ],
  ])('%s', (_name, others, expected) => {
    const { kind, changes } = changesOf({ entry, records: [listed()], others });
    expect(`${kind ?? ''} ${changes.join()}`).toBe(expected);
  });

  it('stays while another one is joined all the same', () => {
    const others = [anEntry({ key: '[2]', email: A, lists: lists('VIP') })];
    expect(changesOf({ entry, records: [listed('New')], others })).toEqual({
      kind: 'lists',
      changes: ['New'],
    });
  });

  it('is joined all the same where another row names it', () => {
    const others = [anEntry({ key: '[2]', email: A, lists: lists('VIP', 'Old') })];
    expect(changesOf({ records: [listed('VIP', '-Old')], others }).changes).toEqual(['VIP']);
  });

  it('is not left, though the record says so, where another row names it', () => {
    const others = [anEntry({ key: '[2]', email: A, lists: lists('VIP') })];
    expect(changesOf({ records: [listed('-VIP')], others })).toEqual({ kind: 'write', changes: [] });
  });
});

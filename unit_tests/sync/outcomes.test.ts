import { describe, expect, it } from '@jest/globals';
import type { Outcome, Rejection, Removal, UserChange } from '../../src/model.ts';
import { isRejection, listChanges, outcomeOf, type TaskResult } from '../../src/sync/outcomes.ts';
import { anUpsert, lists } from '../support/rows.ts';

const UPSERT = anUpsert('a@x.com');
const REMOVAL: Removal = { kind: 'removal', identifiedBy: 'email', email: 'a@x.com' };
const REJECTION: Rejection = { code: 'wrong_type', field: 'age', reason: 'no number', answer: 'x' };

describe('the outcome of a record', () => {
  it.each<[string, UserChange, TaskResult, boolean, Outcome]>([
    ['an upsert that was delivered', UPSERT, undefined, true, { kind: 'delivered' }],
    ['an earlier record that was merged into it', UPSERT, undefined, false, { kind: 'delivered' }],
    ['a removal that was carried out', REMOVAL, undefined, true, { kind: 'removed' }],
    ['a record that a removal discards', REMOVAL, undefined, false, { kind: 'superseded' }],
    ['a removal of a user who is not in Iterable', REMOVAL, 'not_there', true, { kind: 'not_there' }],
    ['a record that such a removal discards', REMOVAL, 'not_there', false, { kind: 'superseded' }],
    ['an unchanged record', UPSERT, 'unchanged', true, { kind: 'unchanged' }],
    ['one of several unchanged records', UPSERT, 'unchanged', false, { kind: 'unchanged' }],
    ['a rejected upsert', UPSERT, REJECTION, true, { kind: 'rejected', ...REJECTION }],
    ['one of several rejected records', UPSERT, REJECTION, false, { kind: 'rejected', ...REJECTION }],
    ['a rejected removal', REMOVAL, REJECTION, true, { kind: 'rejected', ...REJECTION }],
    [
      'an upsert of an unknown user',
      UPSERT,
      'not_in_iterable',
      true,
      { kind: 'skipped', why: 'not_in_iterable' },
    ],
    [
      'a removal of a user whom another stream has',
      REMOVAL,
      'held_by_another_row',
      true,
      { kind: 'skipped', why: 'held_by_another_row' },
    ],
    [
      'a record that such a removal discards as well',
      REMOVAL,
      'held_by_another_row',
      false,
      { kind: 'skipped', why: 'held_by_another_row' },
    ],
    [
      'a removal of a row that is not in the ledger',
      REMOVAL,
      'not_in_ledger',
      true,
      { kind: 'skipped', why: 'not_in_ledger' },
    ],
  ])('%s', (_name, change, result, isLast, expected) => {
    expect(outcomeOf(change, result, isLast)).toEqual(expected);
    expect(isRejection(result)).toBe(expected.kind === 'rejected');
  });
});

describe('the lists that change', () => {
  it.each<[string, UserChange, [string, boolean][]]>([
    ['by an upsert without lists', UPSERT, []],
    ['by an upsert', { ...UPSERT, lists: lists('VIP', '-Old') }, [['VIP', true], ['Old', false]]], // prettier-ignore
    ['by a removal without lists', REMOVAL, []],
    ['by a removal, which takes off all', { ...REMOVAL, lists: ['VIP', 'Old'] }, [['VIP', false], ['Old', false]]], // prettier-ignore
  ])('%s', (_name, change, expected) => {
    expect(listChanges(change)).toEqual(expected.map(([list, isOn]) => ({ list, isOn })));
  });
});

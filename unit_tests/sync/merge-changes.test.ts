import { describe, expect, it } from '@jest/globals';
import type { Removal, UserChange } from '../../src/model.ts';
import { mayMove, mergeChanges } from '../../src/sync/merge-changes.ts';
import { anUpsert, lists } from '../support/rows.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const OLD = 'old@x.com';
const DELETES = { mergeNestedObjects: false, removalUndoesAll: true };
const TAKES_OFF_LISTS = { ...DELETES, removalUndoesAll: false };

function aRemoval(rest: Partial<Removal>): Removal {
  return { kind: 'removal', identifiedBy: 'email', ...rest };
}

describe('two upserts of one user', () => {
  it.each<[string, UserChange, UserChange, UserChange]>([
    [
      'are one target by target',
      anUpsert(A, { a: 1, b: 1 }),
      anUpsert(A, { b: 2, c: 2 }),
      anUpsert(A, { a: 1, b: 2, c: 2 }),
    ],
    [
      'are one by nested targets, too',
      anUpsert(A, { 'a.b': 1 }),
      anUpsert(A, { 'a.c': 2 }),
      anUpsert(A, { 'a.b': 1, 'a.c': 2 }),
    ],
    [
      'are one with a null as the last word',
      anUpsert(A, { a: 1 }),
      anUpsert(A, { a: null }),
      anUpsert(A, { a: null }),
    ],
    [
      'are one with the last object, where objects are not merged',
      anUpsert(A, { a: { b: 1 } }),
      anUpsert(A, { a: { c: 2 } }),
      anUpsert(A, { a: { c: 2 } }),
    ],
    [
      'are one by the id, too',
      anUpsert('u1', { a: 1 }),
      anUpsert('u1', { email: A }),
      anUpsert('u1', { a: 1, email: A }),
    ],
    [
      'are one list by list',
      anUpsert(A, {}, { lists: lists('VIP', 'Old') }),
      anUpsert(A, {}, { lists: lists('-Old', 'New') }),
      anUpsert(A, {}, { lists: lists('VIP', '-Old', 'New') }),
    ],
    [
      'keep the lists of the first',
      anUpsert(A, {}, { lists: lists('VIP') }),
      anUpsert(A),
      anUpsert(A, {}, { lists: lists('VIP') }),
    ],
    [
      'have the lists of the second',
      anUpsert(A),
      anUpsert(A, {}, { lists: lists('VIP') }),
      anUpsert(A, {}, { lists: lists('VIP') }),
    ],
    [
      'keep the previous address of the first',
      anUpsert(A, { a: 1 }, { previousEmail: OLD }),
      anUpsert(A, { a: 2 }),
      anUpsert(A, { a: 2 }, { previousEmail: OLD }),
    ],
    [
      'keep the previous address of both',
      anUpsert(A, {}, { previousEmail: OLD }),
      anUpsert(A, {}, { previousEmail: OLD }),
      anUpsert(A, {}, { previousEmail: OLD }),
    ],
  ])('%s', (_name, earlier, later, expected) => {
    const merged = mergeChanges(earlier, later, DELETES);
    // Values have no prototype.
    expect(merged?.kind === 'upsert' && { ...merged, values: { ...merged.values } }).toEqual(expected);
  });

  it.each<[string, UserChange, UserChange]>([
    ['have different addresses', anUpsert(A), anUpsert(B)],
    ['are named by an address and by an id', anUpsert(A, { userId: 'u1' }), anUpsert('u1', { email: A })],
    [
      'are named by an id that looks like the address',
      anUpsert(A),
      { ...anUpsert(A), key: { kind: 'userId', value: A } },
    ],
    ['write a field and a part of it', anUpsert(A, { a: 1 }), anUpsert(A, { 'a.b': 2 })],
    ['write a part of a field and the field', anUpsert(A, { 'a.b': 1 }), anUpsert(A, { a: 2 })],
    ['change the address with the second only', anUpsert(A), anUpsert(A, {}, { previousEmail: OLD })],
    [
      'change the address from two others',
      anUpsert(A, {}, { previousEmail: B }),
      anUpsert(A, {}, { previousEmail: OLD }),
    ],
  ])('stay two where they %s', (_name, earlier, later) => {
    expect(mergeChanges(earlier, later, DELETES)).toBeUndefined();
  });

  it('leave both as they were', () => {
    const [earlier, later] = [
      anUpsert(A, { a: 1 }, { lists: lists('VIP') }),
      anUpsert(A, { a: 2 }, { lists: lists('-VIP') }),
    ];
    mergeChanges(earlier, later, DELETES);
    expect([earlier, later]).toEqual([
      anUpsert(A, { a: 1 }, { lists: lists('VIP') }),
      anUpsert(A, { a: 2 }, { lists: lists('-VIP') }),
    ]);
  });
});

describe('a removal', () => {
  it.each<[string, UserChange, Removal]>([
    ['the address', anUpsert(A), aRemoval({ email: A })],
    ['the address, and another id', anUpsert(A, { userId: 'u2' }), aRemoval({ email: A, userId: 'u1' })],
    ['the id', anUpsert('u1', { email: B }), aRemoval({ email: A, userId: 'u1' })],
    [
      'a removal of just that user',
      aRemoval({ email: A, userId: 'u1' }),
      aRemoval({ email: A, userId: 'u1', lists: ['VIP'] }),
    ],
  ])('takes the place of what came before: %s', (_name, earlier, later) => {
    expect(mergeChanges(earlier, later, DELETES)).toBe(later);
    expect(mergeChanges(earlier, later, TAKES_OFF_LISTS)).toBeUndefined();
  });

  it.each<[string, UserChange, Removal]>([
    ['another address', anUpsert(B), aRemoval({ email: A })],
    ['an address of which it names the id only', anUpsert(A, { userId: 'u1' }), aRemoval({ userId: 'u1' })],
    ['an id of which it names the address only', anUpsert('u1', { email: A }), aRemoval({ email: A })],
    [
      'a move, without which the profile would outlive it',
      anUpsert(A, {}, { previousEmail: OLD }),
      aRemoval({ email: A }),
    ],
    ['whatever the row was, where it names nobody', anUpsert(A), aRemoval({})],
    ['a removal of the row, where it names nobody, either', aRemoval({}), aRemoval({})],
    ['a removal with another id', aRemoval({ email: A, userId: 'u1' }), aRemoval({ email: A })],
    [
      'a removal with another address',
      aRemoval({ email: A, userId: 'u1' }),
      aRemoval({ email: B, userId: 'u1' }),
    ],
  ])('does not take the place of %s', (_name, earlier, later) => {
    expect(mergeChanges(earlier, later, DELETES)).toBeUndefined();
  });

  it('must be done before its user is written again', () => {
    expect(mergeChanges(aRemoval({ email: A }), anUpsert(A), DELETES)).toBeUndefined();
  });
});

it.each<[string, UserChange, boolean]>([
  ['an upsert with a previous address', anUpsert(A, {}, { previousEmail: OLD }), true],
  ['another upsert', anUpsert(A, { email: A }), false],
  ['a removal', aRemoval({ email: A }), false],
])('%s may move a profile: %s', (_name, change, expected) => {
  expect(mayMove(change)).toBe(expected);
});

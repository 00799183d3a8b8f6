import { describe, expect, it } from '@jest/globals';
import type { Removal, UserChange } from '../../src/model.ts';
import { mayMove, mergeChanges } from '../../src/sync/merge-changes.ts';
import { anUpsert, lists } from '../support/rows.ts';
import { aRemoval } from '../support/tasks.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const OLD = 'old@x.com';
const DELETES = { mergeNestedObjects: false, removalUndoesAll: true };
const TAKES_OFF_LISTS = { ...DELETES, removalUndoesAll: false };

describe('two upserts of one user', () => {
  it.each<[string, UserChange, UserChange, UserChange]>([
    [
      'have the targets of both, last write wins',
      anUpsert(A, { a: 1, b: 1 }),
      anUpsert(A, { b: 2, c: 2 }),
      anUpsert(A, { a: 1, b: 2, c: 2 }),
    ],
    [
      'have the last fields of an object, where objects are not merged',
      anUpsert(A, { 'a.b': 1 }),
      anUpsert(A, { 'a.c': 2 }),
      anUpsert(A, { 'a.c': 2 }),
    ],
    [
      'clear what the last one clears',
      anUpsert(A, { a: 1 }),
      anUpsert(A, { a: null }),
      anUpsert(A, { a: null }),
    ],
    [
      'have the last object, where objects are not merged',
      anUpsert(A, { a: { b: 1 } }),
      anUpsert(A, { a: { c: 2 } }),
      anUpsert(A, { a: { c: 2 } }),
    ],
    [
      'have the targets of both where they are identified by the id',
      anUpsert('u1', { a: 1 }),
      anUpsert('u1', { email: A }),
      anUpsert('u1', { a: 1, email: A }),
    ],
    [
      'have the lists of both, last write wins',
      anUpsert(A, {}, { lists: lists('VIP', 'Old') }),
      anUpsert(A, {}, { lists: lists('-Old', 'New') }),
      anUpsert(A, {}, { lists: lists('VIP', '-Old', 'New') }),
    ],
    [
      'have the lists of the first',
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
      'have the previous address of the first',
      anUpsert(A, { a: 1 }, { previousEmail: OLD }),
      anUpsert(A, { a: 2 }),
      anUpsert(A, { a: 2 }, { previousEmail: OLD }),
    ],
    [
      'have the previous address of both',
      anUpsert(A, {}, { previousEmail: OLD }),
      anUpsert(A, {}, { previousEmail: OLD }),
      anUpsert(A, {}, { previousEmail: OLD }),
    ],
  ])('merged %s', (_name, earlier, later, expected) => {
    const merged = mergeChanges(earlier, later, DELETES);
    // Values have no prototype.
    expect(merged?.kind === 'upsert' && { ...merged, values: { ...merged.values } }).toEqual(expected);
  });

  it.each<[string, UserChange, UserChange]>([
    ['have different addresses', anUpsert(A), anUpsert(B)],
    [
      'are identified by an address and by an id',
      anUpsert(A, { userId: 'u1' }),
      anUpsert('u1', { email: A }),
    ],
    [
      'are identified by an address and by an id that looks like it',
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
  ])('are not merged where they %s', (_name, earlier, later) => {
    expect(mergeChanges(earlier, later, DELETES)).toBeUndefined();
  });

  it('are left as they were', () => {
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

describe('a removal after another change of its user', () => {
  it.each<[string, UserChange, Removal]>([
    ['an upsert of the address', anUpsert(A), aRemoval({ email: A })],
    [
      'an upsert of the address with another id',
      anUpsert(A, { userId: 'u2' }),
      aRemoval({ email: A, userId: 'u1' }),
    ],
    ['an upsert of the id', anUpsert('u1', { email: B }), aRemoval({ email: A, userId: 'u1' })],
    [
      'a removal of the same user',
      aRemoval({ email: A, userId: 'u1' }),
      aRemoval({ email: A, userId: 'u1', lists: ['VIP'] }),
    ],
  ])('discards %s', (_name, earlier, later) => {
    expect(mergeChanges(earlier, later, DELETES)).toBe(later);
    expect(mergeChanges(earlier, later, TAKES_OFF_LISTS)).toBeUndefined();
  });

  it.each<[string, UserChange, Removal]>([
    ['an upsert of another address', anUpsert(B), aRemoval({ email: A })],
    [
      'an upsert of an address, of which it names the id only',
      anUpsert(A, { userId: 'u1' }),
      aRemoval({ userId: 'u1' }),
    ],
    [
      'an upsert of an id, of which it names the address only',
      anUpsert('u1', { email: A }),
      aRemoval({ email: A }),
    ],
    [
      'a change of address, without which the profile would not be found',
      anUpsert(A, {}, { previousEmail: OLD }),
      aRemoval({ email: A }),
    ],
    ['an upsert where it names no user itself', anUpsert(A), aRemoval({})],
    ['a removal where neither names a user', aRemoval({}), aRemoval({})],
    ['a removal with another id', aRemoval({ email: A, userId: 'u1' }), aRemoval({ email: A })],
    [
      'a removal with another address',
      aRemoval({ email: A, userId: 'u1' }),
      aRemoval({ email: B, userId: 'u1' }),
    ],
  ])('does not discard %s', (_name, earlier, later) => {
    expect(mergeChanges(earlier, later, DELETES)).toBeUndefined();
  });

  it('is not merged with an upsert that follows', () => {
    expect(mergeChanges(aRemoval({ email: A }), anUpsert(A), DELETES)).toBeUndefined();
  });
});

it.each<[string, UserChange, boolean]>([
  ['an upsert with a previous address may', anUpsert(A, {}, { previousEmail: OLD }), true],
  ['another upsert does not', anUpsert(A, { email: A }), false],
  ['a removal does not', aRemoval({ email: A }), false],
])('%s move a profile', (_name, change, expected) => {
  expect(mayMove(change)).toBe(expected);
});

import { describe, expect, it } from '@jest/globals';
import {
  entryInDoubt,
  identitiesOf,
  isInDoubt,
  membershipsBefore,
  rowKey,
  rowToken,
} from '../../src/diff/row.ts';
import { identityText } from '../../src/model.ts';
import { anEntry, anUpsert, IN_DOUBT, keyOf, lists, TO_BE_REMOVED } from '../support/rows.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const byUserId = (value: string) => rowKey(undefined, { kind: 'userId', value });

describe('a row’s key', () => {
  it('is the primary key, else the identity, else nothing', () => {
    expect(rowKey('[1]', { kind: 'email', value: 'a@x.com' })).toBe('[1]');
    expect(byUserId('u1')).toBe('userId:u1');
    expect(rowKey(undefined, keyOf(A))).toBe('email:a@x.com');
    expect(rowKey(undefined, undefined)).toBeUndefined();
  });

  it.each([
    ['too long for an index', 'k'.repeat(501), 'k'.repeat(502)],
    ['with a NUL', 'a\0b', 'a\0c'],
    ['with half of a surrogate pair', 'a\ud83d', 'a\ud83e'],
  ])('%s is a hash that tells it from others', (_name, text, other) => {
    expect(byUserId(text)).toMatch(/^hash:[\w+/]{43}=$/);
    expect(byUserId(text)).toBe(byUserId(text));
    expect(byUserId(text)).not.toBe(byUserId(other));
  });

  it('of a primary key that is too long is a hash as well', () => {
    expect(rowKey(`["${'k'.repeat(500)}"]`, undefined)).toMatch(/^hash:/);
  });

  it('has one text with its stream, which is that of no other row and of no identity', () => {
    const tokens = ['[1]', '["@"]'].flatMap((key) => [rowToken(1, key), rowToken(2, key), rowToken(11, key)]);
    expect(new Set(tokens).size).toBe(tokens.length);
    const identities = ['1:["@"]', '1:[1]', '\t1:[1]'].map((value) => identityText(keyOf(value)));
    expect(identities.some((identity) => tokens.includes(identity))).toBe(false);
  });
});

describe('an entry in doubt', () => {
  it.each([
    ['is one of a run that ended before it noted how its calls did', anEntry(IN_DOUBT), true],
    ['is one whose user was to be removed', anEntry(TO_BE_REMOVED), true],
    ['is no other', anEntry({}), false],
  ])('%s', (_name, entry, expected) => {
    expect(isInDoubt(entry)).toBe(expected);
  });

  it('is otherwise what it was', () => {
    const entry = anEntry({ email: A, targets: ['plan'], lists: lists('VIP') });
    expect(entryInDoubt(entry)).toEqual({ ...entry, valuesHash: '' });
    expect(isInDoubt(anEntry(entryInDoubt(entry)))).toBe(true);
  });
});

it.each([
  ['an address and an id', { email: A, userId: 'u1' }, [A, ' u1']],
  ['an address', { email: A }, [A]],
  ['an id', { userId: 'u1' }, [' u1']],
  ['nobody', {}, []],
])('an entry of %s names as many identities', (_name, entry, expected) => {
  expect(identitiesOf(entry)).toEqual(expected);
});

it.each([
  ['are those of its entry', anEntry({ email: A, lists: lists('VIP') }), anUpsert(A), lists('VIP')],
  ['are none without an entry', undefined, anUpsert(A), lists()],
  [
    'are those of its entry by another address',
    anEntry({ email: A, lists: lists('VIP') }),
    anUpsert(B),
    lists('VIP'),
  ],
  [
    'are those of its entry by its address, whatever its id',
    anEntry({ email: A, userId: 'u1', lists: lists('VIP') }),
    anUpsert(A),
    lists('VIP'),
  ],
  ['are none by another id', anEntry({ userId: 'u1', lists: lists('VIP') }), anUpsert('u2'), lists()],
  [
    'are those of its entry by a first id',
    anEntry({ email: A, lists: lists('VIP') }),
    anUpsert('u2'),
    lists('VIP'),
  ],
])('the lists that a row’s user was on %s', (_name, held, change, expected) => {
  expect(membershipsBefore(held, change)).toEqual(expected);
});

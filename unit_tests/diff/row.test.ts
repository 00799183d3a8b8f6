import { describe, expect, it } from '@jest/globals';
import {
  asUnconfirmed,
  identitiesOf,
  isUnconfirmed,
  membershipsBefore,
  Row,
  rowKey,
  rowToken,
} from '../../src/diff/row.ts';
import type { HeldEntry } from '../../src/ledger/ledger.ts';
import { identityText } from '../../src/model.ts';
import {
  anEntry,
  anUpsert,
  aRow,
  aStream,
  keyOf,
  lists,
  PENDING_DELETION,
  UNCONFIRMED,
  type RowCase,
} from '../support/rows.ts';

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

  it('makes with its stream one token, which is that of no other row and of no identity', () => {
    const tokens = ['[1]', '["@"]'].flatMap((key) => [rowToken(1, key), rowToken(2, key), rowToken(11, key)]);
    expect(new Set(tokens).size).toBe(tokens.length);
    const identities = ['1:["@"]', '1:[1]', '\t1:[1]'].map((value) => identityText(keyOf(value)));
    expect(identities.some((identity) => tokens.includes(identity))).toBe(false);
  });
});

describe('a row', () => {
  const ENTRY = anEntry({ email: A });
  const OTHER = anEntry({ email: B });
  const BEFORE = {
    unread: { state: 'unread' },
    'stale without an entry': { state: 'stale' },
    'stale with an entry': { state: 'stale', entry: ENTRY },
    'current without an entry': { state: 'current' },
    'current with an entry': { state: 'current', entry: ENTRY },
  } satisfies Record<string, RowCase>;
  const METHODS = {
    'as it is': () => undefined,
    'found: another entry': (row) => {
      row.found(OTHER);
    },
    'found: none': (row) => {
      row.found(undefined);
    },
    becomeStale: (row) => {
      row.becomeStale();
    },
    'takeOver: another entry': (row) => {
      row.takeOver(OTHER);
    },
    'takeOver: none': (row) => {
      row.takeOver(undefined);
    },
  } satisfies Record<string, (row: Row) => void>;
  type After = 'current' | 'not current';

  it.each<[keyof typeof BEFORE, keyof typeof METHODS, After, HeldEntry | undefined]>([
    ['unread', 'as it is', 'not current', undefined],
    ['unread', 'found: another entry', 'current', OTHER],
    ['unread', 'found: none', 'current', undefined],
    ['unread', 'becomeStale', 'not current', undefined],
    ['unread', 'takeOver: another entry', 'not current', OTHER],
    ['unread', 'takeOver: none', 'not current', undefined],
    ['stale without an entry', 'as it is', 'not current', undefined],
    ['stale without an entry', 'found: another entry', 'current', OTHER],
    ['stale without an entry', 'found: none', 'current', undefined],
    ['stale without an entry', 'becomeStale', 'not current', undefined],
    ['stale without an entry', 'takeOver: another entry', 'not current', OTHER],
    ['stale without an entry', 'takeOver: none', 'not current', undefined],
    ['stale with an entry', 'as it is', 'not current', ENTRY],
    ['stale with an entry', 'found: another entry', 'current', OTHER],
    ['stale with an entry', 'found: none', 'current', undefined],
    ['stale with an entry', 'becomeStale', 'not current', ENTRY],
    ['stale with an entry', 'takeOver: another entry', 'not current', ENTRY],
    ['stale with an entry', 'takeOver: none', 'not current', ENTRY],
    ['current without an entry', 'as it is', 'current', undefined],
    ['current without an entry', 'found: another entry', 'current', OTHER],
    ['current without an entry', 'found: none', 'current', undefined],
    ['current without an entry', 'becomeStale', 'not current', undefined],
    ['current without an entry', 'takeOver: another entry', 'current', OTHER],
    ['current without an entry', 'takeOver: none', 'current', undefined],
    ['current with an entry', 'as it is', 'current', ENTRY],
    ['current with an entry', 'found: another entry', 'current', OTHER],
    ['current with an entry', 'found: none', 'current', undefined],
    ['current with an entry', 'becomeStale', 'not current', ENTRY],
    ['current with an entry', 'takeOver: another entry', 'current', ENTRY],
    ['current with an entry', 'takeOver: none', 'current', ENTRY],
  ])('that is %s, %s: is %s', (before, method, after, entry) => {
    const row = aRow(BEFORE[before]);
    METHODS[method](row);
    expect([row.isCurrent ? 'current' : 'not current', row.entry]).toEqual([after, entry]);
  });

  it('takes over one entry, and stays current or stale with it', () => {
    const row = aRow({ state: 'unread' });
    row.takeOver(ENTRY);
    row.takeOver(OTHER);
    expect([row.entry, row.isCurrent]).toEqual([ENTRY, false]);
    row.found(row.entry);
    row.becomeStale();
    row.becomeStale();
    expect([row.entry, row.isCurrent]).toEqual([ENTRY, false]);
  });

  it('has what its record says of it, and a token', () => {
    const identity = { stream: aStream({ id: 4 }), key: '[7]', isKeyedByIdentity: true, valuesHash: 'h' };
    expect(new Row(identity)).toMatchObject({ ...identity, token: rowToken(4, '[7]') });
  });
});

describe('an unconfirmed entry', () => {
  it.each([
    ['is one of a run that ended before it noted the result of its calls', anEntry(UNCONFIRMED), true],
    ['is a pending deletion', anEntry(PENDING_DELETION), true],
    ['is no other', anEntry({}), false],
  ])('%s', (_name, entry, expected) => {
    expect(isUnconfirmed(entry)).toBe(expected);
  });

  it('is otherwise what it was', () => {
    const entry = anEntry({ email: A, targets: ['plan'], lists: lists('VIP') });
    expect(asUnconfirmed(entry)).toEqual({ ...entry, valuesHash: '' });
    expect(isUnconfirmed(anEntry(asUnconfirmed(entry)))).toBe(true);
  });
});

it.each([
  ['an address and an id', { email: A, userId: 'u1' }, [A, ' u1']],
  ['an address', { email: A }, [A]],
  ['an id', { userId: 'u1' }, [' u1']],
  ['nobody', {}, []],
])('an entry of %s has as many identities', (_name, entry, expected) => {
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
])('the lists that a row’s user was on %s', (_name, entry, change, expected) => {
  expect(membershipsBefore(entry, change)).toEqual(expected);
});

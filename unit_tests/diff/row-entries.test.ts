import { describe, expect, it } from '@jest/globals';
import type { HeldEntry } from '../../src/ledger/ledger.ts';
import { entryAfter, entryUnderWay } from '../../src/diff/row.ts';
import type { Upsert } from '../../src/model.ts';
import {
  anEntry,
  anUpsert,
  aRowUpsert,
  aStream,
  lists,
  mapped,
  OWN_STREAM,
  silentOn,
} from '../support/rows.ts';

const A = 'a@x.com';
const B = 'b@x.com';

describe('the entry of a delivered row', () => {
  /** Of records in order, all with the same entry before them. */
  const after = (held: HeldEntry | undefined, ...changes: Upsert[]) =>
    entryAfter({ records: changes.map((change) => aRowUpsert(change, { held })), valuesHash: 'h' });

  it('is of the row, its snapshot and what was sent', () => {
    const stream = aStream({ ...mapped(['plan', 'city']), snapshot: 7 });
    const change = anUpsert(A, { userId: 'u1', plan: 'gold' }, { lists: lists('VIP', '-Old') });
    expect(entryAfter({ records: [aRowUpsert(change, { stream })], valuesHash: 'h' })).toEqual({
      stream: OWN_STREAM,
      key: '[1]',
      email: A,
      userId: 'u1',
      valuesHash: 'h',
      targets: ['plan', 'userId'],
      lists: lists('VIP', '-Old'),
      origin: 'upsert',
      seen: 7,
    });
    expect(entryAfter({ records: [], valuesHash: 'h' })).toBeUndefined();
  });

  it('says whether its user may have been created', () => {
    const origins = (['sync', 'additive', 'enrich'] as const).map(
      (mode) =>
        entryAfter({ records: [aRowUpsert(anUpsert(A), { stream: aStream({ mode }) })], valuesHash: 'h' })
          ?.origin,
    );
    expect(origins).toEqual(['upsert', 'upsert', 'enrich']);
  });

  it.each<[string, HeldEntry | undefined, Upsert[], object]>([
    [
      'keeps the id that the record lacks',
      anEntry({ email: A, userId: 'u1' }),
      [anUpsert(A)],
      { email: A, userId: 'u1' },
    ],
    [
      'keeps it by a new address, too',
      anEntry({ email: A, userId: 'u1' }),
      [anUpsert(B)],
      { email: B, userId: 'u1' },
    ],
    [
      'loses the id that the record clears',
      anEntry({ email: A, userId: 'u1' }),
      [anUpsert(A, { userId: null })],
      { email: A },
    ],
    [
      'has the id of the record',
      anEntry({ email: A, userId: 'u1' }),
      [anUpsert(A, { userId: 'u2' })],
      { email: A, userId: 'u2' },
    ],
    [
      'keeps the address that the record lacks',
      anEntry({ email: A, userId: 'u1' }),
      [anUpsert('u1')],
      { email: A, userId: 'u1' },
    ],
    [
      'loses the address with another id',
      anEntry({ email: A, userId: 'u1' }),
      [anUpsert('u2')],
      { userId: 'u2' },
    ],
    [
      'has the address of another id',
      anEntry({ email: A, userId: 'u1' }),
      [anUpsert('u2', { email: B })],
      { email: B, userId: 'u2' },
    ],
    [
      'has of several records what any of them says',
      undefined,
      [anUpsert(A, { userId: 'u1' }), anUpsert(A)],
      { email: A, userId: 'u1' },
    ],
    [
      'has of several records the last word',
      undefined,
      [anUpsert(A, { userId: 'u1' }), anUpsert(B, { userId: null })],
      { email: B },
    ],
  ])('%s', (_name, held, changes, person) => {
    const { email, userId } = after(held, ...changes) ?? {};
    expect({ email, userId }).toEqual({ email: undefined, userId: undefined, ...person });
  });

  it('has the lists and targets of all records, and of the entry before where they say nothing', () => {
    const held = anEntry({ email: A, targets: ['city', 'gone'], lists: lists('VIP') });
    const stream = aStream(mapped(['a', 'b', 'city']));
    const changes = [
      anUpsert(A, { b: 1 }, { lists: lists('New'), ...silentOn('any') }),
      anUpsert(A, { a: 1 }, silentOn(['New', 'VIP'])),
    ];
    const entry = entryAfter({
      records: changes.map((change) => aRowUpsert(change, { held, stream })),
      valuesHash: 'h',
    });
    expect(entry?.targets).toEqual(['a', 'b', 'city']);
    expect(entry?.lists).toEqual(lists('VIP', 'New'));
  });

  it('has no lists of the user that the row was, where it is another one', () => {
    const held = anEntry({ userId: 'u1', lists: lists('VIP') });
    expect(after(held, anUpsert('u2', {}, silentOn('any')))?.lists).toEqual(lists());
  });
});

describe('the entry of a row whose calls are under way', () => {
  it('of a new row is in doubt, and removes nobody', () => {
    const entry = entryUnderWay(
      [aRowUpsert(anUpsert(A, { plan: 1 }, { lists: lists('VIP') }))],
      lists('VIP'),
    );
    expect(entry).toMatchObject({
      key: '[1]',
      email: A,
      valuesHash: '',
      lists: lists('VIP'),
      origin: 'enrich',
      seen: 2,
    });
    expect(entryUnderWay([], lists())).toBeUndefined();
  });

  it('keeps what was there, and adds all that the calls may bring', () => {
    const held = anEntry({ email: A, targets: ['b', 'gone'], lists: lists('VIP', 'Old'), values: { b: 1 } });
    const stream = aStream(mapped(['a', 'b']));
    const change = anUpsert(B, { userId: 'u1', a: 1 }, { lists: lists('VIP', 'New') });
    expect(entryUnderWay([aRowUpsert(change, { held, stream })], lists('New', '-Old'))).toEqual({
      ...held,
      userId: 'u1',
      valuesHash: '',
      targets: ['a', 'b', 'gone', 'userId'],
      lists: lists('VIP', '-Old', 'New'),
      seen: 2,
    });
  });

  it('goes by the identities that it had, and gains those that it lacked', () => {
    const held = anEntry({ userId: 'u1' });
    expect(entryUnderWay([aRowUpsert(anUpsert('u1', { email: B }), { held })], undefined)).toMatchObject({
      userId: 'u1',
      email: B,
    });
    const both = anEntry({ userId: 'u1', email: A });
    expect(
      entryUnderWay([aRowUpsert(anUpsert(B, { userId: 'u2' }), { held: both })], undefined),
    ).toMatchObject({
      userId: 'u1',
      email: A,
    });
  });
});

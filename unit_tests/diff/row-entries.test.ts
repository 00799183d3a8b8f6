import { describe, expect, it } from '@jest/globals';
import type { HeldEntry } from '../../src/ledger/ledger.ts';
import { entryAfter, entryInFlight } from '../../src/diff/row.ts';
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
  const after = (entry: HeldEntry | undefined, ...changes: Upsert[]) =>
    entryAfter({ records: changes.map((change) => aRowUpsert(change, { entry })), valuesHash: 'h' });

  it('has the row’s key, its snapshot and what was sent', () => {
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
      conditions: stream.conditions,
      seen: 7,
    });
    expect(entryAfter({ records: [], valuesHash: 'h' })).toBeUndefined();
  });

  it('says whether the connector may have created its user', () => {
    const origins = (['sync', 'additive', 'enrich'] as const).map(
      (mode) =>
        entryAfter({ records: [aRowUpsert(anUpsert(A), { stream: aStream({ mode }) })], valuesHash: 'h' })
          ?.origin,
    );
    expect(origins).toEqual(['upsert', 'upsert', 'enrich']);
  });

  it('does not say so because the user was in the input, or its lists changed', () => {
    const records = [aRowUpsert(anUpsert(A), { entry: anEntry({ email: A, origin: 'enrich' }) })];
    const originOf = (keepsOrigin: boolean) => entryAfter({ records, valuesHash: 'h', keepsOrigin })?.origin;
    expect([originOf(true), originOf(false)]).toEqual(['enrich', 'upsert']);
  });

  it.each<[string, HeldEntry | undefined, Upsert[], object]>([
    [
      'keeps the id that the record lacks',
      anEntry({ email: A, userId: 'u1' }),
      [anUpsert(A)],
      { email: A, userId: 'u1' },
    ],
    [
      'keeps it with a new address, too',
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
      'has an identity that any of the merged records has',
      undefined,
      [anUpsert(A, { userId: 'u1' }), anUpsert(A)],
      { email: A, userId: 'u1' },
    ],
    [
      'has the identities of the last of the merged records: last write wins',
      undefined,
      [anUpsert(A, { userId: 'u1' }), anUpsert(B, { userId: null })],
      { email: B },
    ],
  ])('%s', (_name, before, changes, identities) => {
    const { email, userId } = after(before, ...changes) ?? {};
    expect({ email, userId }).toEqual({ email: undefined, userId: undefined, ...identities });
  });

  it('has the lists and targets of all records, and of the entry before where they say nothing', () => {
    const before = anEntry({ email: A, targets: ['city', 'gone'], lists: lists('VIP') });
    const stream = aStream(mapped(['a', 'b', 'city']));
    const changes = [
      anUpsert(A, { b: 1 }, { lists: lists('New'), ...silentOn('any') }),
      anUpsert(A, { a: 1 }, silentOn(['New', 'VIP'])),
    ];
    const entry = entryAfter({
      records: changes.map((change) => aRowUpsert(change, { entry: before, stream })),
      valuesHash: 'h',
    });
    expect(entry?.targets).toEqual(['a', 'b', 'city']);
    expect(entry?.lists).toEqual(lists('VIP', 'New'));
  });

  it('has none of the lists of the previous user, where the row names another one', () => {
    const before = anEntry({ userId: 'u1', lists: lists('VIP') });
    expect(after(before, anUpsert('u2', {}, silentOn('any')))?.lists).toEqual(lists());
  });
});

describe('the entry of a row whose calls are in flight', () => {
  it('of a new row is unconfirmed, and lets nobody be removed', () => {
    const entry = entryInFlight(
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
    expect(entryInFlight([], lists())).toBeUndefined();
  });

  it('keeps what was there, and adds all that the calls may write', () => {
    const before = anEntry({
      email: A,
      targets: ['b', 'gone'],
      lists: lists('VIP', 'Old'),
      values: { b: 1 },
    });
    const stream = aStream(mapped(['a', 'b']));
    const change = anUpsert(B, { userId: 'u1', a: 1 }, { lists: lists('VIP', 'New') });
    expect(entryInFlight([aRowUpsert(change, { entry: before, stream })], lists('New', '-Old'))).toEqual({
      ...before,
      named: { email: B, userId: 'u1' },
      valuesHash: '',
      targets: ['a', 'b', 'gone', 'userId'],
      lists: lists('VIP', '-Old', 'New'),
      seen: 2,
    });
  });

  it('keeps the identities that it had, and names those of the record besides', () => {
    const before = anEntry({ userId: 'u1' });
    expect(
      entryInFlight([aRowUpsert(anUpsert('u1', { email: B }), { entry: before })], undefined),
    ).toMatchObject({
      userId: 'u1',
      named: { email: B },
    });
    const both = anEntry({ userId: 'u1', email: A });
    expect(
      entryInFlight([aRowUpsert(anUpsert(B, { userId: 'u2' }), { entry: both })], undefined),
    ).toMatchObject({
      userId: 'u1',
      email: A,
      named: { email: B, userId: 'u2' },
    });
  });
});

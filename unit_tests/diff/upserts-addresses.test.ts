import { describe, expect, it } from '@jest/globals';
import type { HeldEntry } from '../../src/ledger/ledger.ts';
import type { ProjectType } from '../../src/mapping/options.ts';
import { rowKey } from '../../src/diff/row.ts';
import { asksOthers, decide, draft, type Decision } from '../../src/diff/upserts.ts';
import type { Upsert } from '../../src/model.ts';
import {
  anEntry,
  anUpsert,
  aRowWork,
  aStream,
  IN_DOUBT,
  keyOf,
  lists,
  mapped,
  OWN_STREAM,
  TO_BE_REMOVED,
} from '../support/rows.ts';

const OLD = 'old@x.com';
const NEW = 'new@x.com';
const OTHER = 'other@x.com';
const PLAN = { plan: 'gold' };
const ANOTHER_STREAM = OWN_STREAM + 1;

interface Case {
  readonly record: Upsert;
  /** What the ledger holds of the record's row. */
  readonly held?: HeldEntry;
  /** What it holds of others that have an address or id of the user. */
  readonly others?: readonly HeldEntry[];
  readonly project?: ProjectType;
  readonly targets?: readonly string[];
}

function decided({ record, held, others = [], project = 'hybrid', targets }: Case): Decision | undefined {
  const work = aRowWork([record], { held, stream: aStream(targets ? mapped(targets) : {}) });
  const drafted = draft(work, project);
  if (!drafted || !asksOthers(drafted)) return drafted;
  return decide(drafted, others, work);
}

const moving = (values = {}) => anUpsert(NEW, values, { previousEmail: OLD });

describe('the address that a user had before', () => {
  it.each<[string, Case, string | undefined]>([
    ['is the column’s for a new row', { record: moving() }, OLD],
    ['is not there where neither column nor ledger has one', { record: anUpsert(NEW) }, undefined],
    ['is the ledger’s', { record: anUpsert(NEW), held: anEntry({ email: OLD }) }, OLD],
    [
      'is the ledger’s, whatever the column says',
      { record: moving(), held: anEntry({ email: OTHER }) },
      OTHER,
    ],
    [
      'is past where the profile has the new one already',
      { record: moving(), held: anEntry({ email: NEW }) },
      undefined,
    ],
    [
      'is the column’s where a run ended in the middle of the move',
      { record: moving(), held: anEntry({ email: NEW, ...IN_DOUBT }) },
      OLD,
    ],
    [
      'is the column’s where the user was about to be removed',
      { record: moving(), held: anEntry({ email: NEW, ...TO_BE_REMOVED }) },
      OLD,
    ],
    [
      'is the column’s where the ledger has only an id',
      { record: moving(), held: anEntry({ userId: 'u1' }) },
      OLD,
    ],
    [
      'is no matter where the id leads to the profile',
      { record: anUpsert('u1', { email: NEW }), held: anEntry({ userId: 'u1', email: OLD }) },
      undefined,
    ],
    [
      'is no matter on a project of user ids',
      {
        record: anUpsert('u1', { email: NEW }),
        held: anEntry({ userId: 'u1', email: OLD }),
        project: 'user_id',
      },
      undefined,
    ],
    [
      'counts for an address on a hybrid project though an id changes, too',
      { record: anUpsert(NEW, { userId: 'u2' }), held: anEntry({ userId: 'u1', email: OLD }) },
      OLD,
    ],
    [
      'counts on a project of addresses, though the id identifies',
      {
        record: anUpsert('u1', { email: NEW }),
        held: anEntry({ userId: 'u1', email: OLD }),
        project: 'email',
      },
      OLD,
    ],
    [
      'is another user’s where the id is another one',
      {
        record: anUpsert('u2', { email: NEW }),
        held: anEntry({ userId: 'u1', email: OLD }),
        project: 'email',
      },
      undefined,
    ],
    [
      'is another user’s in doubt as well, where the id is another one',
      {
        record: anUpsert('u2', { email: NEW }, { previousEmail: OLD }),
        held: anEntry({ userId: 'u1', email: NEW, ...IN_DOUBT }),
        project: 'email',
      },
      undefined,
    ],
    [
      'stays where the record has no address',
      { record: anUpsert('u1'), held: anEntry({ userId: 'u1', email: OLD }), project: 'email' },
      undefined,
    ],
    [
      'stays where the record clears the address',
      {
        record: anUpsert('u1', { email: null }),
        held: anEntry({ userId: 'u1', email: OLD }),
        project: 'email',
      },
      undefined,
    ],
  ])('%s', (_name, given, expected) => {
    expect(decided(given)?.change.previousEmail).toBe(expected);
  });
});

describe('a profile', () => {
  it.each<[string, readonly HeldEntry[], boolean]>([
    ['moves where nothing else holds its address', [], true],
    ['moves where others hold other addresses', [anEntry({ key: '[2]', email: OTHER })], true],
    ['moves where another row holds its new address', [anEntry({ key: '[2]', email: NEW })], true],
    ['stays where another row claims its address', [anEntry({ key: '[2]', email: OLD })], false],
    ['stays where another stream claims it', [anEntry({ stream: ANOTHER_STREAM, email: OLD })], false],
    [
      'stays where a row of another stream has it for its key',
      [anEntry({ stream: ANOTHER_STREAM, key: `email:${OLD}`, email: OLD })],
      false,
    ],
  ])('%s', (_name, others, moves) => {
    const decision = decided({ record: anUpsert(NEW, PLAN), held: anEntry({ email: OLD }), others });
    expect(decision?.kind).toBe('write');
    expect(decision?.change.previousEmail).toBe(moves ? OLD : undefined);
    expect(decision?.change.key).toEqual(keyOf(NEW));
    expect([decision?.former, decision?.changeAfterMove]).toEqual([undefined, undefined]);
  });
});

describe('where rows go by their address, an entry at the previous address', () => {
  const FORMER = anEntry({
    key: `email:${OLD}`,
    email: OLD,
    targets: ['city', 'plan'],
    lists: lists('VIP', 'Old', '-Never'),
  });
  const RECORD = anUpsert(NEW, PLAN, { previousEmail: OLD, lists: lists('VIP', 'New') });
  const PLAIN = { kind: 'write', change: { ...RECORD } };

  it('is the row’s own: the profile moves, and leaves what only that entry stands for', () => {
    const decision = decided({ record: RECORD, others: [FORMER], targets: ['plan'] });
    expect(decision).toEqual({
      ...PLAIN,
      former: [FORMER],
      changeAfterMove: {
        ...RECORD,
        values: { plan: 'gold', city: null },
        lists: lists('VIP', 'New', '-Old'),
      },
    });
  });

  it('is found by the hash of an address that is too long for a key', () => {
    const previousEmail = `${'o'.repeat(600)}@x.com`;
    const key = rowKey(undefined, keyOf(previousEmail)) ?? '';
    expect(key).toContain('hash:');
    const former = anEntry({ key, email: previousEmail });
    expect(decided({ record: anUpsert(NEW, {}, { previousEmail }), others: [former] })?.former).toEqual([
      former,
    ]);
  });

  it('keeps the lists that another row of the user names, by its new address', () => {
    const others = [FORMER, anEntry({ key: '[2]', email: NEW, lists: lists('Old') })];
    expect(decided({ record: RECORD, others })?.changeAfterMove?.lists).toEqual(lists('VIP', 'New'));
  });

  it('is another user’s where another row claims the address, too', () => {
    const others = [FORMER, anEntry({ key: '[2]', email: OLD })];
    const change = anUpsert(NEW, PLAN, { lists: lists('VIP', 'New') });
    expect(decided({ record: RECORD, others })).toEqual({ kind: 'write', change });
  });

  it('says nothing where the record names no previous address', () => {
    const record = anUpsert(NEW, {}, { lists: lists('-VIP') });
    expect(decided({ record, others: [FORMER] })).toEqual({ kind: 'write', change: record });
  });

  it('in doubt leaves all of its lists that the record does not name, and those that it names anew', () => {
    const others = [{ ...FORMER, ...IN_DOUBT }];
    const { changeAfterMove } = decided({ record: RECORD, others }) ?? {};
    expect(changeAfterMove?.lists).toEqual(lists('VIP', 'New', '-Old', '-Never'));
  });
});

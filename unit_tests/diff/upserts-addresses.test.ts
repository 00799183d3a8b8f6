import { describe, expect, it } from '@jest/globals';
import type { HeldEntry } from '../../src/ledger/ledger.ts';
import type { ProjectType } from '../../src/mapping/options.ts';
import { holdOf, rowKey } from '../../src/diff/row.ts';
import { asksOthers, decide, draft, type Decision } from '../../src/diff/upserts.ts';
import type { Upsert } from '../../src/model.ts';
import {
  anEntry,
  anUpsert,
  aRowTask,
  aStream,
  UNCONFIRMED,
  keyOf,
  lists,
  mapped,
  OWN_STREAM,
  PENDING_DELETION,
} from '../support/rows.ts';

const OLD = 'old@x.com';
const NEW = 'new@x.com';
const OTHER = 'other@x.com';
const PLAN = { plan: 'gold' };
const ANOTHER_STREAM = OWN_STREAM + 1;

interface Case {
  readonly record: Upsert;
  /** The entry of the record's row. */
  readonly entry?: HeldEntry;
  /** Those of others that have an address or id of the user. */
  readonly others?: readonly HeldEntry[];
  readonly project?: ProjectType;
  readonly targets?: readonly string[];
}

function decided({ record, entry, others = [], project = 'hybrid', targets }: Case): Decision | undefined {
  const task = aRowTask([record], { entry, stream: aStream(targets ? mapped(targets) : {}) });
  const drafted = draft(task, project);
  if (!drafted || !asksOthers(drafted)) return drafted;
  return decide(drafted, others, task);
}

const moving = (values = {}) => anUpsert(NEW, values, { previousEmail: OLD });

describe('the address that a user had before', () => {
  it.each<[string, Case, string | undefined]>([
    ['is the column’s for a new row', { record: moving() }, OLD],
    ['is unknown where neither column nor ledger has one', { record: anUpsert(NEW) }, undefined],
    ['is the ledger’s', { record: anUpsert(NEW), entry: anEntry({ email: OLD }) }, OLD],
    [
      'is the ledger’s, whatever the column says',
      { record: moving(), entry: anEntry({ email: OTHER }) },
      OTHER,
    ],
    [
      'is none where the profile has the new one already',
      { record: moving(), entry: anEntry({ email: NEW }) },
      undefined,
    ],
    [
      'is the column’s where a run ended in the middle of the move',
      { record: moving(), entry: anEntry({ email: NEW, ...UNCONFIRMED }) },
      OLD,
    ],
    [
      'is the column’s where the row is a pending deletion',
      { record: moving(), entry: anEntry({ email: NEW, ...PENDING_DELETION }) },
      OLD,
    ],
    [
      'is the column’s where the ledger has only an id',
      { record: moving(), entry: anEntry({ userId: 'u1' }) },
      OLD,
    ],
    [
      'does not matter where the id leads to the profile',
      { record: anUpsert('u1', { email: NEW }), entry: anEntry({ userId: 'u1', email: OLD }) },
      undefined,
    ],
    [
      'does not matter in a project based on user ids',
      {
        record: anUpsert('u1', { email: NEW }),
        entry: anEntry({ userId: 'u1', email: OLD }),
        project: 'user_id',
      },
      undefined,
    ],
    [
      'is the ledger’s in a hybrid project though an id changes, too',
      { record: anUpsert(NEW, { userId: 'u2' }), entry: anEntry({ userId: 'u1', email: OLD }) },
      OLD,
    ],
    [
      'is the ledger’s in an email-based project, though the id identifies',
      {
        record: anUpsert('u1', { email: NEW }),
        entry: anEntry({ userId: 'u1', email: OLD }),
        project: 'email',
      },
      OLD,
    ],
    [
      'is another user’s where the id is another one',
      {
        record: anUpsert('u2', { email: NEW }),
        entry: anEntry({ userId: 'u1', email: OLD }),
        project: 'email',
      },
      undefined,
    ],
    [
      'is another user’s where the id is another one and the row is unconfirmed, too',
      {
        record: anUpsert('u2', { email: NEW }, { previousEmail: OLD }),
        entry: anEntry({ userId: 'u1', email: NEW, ...UNCONFIRMED }),
        project: 'email',
      },
      undefined,
    ],
    [
      'is kept where the record has no address',
      { record: anUpsert('u1'), entry: anEntry({ userId: 'u1', email: OLD }), project: 'email' },
      undefined,
    ],
    [
      'is kept where the record clears the address',
      {
        record: anUpsert('u1', { email: null }),
        entry: anEntry({ userId: 'u1', email: OLD }),
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
    ['moves where no other row has its address', [], true],
    ['moves where others have other addresses', [anEntry({ key: '[2]', email: OTHER })], true],
    ['moves where another row has its new address', [anEntry({ key: '[2]', email: NEW })], true],
    ['stays where another row claims its address', [anEntry({ key: '[2]', email: OLD })], false],
    [
      'moves where only the hold claims it that a row left behind, which is another user now',
      [anEntry({ ...holdOf({ email: OLD }, aStream()), isPendingDeletion: false })],
      true,
    ],
    ['stays where another stream claims it', [anEntry({ stream: ANOTHER_STREAM, email: OLD })], false],
    [
      'stays where a row of another stream has the address as its key',
      [anEntry({ stream: ANOTHER_STREAM, key: `email:${OLD}`, email: OLD })],
      false,
    ],
  ])('%s', (_name, others, moves) => {
    const decision = decided({ record: anUpsert(NEW, PLAN), entry: anEntry({ email: OLD }), others });
    expect(decision?.kind).toBe('write');
    expect(decision?.change.previousEmail).toBe(moves ? OLD : undefined);
    expect(decision?.change.key).toEqual(keyOf(NEW));
    expect([decision?.previousEntries, decision?.changeAfterMove]).toEqual([undefined, undefined]);
  });
});

describe('where the address is the row’s key, the entry of the previous address', () => {
  const PREVIOUS = anEntry({
    key: `email:${OLD}`,
    email: OLD,
    targets: ['city', 'plan'],
    lists: lists('VIP', 'Old', '-Never'),
  });
  const RECORD = anUpsert(NEW, PLAN, { previousEmail: OLD, lists: lists('VIP', 'New') });
  const PLAIN = { kind: 'write', change: { ...RECORD } };

  it('is the row’s own: the profile moves, and leaves what only that entry stands for', () => {
    const decision = decided({ record: RECORD, others: [PREVIOUS], targets: ['plan'] });
    expect(decision).toEqual({
      ...PLAIN,
      previousEntries: [PREVIOUS],
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
    const previous = anEntry({ key, email: previousEmail });
    const decision = decided({ record: anUpsert(NEW, {}, { previousEmail }), others: [previous] });
    expect(decision?.previousEntries).toEqual([previous]);
  });

  it('keeps its lists that another row of the new address names', () => {
    const others = [PREVIOUS, anEntry({ key: '[2]', email: NEW, lists: lists('Old') })];
    expect(decided({ record: RECORD, others })?.changeAfterMove?.lists).toEqual(lists('VIP', 'New'));
  });

  it('is another user’s where another row claims the address, too', () => {
    const others = [PREVIOUS, anEntry({ key: '[2]', email: OLD })];
    const change = anUpsert(NEW, PLAN, { lists: lists('VIP', 'New') });
    expect(decided({ record: RECORD, others })).toEqual({ kind: 'write', change });
  });

  it('does not matter where the record names no previous address', () => {
    const record = anUpsert(NEW, {}, { lists: lists('-VIP') });
    expect(decided({ record, others: [PREVIOUS] })).toEqual({ kind: 'write', change: record });
  });

  it('makes the user join all lists that the record names and leave all others of its own, where it is unconfirmed', () => {
    const others = [{ ...PREVIOUS, ...UNCONFIRMED }];
    const { changeAfterMove } = decided({ record: RECORD, others }) ?? {};
    expect(changeAfterMove?.lists).toEqual(lists('VIP', 'New', '-Old', '-Never'));
  });
});

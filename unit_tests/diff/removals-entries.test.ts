import { describe, expect, it } from '@jest/globals';
import type { HeldEntry } from '../../src/ledger/ledger.ts';
import { decideRemoval } from '../../src/diff/removals.ts';
import type { Removal } from '../../src/model.ts';
import { anEntry, UNCONFIRMED, keyOf, lists, OWN_STREAM } from '../support/rows.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const BY_ROW: Removal = { kind: 'removal', identifiedBy: 'email' };
const NAMES_A: Removal = { ...BY_ROW, email: A };
const NAMES_B: Removal = { ...BY_ROW, email: B };
const OWN = anEntry({ email: A, userId: 'u1', lists: lists('VIP', 'Old', '-Never') });
const SAME_STREAM = anEntry({ key: '[2]', email: A, lists: lists('VIP', 'New') });
const ELSEWHERE = anEntry({ stream: OWN_STREAM + 1, key: '[9]', email: A, lists: lists('VIP', '-Old') });

function decided(removal: Removal, entry: HeldEntry | undefined, ...others: HeldEntry[]) {
  return decideRemoval({
    removal,
    held: entry,
    others,
    isKeyless: entry === undefined,
    streamId: OWN_STREAM,
    projectType: 'hybrid',
  });
}

describe('a user who is removed', () => {
  it('leaves the lists that the record names, and all on which its entries have it', () => {
    const removal = { ...NAMES_A, lists: ['All', 'Old'] };
    expect(decided(removal, OWN).removals[0]?.lists).toEqual(['All', 'Old', 'VIP']);
    expect(decided(removal, undefined, SAME_STREAM).removals[0]?.lists).toEqual(['All', 'Old', 'VIP', 'New']);
  });

  it.each<[string, Removal, HeldEntry | undefined, HeldEntry[], string[]]>([
    ['has no other identities where the record names both', { ...NAMES_A, userId: 'u1' }, OWN, [], []],
    ['has the id of its row', NAMES_A, OWN, [], ['u1']],
    [
      'has the id of another row of its stream',
      NAMES_A,
      undefined,
      [{ ...SAME_STREAM, userId: 'u2' }],
      ['u2'],
    ],
    ['has the address of its row', { ...BY_ROW, userId: 'u1' }, OWN, [], [A]],
    ['has none where the ledger has none', NAMES_A, undefined, [], []],
  ])('%s', (_name, removal, entry, others, expected) => {
    expect(decided(removal, entry, ...others).removals[0]?.alsoKnownAs).toEqual(expected.map(keyOf));
  });

  it.each<[string, HeldEntry | undefined, HeldEntry[], boolean]>([
    ['is in Iterable where it was exported', OWN, [], true],
    ['is in Iterable where another row exported it', undefined, [SAME_STREAM], true],
    ['may not be in Iterable where nothing is known of it', undefined, [], false],
    ['may not be in Iterable where its entry is unconfirmed', { ...OWN, ...UNCONFIRMED }, [], false],
    [
      'is in Iterable where one of two entries is confirmed',
      undefined,
      [{ ...SAME_STREAM, ...UNCONFIRMED }, SAME_STREAM],
      true,
    ],
  ])('%s', (_name, entry, others, expected) => {
    expect(decided(NAMES_A, entry, ...others).removals[0]?.isExported).toBe(expected);
  });

  it('is named as the entry has it, where the record names nobody', () => {
    expect(decided({ ...BY_ROW, identifiedBy: 'userId', lists: ['All'] }, OWN).removals).toEqual([
      {
        kind: 'removal',
        identifiedBy: 'userId',
        email: A,
        userId: 'u1',
        lists: ['All', 'VIP', 'Old'],
        alsoKnownAs: [],
        isExported: true,
      },
    ]);
  });

  it('and the previous user of the row each leave their own lists, where the record names another one', () => {
    const { removals } = decided({ ...NAMES_B, lists: ['All'] }, OWN);
    expect(removals).toEqual([
      { ...NAMES_B, lists: ['All'], alsoKnownAs: [], isExported: false },
      {
        ...NAMES_A,
        userId: 'u1',
        lists: ['All', 'VIP', 'Old'],
        alsoKnownAs: [],
        isExported: true,
      },
    ]);
  });
});

it('rows that hold a user who stays are sent again', () => {
  expect(decided(NAMES_A, OWN, SAME_STREAM, ELSEWHERE)).toMatchObject({
    removals: [],
    stale: [SAME_STREAM, ELSEWHERE],
  });
  expect(decided(NAMES_A, OWN).stale).toEqual([]);
});

describe('the user of the row, where it is not removed', () => {
  it.each<[string, Removal, HeldEntry[], readonly string[] | undefined]>([
    ['leaves the lists that only the row named', NAMES_A, [ELSEWHERE], ['Old']],
    ['leaves them where the record names only its row', BY_ROW, [ELSEWHERE], ['Old']],
    ['leaves them where the record names another user', NAMES_B, [ELSEWHERE], ['Old']],
    ['leaves none that another row of the stream names', NAMES_B, [SAME_STREAM], ['Old']],
    [
      'leaves none where others name all of them',
      NAMES_A,
      [{ ...ELSEWHERE, lists: lists('VIP', 'Old') }],
      undefined,
    ],
    [
      'leaves those that an entry names which stands for another user, though its last record named this one',
      NAMES_A,
      [{ ...ELSEWHERE, email: B, named: { email: A } }],
      ['VIP', 'Old'],
    ],
    [
      'leaves those that others name for another user',
      NAMES_B,
      [
        { ...ELSEWHERE, lists: lists() },
        { ...ELSEWHERE, key: '[8]', email: B, lists: lists('VIP') },
      ],
      ['VIP', 'Old'],
    ],
  ])('%s', (_name, removal, others, expected) => {
    expect(decided(removal, OWN, ...others).leaves[0]?.lists).toEqual(expected);
  });

  it('is named as its entry has it', () => {
    expect(decided(NAMES_B, OWN, ELSEWHERE).leaves).toEqual([{ ...NAMES_A, userId: 'u1', lists: ['Old'] }]);
  });

  it('leaves nothing where the record has no row', () => {
    expect(decided(NAMES_A, undefined, ELSEWHERE).leaves).toEqual([]);
  });

  it('leaves nothing by itself where it is removed', () => {
    expect(decided(NAMES_A, OWN).leaves).toEqual([]);
  });
});

describe('the entries that end', () => {
  it.each<[string, Removal, HeldEntry | undefined, HeldEntry[], HeldEntry[]]>([
    ['are none where nothing is known', NAMES_A, undefined, [], []],
    ['are that of the row', NAMES_A, OWN, [], [OWN]],
    [
      'are those of its stream that have the user, where the record lacks its key',
      NAMES_A,
      undefined,
      [SAME_STREAM, ELSEWHERE],
      [SAME_STREAM],
    ],
    ['are not those of other rows', NAMES_A, OWN, [SAME_STREAM], [OWN]],
    ['are that of the row alone where the user is not removed', NAMES_A, OWN, [ELSEWHERE], [OWN]],
    ['are not those of its stream that have a user who is not removed', NAMES_B, OWN, [SAME_STREAM], [OWN]],
    ['are none where no row is known and the user is not removed', NAMES_A, undefined, [ELSEWHERE], []],
  ])('%s', (_name, removal, entry, others, expected) => {
    expect(decided(removal, entry, ...others).gone).toEqual(expected);
  });
});

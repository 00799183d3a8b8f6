import { describe, expect, it } from '@jest/globals';
import {
  membershipChanges,
  membershipsAfter,
  membershipsAfterAll,
  membershipsAnew,
} from '../../src/diff/lists.ts';
import type { ListMemberships, Upsert } from '../../src/model.ts';
import { lists, silentOn } from '../support/rows.ts';

type Said = Pick<Upsert, 'lists'> & ReturnType<typeof silentOn>;

const says = (...names: string[]): Said => ({ lists: lists(...names) });
const saysNothingOf = (which: readonly string[] | 'any', ...names: string[]): Said => ({
  ...silentOn(which),
  ...says(...names),
});

describe('the memberships after a record', () => {
  it.each<[string, ListMemberships, Said, ListMemberships]>([
    ['are what the record says', lists(), says('VIP', '-Old'), lists('VIP', '-Old')],
    ['are none where there are no rules', lists('VIP'), {}, lists()],
    ['lose what the record no longer names', lists('VIP', '-Old'), says('New'), lists('New')],
    ['keep those of which it says nothing', lists('VIP', '-Old'), saysNothingOf(['VIP']), lists('VIP')],
    [
      'keep all where it may say nothing of any',
      lists('VIP', '-Old'),
      saysNothingOf('any'),
      lists('VIP', '-Old'),
    ],
    [
      'are what the record says of one that it names all the same',
      lists('VIP'),
      saysNothingOf('any', '-VIP'),
      lists('-VIP'),
    ],
    ['keep a name that an old entry has with blanks', lists(' VIP'), saysNothingOf(['VIP']), lists(' VIP')],
    ['gain nothing of which the record says nothing', lists(), saysNothingOf(['VIP']), lists()],
  ])('%s', (_name, before, record, expected) => {
    expect(membershipsAfter(before, record)).toEqual(expected);
  });

  it('follow from each record in order', () => {
    const records = [says('VIP', 'Old'), saysNothingOf(['VIP'], '-Old'), saysNothingOf('any', 'New')];
    expect(membershipsAfterAll(lists('Gone'), records)).toEqual(lists('VIP', '-Old', 'New'));
    expect(membershipsAfterAll(lists('Gone'), [])).toEqual(lists('Gone'));
  });
});

describe('the memberships to change', () => {
  it.each<[string, ListMemberships, ListMemberships, ListMemberships]>([
    ['are none where nothing changed', lists('VIP', '-Old'), lists('VIP', '-Old'), lists()],
    ['are those that are new, on or off', lists(), lists('VIP', '-Old'), lists('VIP', '-Old')],
    ['are those that changed', lists('VIP', '-Old'), lists('-VIP', 'Old'), lists('-VIP', 'Old')],
    ['are those that are no longer named', lists('VIP'), lists(), lists('-VIP')],
    ['are not those off which the user was', lists('-VIP'), lists(), lists()],
    [
      'join a name that was written with blanks before, and do not leave it',
      lists(' VIP'),
      lists('VIP'),
      lists('VIP'),
    ],
    ['leave a name with blanks that is off now', lists(' VIP'), lists('-VIP'), lists('- VIP', '-VIP')],
  ])('%s', (_name, before, after, expected) => {
    expect(membershipChanges(before, after)).toEqual(expected);
  });

  it.each<[string, ListMemberships, readonly Said[], ListMemberships]>([
    ['are all that the record names', lists('VIP'), [says('VIP', '-Old')], lists('VIP', '-Old')],
    ['are all others, off', lists('VIP', '-Old'), [says()], lists('-VIP', '-Old')],
    ['are none of which it says nothing', lists('VIP'), [saysNothingOf('any')], lists()],
    [
      'are those that any of the records names',
      lists(),
      [says('VIP'), saysNothingOf('any', 'New')],
      lists('VIP', 'New'),
    ],
    ['do not leave by an old name with blanks', lists(' VIP'), [says('VIP')], lists('VIP')],
  ])('of an unconfirmed row %s', (_name, before, records, expected) => {
    expect(membershipsAnew(before, membershipsAfterAll(before, records), records)).toEqual(expected);
  });
});

import { describe, expect, it } from '@jest/globals';
import { MembershipQueue, type CallLimits } from '../../../src/sync/lanes/membership-queue.ts';

/** Of users who are their names, and of changes that are theirs. */
type Queue = MembershipQueue<string, string>;

/** With these users, by their changes: they came in this order. */
function aQueue(users: Readonly<Record<string, string>> = {}): Queue {
  const queue: Queue = new MembershipQueue((change) => change);
  for (const [user, changes] of Object.entries(users)) queue.put(user, changes.split(' '), 0);
  return queue;
}

function groupOf(queue: Queue, name: string) {
  for (const group of queue.groups) if (group.change === name) return group;
  throw new Error(`There is no group ${name}`);
}

/** Each user has 10 bytes. */
function take(queue: Queue, name: string, limits: Partial<CallLimits<string>> = {}) {
  return queue.take(groupOf(queue, name), { maxUsers: 10, maxBytes: 1_000, bytesOf: () => 10, ...limits });
}

/** Who is in the call for the change. */
function names(...call: Parameters<typeof take>): string[] {
  return take(...call).map(({ item }) => item);
}

/** `VIP 1 of 2` where one of two users is free, for each group. */
function groups(queue: Queue): string[] {
  return [...queue.groups].map(({ change, free, users }) => `${change} ${free} of ${users.size}`);
}

describe('users who wait for changes of their memberships', () => {
  it('wait for all of their changes at once, by groups in the order they came', () => {
    const queue = aQueue({ a: 'VIP New', b: 'Old VIP', c: 'New' });
    expect(groups(queue)).toEqual(['VIP 2 of 2', 'New 2 of 2', 'Old 1 of 1']);
    expect([queue.users, queue.memberships]).toEqual([3, 5]);
  });

  it('have their groups, as they are put', () => {
    const queue = aQueue({ a: 'VIP' });
    expect(queue.put('b', ['Old', 'VIP'], 0)).toEqual([groupOf(queue, 'Old'), groupOf(queue, 'VIP')]);
  });

  it('wait once for a change that is named twice', () => {
    const queue = aQueue({ a: 'VIP New VIP' });
    expect([groups(queue), queue.memberships]).toEqual([['VIP 1 of 1', 'New 1 of 1'], 2]);
  });

  it('know since when they wait, and that no call carries them', () => {
    const queue = aQueue();
    const [group] = queue.put('a', ['VIP'], 70);
    expect([...(group?.users ?? [])]).toEqual([{ item: 'a', since: 70, left: [group], isInFlight: false }]);
  });
});

describe('a call', () => {
  it('takes users of its group in the order they came, as many as it may carry', () => {
    const queue = aQueue({ c: 'VIP', a: 'VIP', x: 'Old', b: 'VIP' });
    expect(names(queue, 'VIP', { maxUsers: 2 })).toEqual(['c', 'a']);
    expect(names(queue, 'VIP', { maxUsers: 2 })).toEqual(['b']);
  });

  it.each([
    ['as many as fit', 29, ['a', 'b']],
    ['those that just fit', 30, ['a', 'b', 'c']],
    ['one, however large', 3, ['a']],
  ])('takes no more bytes than it may carry: %s', (_name, maxBytes, expected) => {
    expect(names(aQueue({ a: 'VIP', b: 'VIP', c: 'VIP' }), 'VIP', { maxBytes })).toEqual(expected);
  });

  it('counts no bytes of users whom another call carries', () => {
    const queue = aQueue({ a: 'Old VIP', b: 'VIP', c: 'VIP' });
    take(queue, 'Old');
    expect(names(queue, 'VIP', { maxBytes: 20 })).toEqual(['b', 'c']);
  });

  it('takes no user whom another call carries', () => {
    const queue = aQueue({ a: 'VIP New', b: 'New', c: 'New Old' });
    expect(names(queue, 'VIP')).toEqual(['a']);
    expect(groups(queue)).toEqual(['VIP 0 of 1', 'New 2 of 3', 'Old 1 of 1']);
    expect(names(queue, 'New')).toEqual(['b', 'c']);
    expect(groups(queue)).toEqual(['VIP 0 of 1', 'New 0 of 3', 'Old 0 of 1']);
    expect(names(queue, 'New')).toEqual([]);
    expect([queue.users, queue.memberships]).toEqual([3, 5]);
  });
});

describe('a call that is answered', () => {
  it('frees its user for the other changes; the last one is known as the last', () => {
    const queue = aQueue({ a: 'VIP New Old' });
    const lasts: boolean[] = [];
    for (const name of ['New', 'VIP', 'Old']) {
      const group = groupOf(queue, name);
      for (const user of take(queue, name)) lasts.push(queue.made(user, group));
      expect(groups(queue).every((text) => text.endsWith('1 of 1'))).toBe(true);
    }
    expect([lasts, groups(queue), queue.users, queue.memberships]).toEqual([[false, false, true], [], 0, 0]); // prettier-ignore
  });

  it('leaves those of the group who were not in it', () => {
    const queue = aQueue({ a: 'VIP', b: 'VIP New' });
    const group = groupOf(queue, 'VIP');
    for (const user of take(queue, 'VIP', { maxUsers: 1 })) queue.made(user, group);
    expect(groups(queue)).toEqual(['VIP 1 of 1', 'New 1 of 1']);
    expect([queue.users, queue.memberships]).toEqual([1, 2]);
  });

  it('drops all changes of a user who was refused, and of no other', () => {
    const queue = aQueue({ a: 'VIP New Old', b: 'New' });
    for (const user of take(queue, 'VIP')) queue.refused(user);
    expect(groups(queue)).toEqual(['New 1 of 1']);
    expect([queue.users, queue.memberships]).toEqual([1, 1]);
    expect(names(queue, 'New')).toEqual(['b']);
  });

  it('ends a group that has no users any more: the next one for the change begins anew, as the last', () => {
    const queue = aQueue({ a: 'VIP', b: 'New' });
    const group = groupOf(queue, 'VIP');
    for (const user of take(queue, 'VIP')) queue.made(user, group);
    queue.put('c', ['VIP'], 0);
    expect(groups(queue)).toEqual(['New 1 of 1', 'VIP 1 of 1']);
    expect(groupOf(queue, 'VIP')).not.toBe(group);
  });
});

import { describe, expect, it } from '@jest/globals';
import { readText } from '../../src/batching/text-pages.ts';
import type { UserRequest } from '../../src/batching/user-request.ts';
import type { ListChange, ListMembers, UserListChange } from '../../src/delivery/list-members.ts';
import type { Rejection } from '../../src/model.ts';
import { ListLanes } from '../../src/sync/list-lanes.ts';
import { HandClock, settle } from '../support/hand-clock.ts';
import { keyOf } from '../support/rows.ts';

const REFUSED: Rejection = { code: 'refused', reason: 'no' };

type End = (refusing?: readonly string[]) => Promise<void>;

/** Calls of two users at most, each of which ends when the test says so. */
function someLanes({ preferUserId = false } = {}) {
  const clock = new HandClock();
  const calls: {
    readonly change: string;
    readonly users: string[];
    readonly end: End;
    readonly fail: (error: Error) => void;
  }[] = [];
  const changed: string[] = [];
  const failures: string[] = [];
  const members: Pick<ListMembers, 'change'> = {
    change: ({ list, isOn, onlyExisting }: UserListChange, users: readonly UserRequest[]) =>
      new Promise((resolve, reject) => {
        calls.push({
          change: `${isOn ? '+' : '-'}${list}${onlyExisting ? ' existing' : ''}`,
          users: users.map(readText),
          end: (refusing = []) => {
            const refused = users.filter((user) => refusing.includes(user.key.value));
            resolve(new Map(refused.map((user) => [user, REFUSED])));
            return settle();
          },
          fail: reject,
        });
      }),
  };
  const lanes = new ListLanes<string>({
    members: members as ListMembers,
    limits: { maxItems: 2, maxBytes: 10_000 },
    preferUserId,
    clock,
    maxWaitMs: 10_000,
    onChanged: (work, rejection) => changed.push(`${work} ${rejection?.code ?? 'ok'}`),
    onFailure: ({ message }) => failures.push(message),
    onDone: () => undefined,
  });
  /** `VIP` to go on the list, `-VIP` to leave it; the work is called as its user. */
  const put = (user: string, changes: readonly string[], onlyExisting = false) => {
    const all = changes.map((name): ListChange => ({
      list: name.replace('-', ''),
      isOn: !name.startsWith('-'),
    }));
    lanes.put(user, keyOf(user), all, { since: clock.now(), onlyExisting });
  };
  const sent = () => calls.map(({ change, users }) => [change, users.length]);
  return { lanes, clock, calls, changed, failures, put, sent };
}

describe('list changes', () => {
  it('go together by list and direction, full or when they have waited long enough', async () => {
    const { lanes, clock, put, sent } = someLanes();
    put('a@x', ['VIP']);
    put('b@x', ['-VIP']);
    put('c@x', ['Old']);
    put('d@x', ['VIP'], true);
    expect([sent(), lanes.size]).toEqual([[], 4]);
    put('e@x', ['VIP']);
    expect(sent()).toEqual([['+VIP', 2]]);
    await clock.advance(9_999);
    expect(sent()).toHaveLength(1);
    await clock.advance(1);
    expect(sent()).toEqual([['+VIP', 2], ['-VIP', 1], ['+Old', 1], ['+VIP existing', 1]]); // prettier-ignore
  });

  it('go at once when they are flushed', () => {
    const { lanes, put, sent } = someLanes();
    put('a@x', ['VIP']);
    lanes.flush();
    expect(sent()).toEqual([['+VIP', 1]]);
    expect([lanes.inFlight, lanes.busyBatches]).toEqual([1, 1]);
  });

  it('of one user go one after the other, and end with the last', async () => {
    const { lanes, calls, changed, put } = someLanes();
    put('a@x', ['VIP', '-Old']);
    lanes.flush();
    expect(calls).toHaveLength(1);
    await calls[0]?.end();
    expect([changed, lanes.size]).toEqual([[], 1]);
    lanes.flush();
    await calls[1]?.end();
    expect(calls.map(({ change }) => change).sort()).toEqual(['+VIP', '-Old']);
    expect([changed, lanes.size]).toEqual([['a@x ok'], 0]);
  });

  it('end with the first that is refused, for that user alone', async () => {
    const { lanes, calls, changed, put, sent } = someLanes();
    put('a@x', ['VIP', 'New']);
    put('b@x', ['VIP', 'New']);
    await calls[0]?.end(['a@x']);
    expect([changed, lanes.size]).toEqual([['a@x refused'], 1]);
    lanes.flush();
    expect(sent()).toEqual([['+VIP', 2], ['+New', 1]]); // prettier-ignore
  });

  it('are two calls at a time of one list and direction', async () => {
    const { lanes, calls, put } = someLanes();
    for (let n = 0; n < 6; n++) put(`${n}@x`, ['VIP']);
    expect([calls.length, lanes.inFlight, lanes.busyBatches]).toEqual([2, 2, 3]);
    await calls[0]?.end();
    expect(calls).toHaveLength(3);
  });

  it('end nothing where a call fails for good', async () => {
    const { lanes, calls, changed, failures, put } = someLanes();
    put('a@x', ['VIP']);
    lanes.flush();
    calls[0]?.fail(new Error('away'));
    await settle();
    expect([failures, changed, lanes.size, lanes.inFlight]).toEqual([['away'], [], 1, 0]);
  });

  it('stop: what is in flight ends, and nothing follows it', async () => {
    const { lanes, calls, changed, put, clock } = someLanes();
    put('a@x', ['VIP', 'New']);
    put('b@x', ['VIP']);
    put('c@x', ['VIP']);
    lanes.stop();
    await calls[0]?.end();
    await clock.advance(60_000);
    lanes.flush();
    expect([calls.length, changed]).toEqual([1, ['b@x ok']]);
  });

  it.each<[string, string, string, boolean, string]>([
    ['an address', 'a@x', 'VIP', false, '{"email":"a@x"}'],
    ['an id, which creates its user', 'u1', 'VIP', false, '{"userId":"u1","preferUserId":true}'],
    ['an id, where nobody may be created', 'u1', 'VIP', true, '{"userId":"u1"}'],
    ['an id that leaves a list', 'u1', '-VIP', false, '{"userId":"u1"}'],
  ])('name the user alone, on projects where ids create: %s', (_name, user, list, onlyExisting, expected) => {
    const { lanes, calls, put } = someLanes({ preferUserId: true });
    put(user, [list], onlyExisting);
    lanes.flush();
    expect(calls[0]?.users).toEqual([expected]);
  });

  it('name an id alone on other projects', () => {
    const { lanes, calls, put } = someLanes();
    put('u1', ['VIP']);
    lanes.flush();
    expect(calls[0]?.users).toEqual(['{"userId":"u1"}']);
  });
});

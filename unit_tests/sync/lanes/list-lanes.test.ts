import { describe, expect, it } from '@jest/globals';
import { readText } from '../../../src/batching/text-pages.ts';
import { Run } from '../../../src/run.ts';
import { ListLanes } from '../../../src/sync/lanes/list-lanes.ts';
import { HandClock, settle } from '../../support/hand-clock.ts';
import { keyOf } from '../../support/rows.ts';

/** Calls of two users at most, each of which ends when the test says so. */
function someLanes({ preferUserId = false } = {}) {
  const clock = new HandClock();
  const run = new Run(clock);
  const calls: {
    readonly change: string;
    readonly items: string[];
    readonly users: string[];
    readonly end: () => Promise<void>;
    readonly fail: (error: Error) => Promise<void>;
  }[] = [];
  const lanes = new ListLanes<string>({
    run,
    clock,
    limits: { maxItems: 2, maxBytes: 10_000 },
    preferUserId,
    maxWaitMs: 10_000,
    change: ({ list, isOn, onlyExisting }, batch) =>
      new Promise((resolve, reject) => {
        calls.push({
          change: `${isOn ? '+' : '-'}${list}${onlyExisting ? ' existing' : ''}`,
          items: [...batch.keys()],
          users: [...batch.values()].map(readText),
          end: () => {
            resolve();
            return settle();
          },
          fail: (error) => {
            reject(error);
            return settle();
          },
        });
      }),
  });
  /** `VIP` to go on the list, `-VIP` to leave it; the item is called as its user. */
  const put = (user: string, name: string, { onlyExisting = false, since = clock.now() } = {}) => {
    const change = { list: name.replace('-', ''), isOn: !name.startsWith('-'), onlyExisting };
    lanes.put(user, keyOf(user), change, since);
  };
  const sent = () => calls.map(({ change, users }) => [change, users.length]);
  return { lanes, clock, run, calls, put, sent };
}

describe('list changes', () => {
  it('go together by list and direction, full or when they have waited long enough', async () => {
    const { clock, put, sent, calls } = someLanes();
    put('a@x', 'VIP');
    put('b@x', '-VIP');
    put('c@x', 'Old');
    put('d@x', 'VIP', { onlyExisting: true });
    expect(sent()).toEqual([]);
    put('e@x', 'VIP');
    expect(sent()).toEqual([['+VIP', 2]]);
    expect(calls[0]?.items).toEqual(['a@x', 'e@x']);
    await clock.advance(9_999);
    expect(sent()).toHaveLength(1);
    await clock.advance(1);
    expect(sent()).toEqual([['+VIP', 2], ['-VIP', 1], ['+Old', 1], ['+VIP existing', 1]]); // prettier-ignore
  });

  it('wait no longer than counts from the first record of their user', async () => {
    const { clock, put, sent } = someLanes();
    put('a@x', 'VIP', { since: clock.now() - 8_000 });
    await clock.advance(1_999);
    expect(sent()).toEqual([]);
    await clock.advance(1);
    expect(sent()).toEqual([['+VIP', 1]]);
  });

  it('go at once when they are flushed', () => {
    const { lanes, put, sent } = someLanes();
    put('a@x', 'VIP');
    put('b@x', '-Old');
    lanes.flush();
    expect(sent()).toEqual([['+VIP', 1], ['-Old', 1]]); // prettier-ignore
    expect([lanes.inFlight, lanes.busyBatches]).toEqual([2, 2]);
  });

  it('are two calls at a time of one list and direction', async () => {
    const { lanes, calls, put } = someLanes();
    for (let n = 0; n < 6; n++) put(`${n}@x`, 'VIP');
    expect([calls.length, lanes.inFlight, lanes.busyBatches]).toEqual([2, 2, 3]);
    await calls[0]?.end();
    expect([calls.length, lanes.inFlight, lanes.busyBatches]).toEqual([3, 2, 2]);
  });

  it('fail the run where a call fails for good', async () => {
    const { lanes, run, calls, put } = someLanes();
    put('a@x', 'VIP');
    lanes.flush();
    await calls[0]?.fail(new Error('away'));
    expect([run.failure?.message, lanes.inFlight]).toEqual(['away', 0]);
  });

  it('are no longer made once the run is over; what is in flight ends', async () => {
    const { lanes, run, calls, put, clock } = someLanes();
    put('a@x', 'VIP');
    put('b@x', 'VIP');
    put('c@x', 'VIP');
    run.end();
    await calls[0]?.end();
    put('a@x', 'New');
    await clock.advance(60_000);
    lanes.flush();
    expect([calls.length, lanes.inFlight]).toEqual([1, 0]);
  });

  it.each<[string, string, string, boolean, string]>([
    ['an address', 'a@x', 'VIP', false, '{"email":"a@x"}'],
    ['an id, which creates its user', 'u1', 'VIP', false, '{"userId":"u1","preferUserId":true}'],
    ['an id, where no user may be created', 'u1', 'VIP', true, '{"userId":"u1"}'],
    ['an id that leaves a list', 'u1', '-VIP', false, '{"userId":"u1"}'],
  ])('name the user alone, on projects where ids create: %s', (_name, user, list, onlyExisting, expected) => {
    const { lanes, calls, put } = someLanes({ preferUserId: true });
    put(user, list, { onlyExisting });
    lanes.flush();
    expect(calls[0]?.users).toEqual([expected]);
  });

  it('name an id alone on other projects', () => {
    const { lanes, calls, put } = someLanes();
    put('u1', 'VIP');
    lanes.flush();
    expect(calls[0]?.users).toEqual(['{"userId":"u1"}']);
  });
});

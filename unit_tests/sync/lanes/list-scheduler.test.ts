import { describe, expect, it } from '@jest/globals';
import { settle } from '../../support/hand-clock.ts';
import { aScheduler } from '../../support/list-scheduler.ts';

describe('list changes', () => {
  it('go together by list and direction: a full call at once, others when they have waited long enough', async () => {
    const { clock, put, sent } = aScheduler();
    await put('a@x', 'VIP');
    await put('b@x', '-VIP');
    await put('c@x', 'Old');
    await put('d@x', 'VIP of existing');
    expect(sent).toEqual([]);
    await put('e@x', 'VIP');
    expect(sent).toEqual(['+VIP a@x e@x']);
    await clock.advance(39_999);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    expect(sent.slice(1).sort()).toEqual(['+Old c@x', '+VIP of existing d@x', '-VIP b@x']);
  });

  it('of one user all wait at once, and are made one after the other', async () => {
    const { put, sent, calls } = aScheduler();
    await put('a@x', 'VIP New -Old');
    await put('b@x', 'New');
    expect(sent).toEqual(['+New a@x b@x']);
    await put('c@x', 'VIP');
    await put('d@x', '-Old');
    expect(sent).toHaveLength(1);
    await calls[0]?.answer();
    // Calls that take users off lists are looked at first.
    expect(sent.slice(1)).toEqual(['-Old a@x d@x']);
    await calls[1]?.answer();
    expect(sent.slice(2)).toEqual(['+VIP a@x c@x']);
  });

  it('are made known one by one, and the last one of a user as the last', async () => {
    const { put, made, calls, scheduler } = aScheduler();
    await put('a@x', 'VIP New');
    await put('b@x', 'New');
    await calls[0]?.answer();
    expect([made, scheduler.memberships]).toEqual([['a@x +New', 'b@x +New, the last'], 1]);
    scheduler.flush();
    await settle();
    await calls[1]?.answer();
    expect([made.slice(2), scheduler.memberships]).toEqual([['a@x +VIP, the last'], 0]);
  });

  it('are dropped of a user who was refused, and of no other', async () => {
    const { put, made, sent, calls, scheduler } = aScheduler();
    await put('a@x', 'VIP New');
    await put('b@x', 'New VIP');
    await calls[0]?.answer('b@x');
    expect([made, scheduler.memberships]).toEqual([['a@x +VIP'], 1]);
    scheduler.flush();
    await settle();
    expect(sent).toEqual(['+VIP a@x b@x', '+New a@x']);
  });

  it('go while they fit into a call, by the longest that their texts can be', async () => {
    const { put, sent, calls, scheduler } = aScheduler({ maxBytes: 3 * 6 + 100 });
    await put('a@x', 'VIP');
    await put('b@x', 'VIP');
    scheduler.flush();
    await settle();
    expect(sent).toEqual(['+VIP a@x']);
    await calls[0]?.answer();
    expect(sent.slice(1)).toEqual(['+VIP b@x']);
  });

  it.each<[string, string, string, string]>([
    ['an address', 'a@x', 'VIP', '{"email":"a@x"}'],
    ['an id, which creates its user', 'u1', 'VIP', '{"userId":"u1","preferUserId":true}'],
    ['an id, where no user may be created', 'u1', 'VIP of existing', '{"userId":"u1"}'],
    ['an id that leaves a list', 'u1', '-VIP', '{"userId":"u1"}'],
  ])('name the user alone, on projects where ids create: %s', async (_name, user, list, expected) => {
    const { put, texts, scheduler } = aScheduler({ preferUserId: true });
    await put(user, list);
    scheduler.flush();
    await settle();
    expect(texts).toEqual([expected]);
  });

  it('name an id alone on other projects', async () => {
    const { put, texts } = aScheduler({ maxUsers: 1 });
    await put('u1', 'VIP');
    expect(texts).toEqual(['{"userId":"u1"}']);
  });
});

describe('users who wait for list calls', () => {
  it('wait no longer than counts from the first record', async () => {
    const { clock, put, sent } = aScheduler();
    await put('a@x', 'VIP', clock.now() - 8_000);
    await clock.advance(31_999);
    expect(sent).toEqual([]);
    await clock.advance(1);
    expect(sent).toEqual(['+VIP a@x']);
  });

  it('go together where they have waited elsewhere already', async () => {
    const { clock, put, sent } = aScheduler({ maxUsers: 3 });
    await put('a@x', 'VIP', clock.now() - 60_000);
    await clock.advance(30);
    await put('b@x', 'VIP', clock.now() - 70_000);
    await clock.advance(19);
    expect(sent).toEqual([]);
    await clock.advance(1);
    expect(sent).toEqual(['+VIP a@x b@x']);
  });

  it('are not held up by others who may wait', async () => {
    const { clock, put, sent } = aScheduler();
    await put('a@x', 'VIP');
    await clock.advance(25_000);
    await put('b@x', 'New', clock.now() - 60_000);
    await clock.advance(49);
    expect(sent).toEqual([]);
    await clock.advance(1);
    expect(sent).toEqual(['+New b@x']);
    await clock.advance(14_950);
    expect(sent).toEqual(['+New b@x', '+VIP a@x']);
  });

  it('go in time where calls for all lists take their time, the fullest first', async () => {
    const { clock, put, sent } = aScheduler({ rate: 1, maxUsers: 3 });
    for (const list of ['A', 'B', 'C']) await put(`${list}@x`, list);
    await put('d@x', 'C');
    await clock.advance(36_999);
    expect(sent).toEqual([]);
    await clock.advance(1);
    expect(sent).toEqual(['+C C@x d@x', '+A A@x', '+B B@x']);
  });

  it('go at once when so many wait that they take 15 seconds: the fullest call first, while that is so', async () => {
    const { put, sent, scheduler } = aScheduler({ rate: 0.1, maxUsers: 3 });
    await put('a@x', 'A');
    await put('b@x', 'B');
    await put('c@x', 'B');
    await put('d@x', 'A');
    expect([sent, scheduler.load]).toEqual([[], 4 / 3 / 0.1 / 20]);
    await put('e@x', 'C');
    expect(sent).toEqual(['+A a@x d@x', '+B b@x c@x', '+C e@x']);
  });
});

describe('the load of list calls', () => {
  it('is the share of 20 seconds that they take in the slower direction', async () => {
    const rates = { on: 5, off: 2 };
    const { scheduler, put, calls } = aScheduler({ rate: (isOn) => rates[isOn ? 'on' : 'off'] });
    expect(scheduler.load).toBe(0);
    await put('a@x', 'VIP -Old');
    await put('b@x', 'VIP');
    expect(scheduler.load).toBe(3 / 2 / 2 / 20);
    rates.on = 1;
    expect(scheduler.load).toBe(3 / 2 / 1 / 20);
    await calls[0]?.answer();
    expect(scheduler.load).toBe(1 / 2 / 1 / 20);
  });

  it('is the share of 250,000 users, however fast calls are', () => {
    const { scheduler, queue } = aScheduler({ maxUsers: 1_000_000 });
    for (let n = 0; n < 2_500; n++) queue(`${n}@x`, 'VIP New');
    expect(scheduler.load).toBe(0.01);
  });
});

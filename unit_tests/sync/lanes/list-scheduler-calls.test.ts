import { describe, expect, it } from '@jest/globals';
import { settle } from '../../support/hand-clock.ts';
import { aScheduler } from '../../support/list-scheduler.ts';

describe('list calls', () => {
  it('go at once when they are flushed, by direction', async () => {
    const { scheduler, put, sent } = aScheduler();
    await put('a@x', 'VIP');
    await put('b@x', '-Old');
    scheduler.flush();
    await settle();
    expect(sent).toEqual(['-Old b@x', '+VIP a@x']);
    expect([scheduler.inFlight, scheduler.busyCalls]).toEqual([2, 2]);
  });

  it('wait for users of theirs who are in flight, while flushing', async () => {
    const { scheduler, put, sent, calls } = aScheduler({ maxUsers: 3 });
    await put('a@x', 'VIP New');
    await put('b@x', 'New');
    await put('c@x', 'VIP');
    await put('d@x', 'VIP');
    scheduler.flush();
    await settle();
    expect(sent).toEqual(['+VIP a@x c@x d@x']);
    await calls[0]?.answer();
    expect(sent.slice(1)).toEqual(['+New a@x b@x']);
  });

  it('wait again once more users have come after a flush', async () => {
    const { clock, scheduler, put, sent } = aScheduler();
    scheduler.flush();
    await put('a@x', 'VIP');
    await clock.advance(39_999);
    expect(sent).toEqual([]);
    scheduler.flush();
    await settle();
    expect(sent).toEqual(['+VIP a@x']);
  });

  it('are chosen when their turn comes, not before', async () => {
    const { put, sent, turns, scheduler } = aScheduler({ isPaced: true });
    await put('a@x', 'VIP');
    await put('b@x', 'VIP');
    await put('c@x', 'New');
    expect([turns.length, sent, scheduler.inFlight, scheduler.busyCalls]).toEqual([1, [], 0, 1]);
    for (const user of ['d@x', 'e@x']) await put(user, 'New');
    await turns[0]?.come();
    expect(sent).toEqual(['+New c@x d@x']);
    expect([turns.length, scheduler.inFlight, scheduler.busyCalls]).toEqual([2, 1, 2]);
    await turns[1]?.come();
    expect(sent.slice(1)).toEqual(['+VIP a@x b@x']);
    expect([turns.length, scheduler.busyCalls]).toEqual([2, 2]);
  });

  it('wait for a turn once for each direction', async () => {
    const { put, sent, turns } = aScheduler({ isPaced: true, maxUsers: 1 });
    for (const user of ['a@x', 'b@x']) await put(user, 'VIP');
    await put('c@x', '-VIP');
    expect(turns.map(({ isOn }) => isOn)).toEqual([true, false]);
    await turns[1]?.come();
    expect(sent).toEqual(['-VIP c@x']);
  });

  it('let their turn pass where nothing is to be sent any more', async () => {
    const { put, sent, turns, calls, scheduler } = aScheduler({ isPaced: true, maxUsers: 1 });
    await put('a@x', 'VIP -Old');
    expect(turns.map(({ isOn }) => isOn)).toEqual([false, true]);
    await turns[0]?.come();
    await turns[1]?.come();
    expect([sent, scheduler.busyCalls, turns.length]).toEqual([['-Old a@x'], 1, 2]);
    await calls[0]?.answer();
    await turns[2]?.come();
    expect(sent).toEqual(['-Old a@x', '+VIP a@x']);
  });

  it('are 20 in flight at a time, of each direction', async () => {
    const { put, sent, calls, scheduler } = aScheduler({ maxUsers: 1 });
    for (let n = 0; n < 22; n++) await put(`${n}@x`, 'VIP');
    expect([sent.length, scheduler.inFlight, scheduler.busyCalls]).toEqual([20, 20, 20]);
    await put('a@x', '-VIP');
    expect([sent.at(-1), scheduler.inFlight]).toEqual(['-VIP a@x', 21]);
    await calls[7]?.answer();
    expect([sent.at(-1), scheduler.inFlight, scheduler.memberships]).toEqual(['+VIP 20@x', 21, 22]);
  });

  it('tell the run when they are no longer in flight, and the next one is', async () => {
    const { put, run, calls, scheduler } = aScheduler();
    const inFlight: number[] = [];
    run.onMoved(() => inFlight.push(scheduler.busyCalls));
    await put('a@x', 'VIP New');
    await put('b@x', 'VIP New');
    await calls[0]?.answer();
    await calls[1]?.answer();
    expect(inFlight).toEqual([1, 0]);
  });
});

describe('a list call that fails for good', () => {
  it('fails the run, and nothing follows', async () => {
    const { put, run, sent, made, calls, scheduler, clock } = aScheduler();
    let moves = 0;
    run.onMoved(() => moves++);
    await put('a@x', 'VIP New');
    await put('b@x', 'VIP New');
    await calls[0]?.fail(new Error('away'));
    expect([run.failure?.message, scheduler.inFlight, moves]).toEqual(['away', 0, 2]);
    scheduler.flush();
    await clock.advance(100_000);
    expect([sent.length, made]).toEqual([1, []]);
  });

  it('fails the run also while it waits for its turn', async () => {
    const { put, run, turns, scheduler } = aScheduler({ isPaced: true, maxUsers: 1 });
    await put('a@x', 'VIP');
    await turns[0]?.fail(new Error('stopped'));
    expect([run.failure?.message, scheduler.busyCalls]).toEqual(['stopped', 0]);
  });
});

describe('once the run is over', () => {
  it('no list call begins; what is in flight ends', async () => {
    const { scheduler, run, sent, made, calls, put, clock } = aScheduler();
    await put('a@x', 'VIP New');
    await put('b@x', 'VIP');
    await put('c@x', 'VIP');
    run.end();
    expect(clock.sleepers).toBe(0);
    await calls[0]?.answer();
    expect(made).toEqual(['a@x +VIP', 'b@x +VIP, the last']);
    await put('d@x', 'New');
    await clock.advance(60_000);
    scheduler.flush();
    await settle();
    expect([sent.length, scheduler.inFlight, clock.sleepers]).toEqual([1, 0, 0]);
  });

  it('no list call begins whose turn comes', async () => {
    const { scheduler, run, sent, turns, put } = aScheduler({ isPaced: true, maxUsers: 1 });
    await put('a@x', 'VIP');
    run.end();
    await turns[0]?.come();
    expect([sent, turns.length, scheduler.busyCalls]).toEqual([[], 1, 0]);
  });
});

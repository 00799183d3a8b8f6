import { describe, expect, it } from '@jest/globals';
import { Caller } from '../../src/delivery/caller.ts';
import { ListMembers } from '../../src/delivery/list-members.ts';
import { ENDPOINTS, type Endpoint } from '../../src/iterable/endpoints.ts';
import { ApiError } from '../../src/iterable/errors.ts';
import { HandClock } from '../support/hand-clock.ts';

const { subscribe, unsubscribe } = ENDPOINTS;
const PAUSE_MS = 5_000;

function aCaller(stop?: AbortSignal) {
  const clock = new HandClock({ random: () => 0 });
  const rateOf = (endpoint: Endpoint) => (endpoint === subscribe ? 5 : 2);
  const caller = new Caller({ clock, rateOf, callBudgetMs: 60_000, ...(stop ? { stop } : {}) });
  /** Makes a call, which is refused as one too many before, if that is asked for. */
  const call = async (endpoint: Endpoint, isRefused = false) => {
    const answers = isRefused
      ? [new ApiError(endpoint.name, { status: 429, retryAfterMs: PAUSE_MS, apiMessage: '' })]
      : [];
    const attempt = () => {
      const error = answers.shift();
      return error ? Promise.reject(error) : Promise.resolve();
    };
    void caller.call({ endpoint, attempt });
    await clock.advance(0);
  };
  return { clock, caller, call };
}

/** After how many milliseconds it resolves. */
async function waitedFor(clock: HandClock, turn: Promise<void>): Promise<number> {
  const startedAt = clock.now();
  const wait = turn.then(() => clock.now() - startedAt);
  await clock.advance(60_000);
  return wait;
}

describe('the turn of a call', () => {
  it('has come where no call of its endpoint was made, and is not taken by the wait', async () => {
    const { clock, caller, call } = aCaller();
    await call(unsubscribe);
    await caller.untilTurn(subscribe);
    expect(await waitedFor(clock, caller.untilTurn(subscribe))).toBe(0);
    expect(caller.counts.calls).toBe(1);
  });

  it.each([
    ['of its endpoint', false, 180],
    ['that was refused as one too many', true, PAUSE_MS + 380],
  ])('comes after a call %s', async (_name, isRefused, expected) => {
    const { clock, caller, call } = aCaller();
    await call(subscribe, isRefused);
    expect(await waitedFor(clock, caller.untilTurn(subscribe))).toBe(expected);
  });

  it('does not come any more once the caller is stopped', async () => {
    const stop = new AbortController();
    const { caller, call, clock } = aCaller(stop.signal);
    await call(subscribe);
    const waiting = caller.untilTurn(subscribe);
    await clock.advance(10);
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    await expect(caller.untilTurn(unsubscribe)).rejects.toThrow('stopped');
  });
});

describe('the current rate', () => {
  it('is that of its endpoint, as it is after refusals', async () => {
    const { caller, call } = aCaller();
    const rates = () => [caller.currentRate(subscribe), caller.currentRate(unsubscribe)];
    expect(rates()).toEqual([5, 2]);
    await call(subscribe, true);
    expect(rates()).toEqual([2.5, 2]);
  });
});

describe('list members', () => {
  it.each([
    ['put on lists', true, 5, 180],
    ['taken off lists', false, 2, 480],
  ])('are %s at the pace of the endpoint', async (_name, isOn, rate, waitMs) => {
    const { clock, caller, call } = aCaller();
    const members = new ListMembers(caller, {} as never, {} as never);
    expect(members.rate(isOn)).toBe(rate);
    await call(isOn ? subscribe : unsubscribe);
    expect(await waitedFor(clock, members.untilTurn(isOn))).toBe(waitMs);
    await call(isOn ? unsubscribe : subscribe);
    expect(await waitedFor(clock, members.untilTurn(isOn))).toBe(0);
  });
});

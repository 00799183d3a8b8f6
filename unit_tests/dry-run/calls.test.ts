import { describe, expect, it } from '@jest/globals';
import { ENDPOINTS, type Endpoint } from '../../src/iterable/endpoints.ts';
import { PlannedCalls } from '../../src/dry-run/calls.ts';

const many = (calls: PlannedCalls, endpoint: Endpoint, times: number) => {
  for (let time = 0; time < times; time++) calls.count(endpoint);
};

describe('the calls of a plan', () => {
  it('take as long as the slowest endpoint of each phase, one phase after the other', () => {
    const calls = new PlannedCalls(({ requestsPerSecond }) => requestsPerSecond, 1_000);
    many(calls, ENDPOINTS.bulkUpdate, 20);
    many(calls, ENDPOINTS.getByEmail, 300);
    calls.beginPhase();
    many(calls, ENDPOINTS.deleteByEmail, 200);
    // 4 s for 20 calls at 5 per second, in parallel to 3 s for 300 at 100 per second; then 2 s for 200 at 100 per second.
    expect(calls.leastSeconds).toBe(6);
  });

  it('are counted by name and method, summed over both phases, the slowest first', () => {
    const calls = new PlannedCalls(() => 2, 1_000);
    calls.count(ENDPOINTS.getLists);
    many(calls, ENDPOINTS.createList, 2);
    calls.beginPhase();
    many(calls, ENDPOINTS.createList, 2);
    expect(calls.byEndpoint).toEqual([
      { endpoint: 'lists', method: 'POST', calls: 4, requestsPerSecond: 2 },
      { endpoint: 'lists', method: 'GET', calls: 1, requestsPerSecond: 2 },
    ]);
  });

  it('are as few as possible for each list and direction of a phase, whatever calls a dry run makes', () => {
    const calls = new PlannedCalls(() => 5, 100);
    for (let times = 0; times < 30; times++) calls.countListUsers(ENDPOINTS.subscribe, 1, 7);
    calls.countListUsers(ENDPOINTS.subscribe, 2, 1);
    calls.countListUsers(ENDPOINTS.unsubscribe, 1, 100);
    calls.beginPhase();
    calls.countListUsers(ENDPOINTS.unsubscribe, 1, 1);
    expect(calls.byEndpoint.map(({ endpoint, calls: count }) => [endpoint, count])).toEqual([
      ['lists/subscribe', 4],
      ['lists/unsubscribe', 2],
    ]);
    expect(calls.leastSeconds).toBe(4 / 5 + 1 / 5);
  });

  it('take no time if there are none', () => {
    expect(new PlannedCalls(() => 1, 1_000).leastSeconds).toBe(0);
  });
});

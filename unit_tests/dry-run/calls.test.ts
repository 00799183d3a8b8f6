import { describe, expect, it } from '@jest/globals';
import { ENDPOINTS, type Endpoint } from '../../src/iterable/endpoints.ts';
import { PlannedCalls } from '../../src/dry-run/calls.ts';

const many = (calls: PlannedCalls, endpoint: Endpoint, times: number) => {
  for (let time = 0; time < times; time++) calls.count(endpoint);
};

describe('the calls of a plan', () => {
  it('take as long as the slowest endpoint of each phase, one phase after the other', () => {
    const calls = new PlannedCalls(({ requestsPerSecond }) => requestsPerSecond);
    many(calls, ENDPOINTS.bulkUpdate, 20);
    many(calls, ENDPOINTS.getByEmail, 300);
    calls.beginPhase();
    many(calls, ENDPOINTS.deleteByEmail, 200);
    // 4 s for 20 calls at 5 per second, in parallel to 3 s for 300 at 100 per second; then 2 s for 200 at 100 per second.
    expect(calls.leastSeconds).toBe(6);
  });

  it('are counted by name and method, summed over both phases, the slowest first', () => {
    const calls = new PlannedCalls(() => 2);
    calls.count(ENDPOINTS.getLists);
    many(calls, ENDPOINTS.createList, 2);
    calls.beginPhase();
    many(calls, ENDPOINTS.createList, 2);
    expect(calls.byEndpoint).toEqual([
      { endpoint: 'lists', method: 'POST', calls: 4, requestsPerSecond: 2 },
      { endpoint: 'lists', method: 'GET', calls: 1, requestsPerSecond: 2 },
    ]);
  });

  it('take no time if there are none', () => {
    expect(new PlannedCalls(() => 1).leastSeconds).toBe(0);
  });
});

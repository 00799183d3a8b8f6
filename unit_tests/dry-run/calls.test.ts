import { describe, expect, it } from '@jest/globals';
import { ENDPOINTS, type Endpoint } from '../../src/iterable/endpoints.ts';
import { PlannedCalls } from '../../src/dry-run/calls.ts';

const many = (calls: PlannedCalls, endpoint: Endpoint, times: number) => {
  for (let time = 0; time < times; time++) calls.count(endpoint);
};

describe('the calls of a plan', () => {
  it('take as long as the slowest endpoint, and then as the removals by absence', () => {
    const calls = new PlannedCalls(({ requestsPerSecond }) => requestsPerSecond);
    many(calls, ENDPOINTS.bulkUpdate, 20);
    many(calls, ENDPOINTS.getByEmail, 300);
    calls.beginPhase();
    many(calls, ENDPOINTS.deleteByEmail, 200);
    // 20 at 5 a second, beside 300 at 100; then 200 at 100.
    expect(calls.leastSeconds).toBe(6);
  });

  it('are told apart by method, summed over both phases, the slowest first', () => {
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

  it('take no time where there are none', () => {
    expect(new PlannedCalls(() => 1).leastSeconds).toBe(0);
  });
});

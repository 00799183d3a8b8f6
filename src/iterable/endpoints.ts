/** The endpoints of Iterable that the connector calls, with the rate limits that Iterable publishes. */

export interface Endpoint {
  /** The name used in logs and errors. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** The limit per project. Source: "Rate limit" of each endpoint in Iterable's API documentation. */
  readonly requestsPerSecond: number;
  /**
   * Where Iterable publishes no limit: the highest rate to try. Calls begin at `requestsPerSecond` and rise slowly while none is
   * refused with a 429.
   */
  readonly highestRequestsPerSecond?: number;
  /** True if a call writes a single user, so that a refusal concerns that user alone. */
  readonly isOfOneUser?: boolean;
}

export const ENDPOINTS = {
  getFields: { name: 'users/getFields', method: 'GET', requestsPerSecond: 3 },
  getLists: { name: 'lists', method: 'GET', requestsPerSecond: 100 },
  createList: { name: 'lists', method: 'POST', requestsPerSecond: 5, highestRequestsPerSecond: 25 },
  subscribe: { name: 'lists/subscribe', method: 'POST', requestsPerSecond: 5, highestRequestsPerSecond: 25 },
  unsubscribe: {
    name: 'lists/unsubscribe',
    method: 'POST',
    requestsPerSecond: 5,
    highestRequestsPerSecond: 25,
  },
  bulkUpdate: { name: 'users/bulkUpdate', method: 'POST', requestsPerSecond: 5 },
  update: { name: 'users/update', method: 'POST', requestsPerSecond: 500, isOfOneUser: true },
  updateEmail: {
    name: 'users/updateEmail',
    method: 'POST',
    requestsPerSecond: 5,
    highestRequestsPerSecond: 100,
    isOfOneUser: true,
  },
  getByEmail: { name: 'users/getByEmail', method: 'GET', requestsPerSecond: 100 },
  getByUserId: { name: 'users/byUserId', method: 'GET', requestsPerSecond: 100 },
  deleteByEmail: { name: 'users/{email}', method: 'DELETE', requestsPerSecond: 100, isOfOneUser: true },
  deleteByUserId: {
    name: 'users/byUserId/{userId}',
    method: 'DELETE',
    requestsPerSecond: 100,
    isOfOneUser: true,
  },
  exportData: { name: 'export/data.json', method: 'GET', requestsPerSecond: 4 / 60 },
} as const satisfies Record<string, Endpoint>;

/** Iterable refuses a larger body. Comparable connectors send at most 1,000 users per bulk call. */
export const MAX_BULK_BYTES = 4_000_000;

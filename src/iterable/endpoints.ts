/** Iterable's endpoints that the connector calls, each with the rate that Iterable publishes for it. */

export interface Endpoint {
  /** As logs and errors name it. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Requests per second and project. Source: Iterable's API documentation, "Rate limit" of each endpoint. */
  readonly requestsPerSecond: number;
  /** True where a call writes one user, so that a refusal speaks of that one alone. */
  readonly isOfOneUser?: boolean;
}

export const ENDPOINTS = {
  getFields: { name: 'users/getFields', method: 'GET', requestsPerSecond: 3 },
  getLists: { name: 'lists', method: 'GET', requestsPerSecond: 100 },
  createList: { name: 'lists', method: 'POST', requestsPerSecond: 5 },
  // Iterable states no limit for these three; that of users/bulkUpdate is assumed.
  subscribe: { name: 'lists/subscribe', method: 'POST', requestsPerSecond: 5 },
  unsubscribe: { name: 'lists/unsubscribe', method: 'POST', requestsPerSecond: 5 },
  bulkUpdate: { name: 'users/bulkUpdate', method: 'POST', requestsPerSecond: 5 },
  update: { name: 'users/update', method: 'POST', requestsPerSecond: 500, isOfOneUser: true },
  // Iterable states no limit; that of the look-ups that come before each call is assumed.
  updateEmail: { name: 'users/updateEmail', method: 'POST', requestsPerSecond: 100, isOfOneUser: true },
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

/** A bulk call's limits: Iterable refuses a body over 4 MB; peers send at most 1,000 users. */
export const MAX_BULK_BYTES = 4_000_000;

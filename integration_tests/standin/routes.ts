/** The endpoints: path, published limit, query, handler. From Iterable's API description; anything else is a 404. */
import type { Handler } from './context.ts';
import { exportData } from './export.ts';
import type { Limit } from './limits.ts';
import * as lists from './list-calls.ts';
import { update, updateEmail } from './single-user.ts';
import * as users from './user-calls.ts';

export interface Route {
  readonly method: string;
  /** Its group, if any, is the variable segment. */
  readonly path: RegExp;
  readonly limit: Limit;
  readonly query?: readonly string[];
  readonly repeatable?: readonly string[];
  readonly handle: Handler;
}

const perSecond = (calls: number): Limit => ({ calls, seconds: 1 });
const perMinute = (calls: number): Limit => ({ calls, seconds: 60 });
const UNSTATED = perSecond(Infinity);

/** Names that the API gives to other calls than a look-up by address. */
const EMAIL_IN_PATH = /^\/api\/users\/(?!(?:forgotten|forgottenUserIds|getSentMessages)$)([^/]+)$/;

/** The first that fits counts. */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: /^\/api\/lists$/, limit: perSecond(100), handle: lists.getLists },
  { method: 'POST', path: /^\/api\/lists$/, limit: UNSTATED, handle: lists.createList },
  // No limit is stated for these two: that of users/bulkUpdate is assumed.
  { method: 'POST', path: /^\/api\/lists\/subscribe$/, limit: perSecond(5), handle: lists.subscribe },
  { method: 'POST', path: /^\/api\/lists\/unsubscribe$/, limit: perSecond(5), handle: lists.unsubscribe },
  {
    method: 'GET',
    path: /^\/api\/lists\/getUsers$/,
    limit: perMinute(5),
    query: ['listId', 'preferUserId'],
    handle: lists.getMembers,
  },
  { method: 'GET', path: /^\/api\/lists\/([^/]+)\/size$/, limit: perMinute(5), handle: lists.getSize },
  { method: 'GET', path: /^\/api\/users\/getFields$/, limit: perSecond(3), handle: users.getFields },
  { method: 'POST', path: /^\/api\/users\/bulkUpdate$/, limit: perSecond(5), handle: users.bulkUpdate },
  { method: 'POST', path: /^\/api\/users\/update$/, limit: perSecond(500), handle: update },
  { method: 'POST', path: /^\/api\/users\/updateEmail$/, limit: UNSTATED, handle: updateEmail },
  {
    method: 'GET',
    path: /^\/api\/users\/getByEmail$/,
    limit: perSecond(100),
    query: ['email'],
    handle: users.getByEmail,
  },
  {
    method: 'GET',
    path: /^\/api\/users\/byUserId$/,
    limit: perSecond(100),
    query: ['userId'],
    handle: users.getByUserId,
  },
  {
    method: 'GET',
    path: /^\/api\/users\/byUserId\/([^/]+)$/,
    limit: perSecond(100),
    handle: users.getByUserIdInPath,
  },
  { method: 'GET', path: EMAIL_IN_PATH, limit: perSecond(100), handle: users.getByEmailInPath },
  {
    method: 'DELETE',
    path: /^\/api\/users\/byUserId\/([^/]+)$/,
    limit: perSecond(100),
    handle: users.deleteByUserId,
  },
  {
    method: 'DELETE',
    path: /^\/api\/users\/([^/]+)$/,
    limit: perSecond(100),
    handle: users.deleteByEmail,
  },
  {
    method: 'GET',
    path: /^\/api\/export\/data\.json$/,
    limit: perMinute(4),
    query: ['dataTypeName', 'range', 'onlyFields'],
    repeatable: ['onlyFields'],
    handle: exportData,
  },
];

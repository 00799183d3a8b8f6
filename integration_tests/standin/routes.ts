/** The endpoints with path, published limit, query and handler, from Iterable's API description. Anything else is a 404. */
import type { Handler } from './context.ts';
import { exportData } from './export.ts';
import type { Limit } from './limits.ts';
import * as lists from './list-calls.ts';
import { update, updateEmail } from './single-user.ts';
import * as users from './user-calls.ts';

export interface Route {
  readonly method: string;
  /** The group, if there is one, is the variable segment. */
  readonly path: RegExp;
  readonly limit: Limit;
  /** Iterable publishes no limit: `limit` is assumed, and the option `hiddenLimit` replaces it. */
  readonly isLimitHidden?: true;
  readonly query?: readonly string[];
  readonly repeatable?: readonly string[];
  readonly handle: Handler;
}

const perSecond = (calls: number): Limit => ({ calls, seconds: 1 });
const perMinute = (calls: number): Limit => ({ calls, seconds: 60 });
const UNSTATED = perSecond(Infinity);

/** A look-up by address in the path; excludes paths that the API uses for other calls. */
const EMAIL_IN_PATH = /^\/api\/users\/(?!(?:forgotten|forgottenUserIds|getSentMessages)$)([^/]+)$/;

/** The first match is used. */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: /^\/api\/lists$/, limit: perSecond(100), handle: lists.getLists },
  { method: 'POST', path: /^\/api\/lists$/, limit: UNSTATED, isLimitHidden: true, handle: lists.createList },
  // Of the next two, the limit of users/bulkUpdate is assumed.
  {
    method: 'POST',
    path: /^\/api\/lists\/subscribe$/,
    limit: perSecond(5),
    isLimitHidden: true,
    handle: lists.subscribe,
  },
  {
    method: 'POST',
    path: /^\/api\/lists\/unsubscribe$/,
    limit: perSecond(5),
    isLimitHidden: true,
    handle: lists.unsubscribe,
  },
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
  {
    method: 'POST',
    path: /^\/api\/users\/updateEmail$/,
    limit: UNSTATED,
    isLimitHidden: true,
    handle: updateEmail,
  },
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

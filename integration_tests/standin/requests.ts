/** The shape of user requests, from Iterable's API description: an unknown property or a wrong type is a 400. */
import { isObject, type Value } from './values.ts';
import type { UserWrite } from './store.ts';

const USER_PROPERTIES: Readonly<Record<string, (value: Value) => boolean>> = {
  email: (value) => typeof value === 'string',
  userId: (value) => typeof value === 'string',
  dataFields: isObject,
  preferUserId: (value) => typeof value === 'boolean',
  mergeNestedObjects: (value) => typeof value === 'boolean',
};

/** From Iterable's support articles: written by Iterable alone. */
const MANAGED = new Set(
  `emailListIds userListIds itblInternal itblDS itblUserId profileUpdatedAt signupSource subscribedMessageTypeIds
  unsubscribedChannelIds unsubscribedMessageTypeIds devices browserTokens receivedSMSDisclaimer phoneNumberDetails`.split(
    /\s+/,
  ),
);

export class BadRequest extends Error {
  readonly code: string;
  readonly status: number;

  constructor(message: string, code = 'BadParams', status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The users of a bulkUpdate body. Throws BadRequest. */
export function readBulkUpdate(body: Value): { users: UserWrite[]; createNewFields: boolean | undefined } {
  if (!isObject(body)) throw new BadRequest('body is not an object', 'BadJsonBody');
  refuseUnknown(body, ['users', 'createNewFields'], 'body');
  const { users, createNewFields } = body;
  if (!Array.isArray(users)) throw new BadRequest('users is not an array');
  if (users.length > 1000) throw new BadRequest('more than 1,000 users', 'BatchTooLarge');
  if (createNewFields !== undefined && typeof createNewFields !== 'boolean')
    throw new BadRequest('createNewFields is not a boolean');
  return { users: users.map(readUser), createNewFields };
}

function readUser(user: Value): UserWrite {
  if (!isObject(user)) throw new BadRequest('a user is not an object');
  refuseUnknown(user, Object.keys(USER_PROPERTIES), 'user');
  for (const [key, isRight] of Object.entries(USER_PROPERTIES)) {
    if (user[key] !== undefined && !isRight(user[key]))
      throw new BadRequest(`user.${key} has the wrong type`);
  }
  const { email, userId, dataFields = {}, preferUserId, mergeNestedObjects } = user;
  if ((email === undefined) === (userId === undefined))
    throw new BadRequest('a user needs email or userId, not both');
  const fields = dataFields as { [field: string]: Value };
  const managed = Object.keys(fields).find((field) => MANAGED.has(field));
  if (managed !== undefined) throw new BadRequest(`${managed} is managed by Iterable`);
  return {
    ...(typeof email === 'string' ? { email } : {}),
    ...(typeof userId === 'string' ? { userId } : {}),
    dataFields: fields,
    preferUserId: preferUserId === true,
    mergeNestedObjects: mergeNestedObjects === true,
  };
}

function refuseUnknown(value: { [key: string]: Value }, known: readonly string[], where: string): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new BadRequest(`unknown property ${where}.${unknown}`);
}

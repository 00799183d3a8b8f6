/** The shape of requests, from Iterable's API description: an unknown property or a wrong type is a 400. */
import type { Identity } from './identities.ts';
import type { UserWrite } from './store.ts';
import { isObject, NumberText, parseExactly, type Value } from './values.ts';

/** What a user of a request may have, and of which type. */
export const USER_PROPERTIES: Readonly<Record<string, (value: Value) => boolean>> = {
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

const MAX_BODY_BYTES = 4_000_000;
const MAX_USERS = 1000;

type JsonObject = { [key: string]: Value };

/** What a request that Iterable would not take is answered with; a correct client never causes one. */
export class BadRequest extends Error {
  readonly code: string;
  readonly status: number;

  constructor(message: string, code = 'BadParams', status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The body as an object that has none but the known properties. Throws BadRequest. */
export function readBody(contentType: string, body: Buffer, known: readonly string[]): JsonObject {
  if (body.length > MAX_BODY_BYTES) throw new BadRequest('over 4 MB', 'BatchTooLarge', 413);
  if (!contentType.startsWith('application/json')) throw new BadRequest('not JSON', 'BadJsonBody');
  const value = parse(body);
  if (!isObject(value)) throw new BadRequest('body is not an object', 'BadJsonBody');
  refuseUnknown(value, known, 'body');
  return value;
}

/** The users under a property, each with its own identity, data fields and flags. Throws BadRequest. */
export function readUsers(body: JsonObject, property: string): UserWrite[] {
  return readBatch(body, property).map(readUser);
}

/** The users under a property where each is named and nothing else. Throws BadRequest. */
export function readIdentities(body: JsonObject, property: string): Identity[] {
  return readBatch(body, property).map((user) => {
    if (!isObject(user)) throw new BadRequest('a user is not an object');
    refuseUnknown(user, ['email', 'userId'], 'user');
    const { email, userId } = readUser(user);
    return { ...(email === undefined ? {} : { email }), ...(userId === undefined ? {} : { userId }) };
  });
}

function readBatch(body: JsonObject, property: string): Value[] {
  const users = body[property];
  if (!Array.isArray(users)) throw new BadRequest(`${property} is not an array`);
  if (users.length > MAX_USERS) throw new BadRequest('more than 1,000 users', 'BatchTooLarge');
  return users;
}

export function readString(body: JsonObject, property: string): string {
  const value = readOptionalString(body, property);
  if (value === undefined) throw new BadRequest(`${property} is missing`);
  return value;
}

export function readOptionalString(body: JsonObject, property: string): string | undefined {
  const value = body[property];
  if (value !== undefined && typeof value !== 'string') throw new BadRequest(`${property} is not a string`);
  return value;
}

export function readOptionalBoolean(body: JsonObject, property: string): boolean | undefined {
  const value = body[property];
  if (value !== undefined && typeof value !== 'boolean') throw new BadRequest(`${property} is not a boolean`);
  return value;
}

export function readInteger(body: JsonObject, property: string): number {
  const value = readOptionalInteger(body, property);
  if (value === undefined) throw new BadRequest(`${property} is missing`);
  return value;
}

export function readOptionalInteger(body: JsonObject, property: string): number | undefined {
  const value = body[property];
  if (value === undefined) return undefined;
  if (!(value instanceof NumberText)) throw new BadRequest(`${property} is not an integer`);
  return integerOf(value.text, property);
}

/** An integer by its text, as paths and queries have it. Throws BadRequest. */
export function integerOf(text: string, name: string): number {
  if (!/^-?\d+$/.test(text)) throw new BadRequest(`${name} is not an integer`);
  return Number(text);
}

/** A query with only known properties, each given once but for those that may repeat. Throws BadRequest. */
export function checkQuery(url: URL, known: readonly string[], repeatable: readonly string[] = []): void {
  for (const name of new Set(url.searchParams.keys())) {
    if (!known.includes(name)) throw new BadRequest(`unknown property ${name} of the query`);
    if (!repeatable.includes(name) && url.searchParams.getAll(name).length > 1)
      throw new BadRequest(`${name} twice in the query`);
  }
}

export function queryValue(url: URL, name: string): string {
  const value = url.searchParams.get(name);
  if (value === null) throw new BadRequest(`the query lacks ${name}`);
  return value;
}

/** One user of a call. Throws BadRequest. */
export function readUser(user: Value): UserWrite {
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

function refuseUnknown(value: JsonObject, known: readonly string[], where: string): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new BadRequest(`unknown property ${where}.${unknown}`);
}

function parse(body: Buffer): Value {
  try {
    return parseExactly(body.toString('utf8'));
  } catch {
    throw new BadRequest('body is not JSON', 'BadJsonBody');
  }
}

/** Validates requests against Iterable's API description: an unknown property or a wrong type is a 400. */
import type { Identity } from './identities.ts';
import type { UserWrite } from './store.ts';
import { isObject, NumberText, parseExactly, type Value } from './values.ts';

/** The properties that a user of a request may have, and their types. */
export const USER_PROPERTIES: Readonly<Record<string, PropertyType>> = {
  email: { type: 'String', isRight: (value) => typeof value === 'string' },
  userId: { type: 'String', isRight: (value) => typeof value === 'string' },
  dataFields: { type: 'Object', isRight: isObject },
  preferUserId: { type: 'Boolean', isRight: (value) => typeof value === 'boolean' },
  mergeNestedObjects: { type: 'Boolean', isRight: (value) => typeof value === 'boolean' },
};

interface PropertyType {
  /** Iterable's name for the type. */
  readonly type: string;
  readonly isRight: (value: Value) => boolean;
}

/** Fields that only Iterable itself may write, according to its support articles. */
const MANAGED = new Set(
  `emailListIds userListIds itblInternal itblDS itblUserId profileUpdatedAt signupSource subscribedMessageTypeIds
  unsubscribedChannelIds unsubscribedMessageTypeIds devices browserTokens receivedSMSDisclaimer phoneNumberDetails`.split(
    /\s+/,
  ),
);

const MAX_BODY_BYTES = 4_000_000;
const MAX_USERS = 1000;

type JsonObject = { [key: string]: Value };

/** The answer to a request that Iterable would refuse as a whole; a correct client never causes one. */
export class BadRequest extends Error {
  readonly code: string;
  readonly status: number;
  readonly params: unknown;

  constructor(message: string, code = 'BadParams', status = 400, params: unknown = null) {
    super(message);
    this.code = code;
    this.status = status;
    this.params = params;
  }
}

/** Parses the body into an object with only known properties. Throws BadRequest. */
export function readBody(contentType: string, body: Buffer, known: readonly string[]): JsonObject {
  if (body.length > MAX_BODY_BYTES) throw new BadRequest('over 4 MB', 'BatchTooLarge', 413);
  if (!contentType.startsWith('application/json')) throw new BadRequest('not JSON', 'BadJsonBody');
  const value = parse(body);
  if (!isObject(value)) throw new BadRequest('body is not an object', 'BadJsonBody');
  refuseUnknown(value, known, 'body');
  return value;
}

/** Reads the users in a property, each with identity, data fields and flags. Throws BadRequest. */
export function readUsers(body: JsonObject, property: string): UserWrite[] {
  const users = readBatch(body, property);
  refuseWrongTypes(users, (index) => `obj.${property}[${index}]`);
  return users.map(readUser);
}

/** Reads the users in a property, each with nothing but an identity. Throws BadRequest. */
export function readIdentities(body: JsonObject, property: string): Identity[] {
  const users = readBatch(body, property);
  refuseWrongTypes(users, (index) => `obj.${property}[${index}]`);
  return users.map((user) => {
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

/** Parses an integer from a path or query. Throws BadRequest. */
export function integerOf(text: string, name: string): number {
  if (!/^-?\d+$/.test(text)) throw new BadRequest(`${name} is not an integer`);
  return Number(text);
}

/** Checks that a query has only known parameters, without duplicates except those in `repeatable`. Throws BadRequest. */
export function checkQuery(url: URL, known: readonly string[], repeatable: readonly string[] = []): void {
  for (const name of new Set(url.searchParams.keys())) {
    if (!known.includes(name)) throw new BadRequest(`unknown query parameter ${name}`);
    if (!repeatable.includes(name) && url.searchParams.getAll(name).length > 1)
      throw new BadRequest(`duplicate query parameter ${name}`);
  }
}

export function queryValue(url: URL, name: string): string {
  const value = url.searchParams.get(name);
  if (value === null) throw new BadRequest(`missing query parameter ${name}`);
  return value;
}

/** Refuses the whole body if users don't match the schema; the answer maps the path of each problem to the reason. */
export function refuseWrongTypes(users: readonly Value[], pathOf: (index: number) => string): void {
  const reasons: Record<string, string> = {};
  for (const [index, user] of users.entries()) {
    if (!isObject(user)) {
      reasons[pathOf(index)] = 'Object value expected';
      continue;
    }
    for (const [key, { type, isRight }] of Object.entries(USER_PROPERTIES)) {
      if (user[key] !== undefined && !isRight(user[key]))
        reasons[`${pathOf(index)}.${key}`] = `${type} value expected`;
    }
  }
  if (Object.keys(reasons).length > 0) throw badJsonBody(reasons);
}

/** @param reasons JSON path → reason; array positions count from 0: `obj.users[1].preferUserId` */
function badJsonBody(reasons: Readonly<Record<string, string>>): BadRequest {
  return new BadRequest('Invalid JSON body', 'BadJsonBody', 400, reasons);
}

/** Reads one user whose types are already checked. Throws BadRequest. */
export function readUser(user: Value): UserWrite {
  if (!isObject(user)) throw new BadRequest('a user is not an object');
  refuseUnknown(user, Object.keys(USER_PROPERTIES), 'user');
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

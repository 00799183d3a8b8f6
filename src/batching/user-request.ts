/** One user as a bulk call carries it: the JSON text, its exact size, and the identities that an answer may name. */
import { stringifyJson } from '../json.ts';
import { buildDataFields } from '../mapping/data-fields.ts';
import type { TargetValues, UserKey } from '../model.ts';

export interface UserRequest {
  readonly key: UserKey;
  /** Identities that the data fields would give the user; Iterable may refuse them, and names them then. */
  readonly newEmail?: string | undefined;
  readonly newUserId?: string | undefined;
  readonly json: string;
  /** UTF-8 bytes of `json`. */
  readonly bytes: number;
}

/** How the user is named once the request has been carried out. */
export function keyAfterwards({ key, newEmail }: UserRequest): UserKey {
  return key.kind === 'email' && newEmail !== undefined ? { kind: 'email', value: newEmail } : key;
}

export interface UserRequestOptions {
  readonly mergeNestedObjects: boolean;
  /** On email-based projects, where a userId identifies: a user of an unknown one is created instead of refused. */
  readonly preferUserId: boolean;
}

/** The request for one user. Throws RangeError when a value is nested too deeply to be written. */
export function buildUserRequest(
  key: UserKey,
  values: TargetValues,
  options: UserRequestOptions,
): UserRequest {
  const json = stringifyJson({
    ...userIdentityOf(key, options),
    mergeNestedObjects: options.mergeNestedObjects,
    dataFields: buildDataFields(values),
  });
  return {
    key,
    json,
    bytes: Buffer.byteLength(json),
    newEmail: textOf(values.email),
    newUserId: textOf(values.userId),
  };
}

/** The user as a list call carries it: the identity alone. */
export function userIdentity(key: UserKey, options: Preference): UserRequest {
  const json = JSON.stringify(userIdentityOf(key, options));
  return { key, json, bytes: Buffer.byteLength(json) };
}

type Preference = Pick<UserRequestOptions, 'preferUserId'>;

function userIdentityOf({ kind, value }: UserKey, { preferUserId }: Preference): object {
  if (kind === 'email') return { email: value };
  return preferUserId ? { userId: value, preferUserId } : { userId: value };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

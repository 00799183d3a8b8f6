/** One user as a bulk call carries it: the JSON text, and the identities that an answer may name. */
import { stringifyJson } from '../json.ts';
import { buildDataFields } from '../mapping/data-fields.ts';
import { WAITING_BYTES, waitingNumbersIn, type WaitingNumber } from '../mapping/new-field-types.ts';
import type { TargetValues, UserKey } from '../model.ts';
import type { StoredText, TextPages } from './text-pages.ts';

/** Its text is JSON. */
export interface UserRequest extends StoredText {
  readonly key: UserKey;
  /** Identities that the data fields would give the user; Iterable may refuse them, and names them then. */
  readonly newEmail?: string | undefined;
  readonly newUserId?: string | undefined;
  /** Where it holds numbers that are written only when it is sent. */
  readonly waiting?: WaitingRequest | undefined;
  readonly spareBytes?: number | undefined;
}

/** A request whose numbers may come to be written otherwise. */
export interface WaitingRequest {
  readonly numbers: readonly WaitingNumber[];
  /** The request as it is to be written now. */
  readonly rebuild: () => UserRequest;
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
  texts: TextPages,
): UserRequest {
  const json = stringifyJson({
    ...userIdentityOf(key, options),
    mergeNestedObjects: options.mergeNestedObjects,
    dataFields: buildDataFields(values),
  });
  const { page, start, bytes } = texts.store(json);
  return {
    key,
    page,
    start,
    bytes,
    newEmail: textOf(values.email),
    newUserId: textOf(values.userId),
  };
}

/** The request, with the numbers among its values that wait, if there are any. */
export function withWaitingNumbers(
  request: UserRequest,
  values: TargetValues,
  rebuild: () => UserRequest,
): UserRequest {
  const numbers = waitingNumbersIn(values);
  if (numbers.length === 0) return request;
  return { ...request, waiting: { numbers, rebuild }, spareBytes: numbers.length * WAITING_BYTES };
}

/** The user as a list call carries it: the identity alone. */
export function userIdentity(key: UserKey, options: Preference, texts: TextPages): UserRequest {
  return { key, ...texts.store(JSON.stringify(userIdentityOf(key, options))) };
}

type Preference = Pick<UserRequestOptions, 'preferUserId'>;

function userIdentityOf({ kind, value }: UserKey, { preferUserId }: Preference): object {
  if (kind === 'email') return { email: value };
  return preferUserId ? { userId: value, preferUserId } : { userId: value };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

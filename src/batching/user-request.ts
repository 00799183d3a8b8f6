/** One user in a bulk call: the JSON text, and the identities that the answer may name. */
import { stringifyJson } from '../json.ts';
import { buildDataFields } from '../mapping/data-fields.ts';
import { WAITING_BYTES, waitingNumbersIn, type WaitingNumber } from '../mapping/new-field-types.ts';
import type { TargetValues, UserKey } from '../model.ts';
import type { StoredText, TextPages } from './text-pages.ts';

/** The stored text is JSON. */
export interface UserRequest extends StoredText {
  readonly key: UserKey;
  /** Identities that the data fields would give the user. If Iterable refuses them, its answer names them. */
  readonly newEmail?: string | undefined;
  readonly newUserId?: string | undefined;
  /** Set if the request has numbers whose notation is decided only when it is sent. */
  readonly waiting?: WaitingRequest | undefined;
  readonly spareBytes?: number | undefined;
}

/** A request whose numbers may still change from longs to doubles (`5` to `5.0`). */
export interface WaitingRequest {
  readonly numbers: readonly WaitingNumber[];
  /** Builds the request again, with the notation that applies now. */
  readonly rebuild: () => UserRequest;
}

/** The user's key after the request has been carried out. */
export function keyAfterwards({ key, newEmail }: UserRequest): UserKey {
  return key.kind === 'email' && newEmail !== undefined ? { kind: 'email', value: newEmail } : key;
}

export interface UserRequestOptions {
  readonly mergeNestedObjects: boolean;
  /**
   * For email-based projects that identify users by userId: an unknown userId creates a user instead of being refused.
   */
  readonly preferUserId: boolean;
}

/** The request for one user. Throws RangeError if a value is nested too deeply to be serialized. */
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

/** The request, plus those of its numbers whose notation is not decided yet, if any. */
export function withWaitingNumbers(
  request: UserRequest,
  values: TargetValues,
  rebuild: () => UserRequest,
): UserRequest {
  const numbers = waitingNumbersIn(values);
  if (numbers.length === 0) return request;
  return { ...request, waiting: { numbers, rebuild }, spareBytes: numbers.length * WAITING_BYTES };
}

/** The user in a list call: the identity alone. */
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

/** Reads from a refused call the reason for rejecting, and which users the answer identifies as the cause. */
import { readText } from '../batching/text-pages.ts';
import type { UserRequest } from '../batching/user-request.ts';
import type { ApiError } from '../iterable/errors.ts';
import { mismatchParamsSchema, unreadableParamsSchema } from '../iterable/schemas.ts';
import type { RejectCode, Rejection } from '../model.ts';
import { meaningOf } from './classify.ts';
import type { GroupOutcome } from './read-bulk-answer.ts';
import { describeUnknown } from './unknown-refusals.ts';

const CODE_OF_REFUSAL: Readonly<Record<string, RejectCode>> = {
  InvalidEmailAddressError: 'invalid_email',
  InvalidUserIdError: 'invalid_user_id',
  RequestFieldsTypesMismatched: 'invalid_data',
  ForgottenUserError: 'forgotten',
  EmailAlreadyExists: 'conflict',
  ExternalKeyConflict: 'conflict',
  UserIdAlreadyExists: 'conflict',
  UnknownEmailError: 'not_found',
  UnknownUserIdError: 'not_found',
  BatchTooLarge: 'too_large',
};

/** The rejection for a call that held a single user. */
export function rejectionOf(error: ApiError): Rejection {
  const code = CODE_OF_REFUSAL[error.apiCode ?? ''] ?? (error.status === 413 ? 'too_large' : 'refused');
  const isUnknown = meaningOf(error)?.cause === 'unknown';
  return { code, reason: isUnknown ? describeUnknown(error) : error.message, answer: error.apiMessage };
}

/**
 * Reads an answer that refused the whole request. Some answers identify the guilty users: a type mismatch names the field and
 * the offending value, an unreadable body names the path to the user.
 */
export function readRefusal(
  group: readonly UserRequest[],
  error: ApiError,
): Extract<GroupOutcome, { kind: 'refused' }> {
  const guilty = new Map<UserRequest, Rejection>();
  const mismatches = mismatchParamsSchema.safeParse(error.params).data?.validationErrors ?? {};
  let reason = rejectionOf(error);
  if (error.apiCode === 'BadJsonBody') noteUnreadable(group, error, guilty);
  for (const [field, { expectedType, offendingValue }] of Object.entries(mismatches)) {
    const mismatch: Rejection = {
      code: 'invalid_data',
      field,
      reason: typeReason(expectedType),
      answer: error.apiMessage,
    };
    if (guilty.size === 0) reason = mismatch;
    for (const user of group) if (holdsValue(user, field, offendingValue)) guilty.set(user, mismatch);
  }
  return { kind: 'refused', guilty, reason };
}

/** The path to a user in the array of a bulk call, and the rest of the path within the user. A call for one user has no array. */
const PATH_OF_USER = /^(?:\w+\.)?(?:users|subscribers)\[(\d+)\](?:\.(.+))?$/;
const PATH_OF_FIELD = /^(?:\w+\.)?(dataFields\..+)$/;
const DATA_FIELDS = 'dataFields.';

function noteUnreadable(
  group: readonly UserRequest[],
  error: ApiError,
  guilty: Map<UserRequest, Rejection>,
): void {
  const reasons = unreadableParamsSchema.safeParse(error.params).data ?? {};
  for (const [path, why] of Object.entries(reasons)) {
    const [, index, part] = PATH_OF_USER.exec(path) ?? [];
    const place = part ?? PATH_OF_FIELD.exec(path)?.[1] ?? '';
    const isTheOne = group.length === 1 && place !== '';
    const user = index === undefined ? (isTheOne ? group[0] : undefined) : group[Number(index)];
    if (!user || guilty.has(user)) continue;
    const answer = `${path}: ${why}`;
    guilty.set(
      user,
      place.startsWith(DATA_FIELDS)
        ? {
            code: 'invalid_data',
            field: place.slice(DATA_FIELDS.length),
            reason: 'Iterable can’t read the value',
            answer,
          }
        : { code: 'refused', reason: 'Iterable can’t read the user in the call', answer },
    );
  }
}

function typeReason(expectedType: string | null | undefined): string {
  return `the value has another type than the field has in Iterable${expectedType ? ` (${expectedType})` : ''}`;
}

/** True when the user's data field of this dotted name is exactly this value, or an array that contains it. */
function holdsValue(user: UserRequest, dottedName: string, value: unknown): boolean {
  if (value === undefined) return false;
  const wanted = JSON.stringify(value);
  const json = readText(user);
  if (typeof value !== 'object' && !json.includes(wanted)) return false;
  const { dataFields } = JSON.parse(json) as { dataFields: unknown };
  const found = dottedName.split('.').reduce<unknown>(memberOf, dataFields);
  const candidates: unknown[] = Array.isArray(found) ? [found, ...(found as unknown[])] : [found];
  return candidates.some((candidate) => JSON.stringify(candidate) === wanted);
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

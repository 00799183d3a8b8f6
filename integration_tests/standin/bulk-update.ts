/** Applies the users of a call one by one and builds Iterable's answer. */
import { failure, type JsonAnswer } from './answers.ts';
import { Fields, type Mismatch } from './fields.ts';
import type { FailureList } from './identities.ts';
import type { Store, UserWrite } from './store.ts';
import { isObject, toPlain, type Value } from './values.ts';

/** A value of the wrong type fails only its user (`lists`) or the whole request (`whole`). */
export type WrongTypeStyle = 'lists' | 'whole';

export interface ApplyOptions {
  readonly createNewFields: boolean;
  readonly style: WrongTypeStyle;
  /** The maximum number of fields of the project. */
  readonly maxFields?: number;
  /** If set, an erased user fails the whole request with this status. */
  readonly wholeForgottenStatus?: number;
  /** Unknown users fail instead of being created. */
  readonly onlyExisting?: boolean;
}

export type Failures = Readonly<Record<FailureList, string[]>>;

/** The outcome of a call: the profiles that were written, and the answer in the format of a bulk call. */
export interface Applied extends JsonAnswer {
  readonly profiles: readonly number[];
  /** Absent if the whole request was refused. */
  readonly failed?: Failures;
}

export function noFailures(): Failures {
  return {
    invalidEmails: [],
    invalidUserIds: [],
    notFoundEmails: [],
    notFoundUserIds: [],
    invalidDataEmails: [],
    invalidDataUserIds: [],
    conflictEmails: [],
    conflictUserIds: [],
    forgottenEmails: [],
    forgottenUserIds: [],
  };
}

/** Writes the users by the rules of the project, which are the same for bulkUpdate, subscribe and update. */
export function applyUsers(
  store: Store,
  users: readonly UserWrite[],
  { createNewFields, style, maxFields = Infinity, wholeForgottenStatus, onlyExisting = false }: ApplyOptions,
): Applied {
  const refusal =
    (style === 'whole' ? typesRefusal(store, users, createNewFields) : undefined) ??
    (createNewFields ? fieldsRefusal(store, users, maxFields) : undefined) ??
    (wholeForgottenStatus === undefined ? undefined : forgottenRefusal(store, users, wholeForgottenStatus));
  if (refusal) return { ...refusal, profiles: [] };
  const failed = noFailures();
  const profiles: number[] = [];
  const createdFields = new Set<string>();
  const filteredOutFields = new Set<string>();
  for (const user of users) {
    if (store.fields.mismatches(fieldsOf(user)).length > 0) {
      failed[user.email === undefined ? 'invalidDataUserIds' : 'invalidDataEmails'].push(
        user.email?.toLowerCase() ?? user.userId ?? '',
      );
      continue;
    }
    const unknown = store.fields.unknown(fieldsOf(user));
    const dataFields = createNewFields
      ? user.dataFields
      : (without(user.dataFields, unknown) as UserWrite['dataFields']);
    const written = store.write({ ...user, dataFields }, onlyExisting);
    if ('failure' in written) {
      failed[written.failure.list].push(written.failure.value);
      continue;
    }
    profiles.push(written.profile);
    for (const field of unknown) (createNewFields ? createdFields : filteredOutFields).add(field);
    if (createNewFields) store.fields.learn(fieldsOf(user));
  }
  return {
    status: 200,
    body: bulkBody(profiles.length, failed, createdFields, filteredOutFields),
    profiles,
    failed,
  };
}

/** The body of the answer to every bulk call; each failed user is named once, in one of the lists. */
export function bulkBody(
  successCount: number,
  failed: Failures,
  createdFields: Iterable<string> = [],
  filteredOutFields: Iterable<string> = [],
) {
  return {
    successCount,
    failCount: Object.values(failed).flat().length,
    createdFields: [...createdFields],
    filteredOutFields: [...filteredOutFields],
    invalidEmails: failed.invalidEmails,
    invalidUserIds: failed.invalidUserIds,
    failedUpdates: failed,
  };
}

/** The data fields without identities, which the store checks itself. */
function fieldsOf({ dataFields }: UserWrite): Value {
  return Object.fromEntries(
    Object.entries(dataFields).filter(([field]) => field !== 'email' && field !== 'userId'),
  );
}

/** Refuses the whole call, including users without new fields, since the limit belongs to the project. */
function fieldsRefusal(store: Store, users: readonly UserWrite[], limit: number): JsonAnswer | undefined {
  const newFields = [...new Set(users.flatMap((user) => store.fields.unknown(fieldsOf(user))))];
  const requestedTotal = store.fields.types.size + newFields.length;
  if (newFields.length === 0 || requestedTotal <= limit) return undefined;
  const params = { limit, requestedTotal, newFields };
  return failure(400, 'UniqueFieldsLimitExceeded', 'The project has too many unique fields', params);
}

function forgottenRefusal(store: Store, users: readonly UserWrite[], status: number): JsonAnswer | undefined {
  const isForgotten = users.some(
    ({ email, userId }) =>
      store.forgotten.has(email?.toLowerCase() ?? '') || store.forgotten.has(userId ?? ''),
  );
  return isForgotten
    ? failure(status, 'ForgottenUserError', 'A user of the request has been forgotten')
    : undefined;
}

/** Also applies to fields created by the request itself: their first value in it fixes the type. */
function typesRefusal(store: Store, users: readonly UserWrite[], createNewFields: boolean) {
  const fields = new Fields(Object.fromEntries(store.fields.types));
  let first: Mismatch | undefined;
  for (const user of users) {
    [first] = fields.mismatches(fieldsOf(user));
    if (first) break;
    if (createNewFields) fields.learn(fieldsOf(user));
  }
  if (!first) return undefined;
  return {
    status: 400,
    body: {
      msg: 'Request fields types mismatched',
      code: 'RequestFieldsTypesMismatched',
      params: {
        validationErrors: {
          [first.field]: {
            incomingTypes: [first.incomingType, 'keyword'],
            expectedType: first.expectedType,
            category: 'user',
            offendingValue: toPlain(first.value),
            _type: 'UnexpectedType',
          },
        },
      },
    },
  };
}

function without(value: Value, dropped: readonly string[], path = ''): Value {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, child]): [string, string, Value] => [key, path === '' ? key : `${path}.${key}`, child])
      .filter(([, dotted]) => !dropped.includes(dotted))
      .map(([key, dotted, child]) => [key, without(child, dropped, dotted)]),
  );
}

/** users/bulkUpdate: applies users one by one and answers as Iterable does, in both of its styles for a wrong type. */
import type { FailureList, Store, UserWrite } from './store.ts';
import { isObject, toPlain, type Value } from './values.ts';

/** A wrong type fails the user alone (`lists`) or the whole request (`whole`). */
export type WrongTypeStyle = 'lists' | 'whole';

export function bulkUpdate(
  store: Store,
  users: readonly UserWrite[],
  createNewFields: boolean,
  style: WrongTypeStyle,
) {
  if (style === 'whole') {
    const refusal = wholeRefusal(store, users);
    if (refusal) return refusal;
  }
  const failed: Record<FailureList, string[]> = {
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
  const createdFields = new Set<string>();
  const filteredOutFields = new Set<string>();
  let failCount = 0;
  for (const user of users) {
    if (store.fields.mismatches(fieldsOf(user)).length > 0) {
      failed[user.email === undefined ? 'invalidDataUserIds' : 'invalidDataEmails'].push(
        user.email?.toLowerCase() ?? user.userId ?? '',
      );
      failCount++;
      continue;
    }
    const unknown = store.fields.unknown(fieldsOf(user));
    const dataFields = createNewFields
      ? user.dataFields
      : (without(user.dataFields, unknown) as UserWrite['dataFields']);
    const failure = store.write({ ...user, dataFields });
    if (failure) {
      failed[failure.list].push(failure.value);
      failCount++;
      continue;
    }
    for (const field of unknown) (createNewFields ? createdFields : filteredOutFields).add(field);
    if (createNewFields) store.fields.learn(fieldsOf(user));
  }
  return {
    status: 200,
    body: {
      successCount: users.length - failCount,
      failCount,
      createdFields: [...createdFields],
      filteredOutFields: [...filteredOutFields],
      invalidEmails: failed.invalidEmails,
      invalidUserIds: failed.invalidUserIds,
      failedUpdates: failed,
    },
  };
}

/** Identities are not data fields: their rules are the store's. */
function fieldsOf({ dataFields }: UserWrite): Value {
  return Object.fromEntries(
    Object.entries(dataFields).filter(([field]) => field !== 'email' && field !== 'userId'),
  );
}

function wholeRefusal(store: Store, users: readonly UserWrite[]) {
  const [first] = users.flatMap((user) => store.fields.mismatches(fieldsOf(user)));
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

/** The handlers of calls that change one user: users/update and users/updateEmail. */
import { failure, success, type JsonAnswer } from './answers.ts';
import { applyUsers, type Failures } from './bulk-update.ts';
import { createsFields, type Context, type Handler } from './context.ts';
import { identityFailure, type FailureList, type Identity } from './identities.ts';
import {
  BadRequest,
  readBody,
  readOptionalBoolean,
  readOptionalString,
  readString,
  readUser,
  refuseWrongTypes,
  USER_PROPERTIES,
} from './requests.ts';

export const update: Handler = (context, { contentType, body }) => {
  const request = readBody(contentType, body, [...Object.keys(USER_PROPERTIES), 'createNewFields']);
  const createNewFields = createsFields(context, readOptionalBoolean(request, 'createNewFields'));
  const user = { ...request };
  delete user.createNewFields;
  refuseWrongTypes([user], () => 'obj');
  const write = readUser(user);
  return context.traffic.run({ name: 'users/update', kind: 'single', users: [[write]] }, () => {
    const { status, body, profiles, failed } = applyUsers(context.store, [write], {
      maxFields: context.options.maxFields ?? Infinity,
      createNewFields,
      style: 'whole',
    });
    const answer = failed ? (refusal(context, failed) ?? success()) : { status, body };
    return { answer, profiles };
  });
};

/** Only for email-based projects: the other types change an address like any other field. */
export const updateEmail: Handler = (context, { contentType, body }) => {
  const { store } = context;
  const request = readBody(contentType, body, ['currentEmail', 'currentUserId', 'newEmail']);
  const email = readOptionalString(request, 'currentEmail');
  const userId = readOptionalString(request, 'currentUserId');
  const newEmail = readString(request, 'newEmail');
  if (store.projectType !== 'email')
    throw new BadRequest(`users/updateEmail on a project of type ${store.projectType}`);
  if ((email === undefined) === (userId === undefined))
    throw new BadRequest('users/updateEmail needs currentEmail or currentUserId, not both');
  const current = email === undefined ? { userId: userId ?? '' } : { email };
  return context.traffic.run(
    { name: 'users/updateEmail', kind: 'single', users: [[current, { email: newEmail }]] },
    () => {
      const refused = emailRefusal(context, current, newEmail);
      const profile = store.profileOf(current);
      if (refused || profile === undefined) return { answer: refused ?? success(), profiles: [] };
      store.changeEmail(profile, newEmail);
      return { answer: success(), profiles: [profile] };
    },
  );
};

function emailRefusal(context: Context, current: Identity, newEmail: string): JsonAnswer | undefined {
  const { store, options } = context;
  const malformed =
    identityFailure(current, {}, store.forgotten) ??
    identityFailure({ email: newEmail }, {}, store.forgotten);
  if (malformed) return refusalOf(context, malformed.list, malformed.value);
  const taken =
    store.profileOf({ email: newEmail }) === undefined
      ? undefined
      : failure(400, 'EmailAlreadyExists', `Email already exists: ${newEmail.toLowerCase()}`);
  const unknown = store.profileOf(current) === undefined ? unknownUser(current) : undefined;
  return options.updateEmailChecksFirst === 'current' ? (unknown ?? taken) : (taken ?? unknown);
}

function unknownUser({ email, userId }: Identity): JsonAnswer {
  return email === undefined
    ? failure(400, 'UnknownUserIdError', `Unknown userId: ${userId ?? ''}`)
    : failure(400, 'UnknownEmailError', `Unknown email: ${email.toLowerCase()}`);
}

/** Converts the failures of a bulk answer to the answer of a single-user call. */
function refusal(context: Context, failed: Failures): JsonAnswer | undefined {
  for (const [list, [value]] of Object.entries(failed) as [FailureList, string[]][]) {
    if (value !== undefined) return refusalOf(context, list, value);
  }
  return undefined;
}

/** Converts one failure of a bulk answer to the answer of a single-user call. */
export function refusalOf({ options }: Context, list: FailureList, value: string): JsonAnswer {
  const { conflictStatus: conflict = 400, forgottenStatus: forgotten = 409 } = options;
  switch (list) {
    case 'invalidEmails':
      return failure(400, 'InvalidEmailAddressError', `Invalid email: ${value}`);
    case 'invalidUserIds':
      return failure(400, 'InvalidUserIdError', `Invalid userId: ${value}`);
    case 'notFoundEmails':
      return unknownUser({ email: value });
    case 'notFoundUserIds':
      return unknownUser({ userId: value });
    case 'conflictEmails':
      return failure(conflict, 'EmailAlreadyExists', `Email already exists: ${value}`);
    case 'conflictUserIds':
      return failure(conflict, 'UserIdAlreadyExists', `UserId already exists: ${value}`);
    case 'forgottenEmails':
    case 'forgottenUserIds':
      return failure(forgotten, 'ForgottenUserError', `User has been forgotten: ${value}`);
    case 'invalidDataEmails':
    case 'invalidDataUserIds':
      return failure(400, 'BadParams', `Invalid data: ${value}`);
  }
}

/** The handlers of calls for users: look-ups, deletions, users/bulkUpdate. */
import { failure, success, type Answer } from './answers.ts';
import { applyUsers } from './bulk-update.ts';
import { createsFields, refusalStyle, type Context, type Handler } from './context.ts';
import { identityFailure, type Identity } from './identities.ts';
import { BadRequest, queryValue, readBody, readOptionalBoolean, readUsers } from './requests.ts';
import { refusalOf } from './single-user.ts';

export const getFields: Handler = ({ store }) => ({
  status: 200,
  body: { fields: Object.fromEntries(store.fields.types) },
});

export const getByEmail: Handler = (context, { url }) => lookUp(context, { email: queryValue(url, 'email') });

export const getByUserId: Handler = (context, { url }) =>
  lookUp(context, { userId: queryValue(url, 'userId') });

export const getByEmailInPath: Handler = (context, { segment }) => lookUp(context, { email: segment });

export const getByUserIdInPath: Handler = (context, { segment }) => lookUp(context, { userId: segment });

/** A malformed identity is refused, not answered as an unknown user. */
function lookUp(context: Context, identity: Identity): Answer {
  const { store, deletions } = context;
  const malformed = identityFailure(identity, {}, new Set());
  if (malformed) return refusalOf(context, malformed.list, malformed.value);
  const user = deletions.lookUp(identity) ?? store.shown(identity)[0];
  return { status: 200, body: user ? { user } : {} };
}

export const deleteByEmail: Handler = ({ store, deletions }, { segment }) => {
  if (store.projectType === 'user_id') throw new BadRequest('deletion by email on a userID-based project');
  deletions.add(store.shown({ email: segment }));
  store.deleteByEmail(segment);
  return success();
};

export const deleteByUserId: Handler = ({ store, deletions, options }, { segment }) => {
  deletions.add(store.shown({ userId: segment }));
  const isKnown = store.deleteByUserId(segment);
  const { unknownUserIdStatus = 400 } = options;
  if (isKnown || unknownUserIdStatus === 200) return success();
  return unknownUserIdStatus === 404
    ? failure(404, 'NotFound', 'unknown user')
    : failure(400, 'BadParams', `User does not exist. Email:  UserId: ${segment}`);
};

export const bulkUpdate: Handler = (context, { contentType, body }) => {
  const request = readBody(contentType, body, ['users', 'createNewFields']);
  const users = readUsers(request, 'users');
  const createNewFields = createsFields(context, readOptionalBoolean(request, 'createNewFields'));
  return context.traffic.run(
    { name: 'users/bulkUpdate', kind: 'bulk', users: users.map((user) => [user]) },
    () => {
      const { status, body, profiles } = applyUsers(context.store, users, {
        ...refusalStyle(context),
        createNewFields,
      });
      return { answer: { status, body }, profiles };
    },
  );
};

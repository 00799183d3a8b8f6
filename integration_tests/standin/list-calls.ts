/** The handlers of calls for lists. */
import { failure, type Answer } from './answers.ts';
import { applyUsers, bulkBody, noFailures } from './bulk-update.ts';
import { createsFields, refusalStyle, type Handler } from './context.ts';
import type { Identity } from './identities.ts';
import { invalidListId } from './lists.ts';
import {
  BadRequest,
  integerOf,
  queryValue,
  readBody,
  readIdentities,
  readInteger,
  readOptionalBoolean,
  readOptionalInteger,
  readOptionalString,
  readString,
  readUsers,
} from './requests.ts';

export const getLists: Handler = ({ lists }) => ({ status: 200, body: { lists: lists.read() } });

export const createList: Handler = ({ lists }, { contentType, body }) => {
  const request = readBody(contentType, body, ['name', 'description']);
  const listId = lists.create(readString(request, 'name'), readOptionalString(request, 'description'));
  return { status: 200, body: { listId } };
};

/** Writes each user like bulkUpdate, and adds those that were written to the list. */
export const subscribe: Handler = (context, { contentType, body }) => {
  const request = readBody(contentType, body, ['listId', 'subscribers', 'updateExistingUsersOnly']);
  const listId = readInteger(request, 'listId');
  const users = readUsers(request, 'subscribers');
  const onlyExisting = readOptionalBoolean(request, 'updateExistingUsersOnly') ?? false;
  const { store, lists } = context;
  lists.requireStatic(listId);
  if (!lists.isUsable(listId)) return failure(400, 'BadParams', invalidListId(listId));
  return context.traffic.run(
    { name: 'lists/subscribe', kind: 'list', users: users.map((user) => [user]) },
    () => {
      const { status, body, profiles } = applyUsers(store, users, {
        ...refusalStyle(context),
        createNewFields: createsFields(context),
        onlyExisting,
      });
      for (const profile of profiles) store.join(profile, listId);
      return { answer: { status, body }, profiles };
    },
  );
};

export const unsubscribe: Handler = ({ store, lists, traffic, unexpected }, { contentType, body }) => {
  const known = ['listId', 'subscribers', 'campaignId', 'channelUnsubscribe'];
  const request = readBody(contentType, body, known);
  const listId = readInteger(request, 'listId');
  const users = readIdentities(request, 'subscribers');
  readOptionalInteger(request, 'campaignId');
  lists.requireStatic(listId);
  // True unsubscribes users from the whole channel, and the default has not always been false.
  if (readOptionalBoolean(request, 'channelUnsubscribe') !== false)
    unexpected.push('lists/unsubscribe: channelUnsubscribe not false');
  return traffic.run({ name: 'lists/unsubscribe', kind: 'list', users: users.map((user) => [user]) }, () => {
    const failed = noFailures();
    let successCount = 0;
    for (const user of users) {
      const refusal = store.leave(user, listId);
      if (refusal) failed[refusal.list].push(refusal.value);
      else successCount++;
    }
    return { answer: { status: 200, body: bulkBody(successCount, failed) }, profiles: [] };
  });
};

/** Every member, one per line. */
export const getMembers: Handler = ({ store, lists }, { url }) => {
  const listId = integerOf(queryValue(url, 'listId'), 'listId');
  const preferUserId = url.searchParams.get('preferUserId') ?? 'false';
  if (preferUserId !== 'true' && preferUserId !== 'false')
    throw new BadRequest('preferUserId is not a boolean');
  lists.require(listId);
  const byUserId =
    store.projectType === 'user_id' || (store.projectType === 'hybrid' && preferUserId === 'true');
  return text(lines(store.membersOf(listId), byUserId));
};

export const getSize: Handler = ({ store, lists }, { segment }) => {
  const listId = integerOf(segment, 'listId');
  lists.require(listId);
  return text([String([...store.membersOf(listId)].length)]);
};

function* lines(members: Iterable<Identity>, byUserId: boolean): Generator<string> {
  for (const { email, userId } of members)
    yield `${(byUserId ? (userId ?? email) : (email ?? userId)) ?? ''}\n`;
}

function text(pieces: Iterable<string>): Answer {
  return { status: 200, contentType: 'text/plain; charset=utf-8', pieces };
}

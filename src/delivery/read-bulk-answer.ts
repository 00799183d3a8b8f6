/** Reads from the HTTP 200 answer of a bulk call which users of the group were not delivered, and why. */
import type { UserRequest } from '../batching/user-request.ts';
import { namedFailures, type FailureKind, type NamedFailure } from '../iterable/failures.ts';
import type { BulkAnswer } from '../iterable/schemas.ts';
import type { Rejection } from '../model.ts';
import type { GroupAnswer } from './narrow.ts';

/** The outcome of one bulk call for its users. */
export type GroupOutcome = GroupAnswer<UserRequest, Rejection>;

/**
 * The users that a 200 does not confirm. The answer is `unexplained` if it counts more failed users than it names.
 * @param harmless kinds of failure that count as delivered
 */
export function readBulkAnswer(
  group: readonly UserRequest[],
  answer: BulkAnswer,
  harmless: readonly FailureKind[] = [],
): GroupOutcome {
  const failures = namedFailures(answer);
  const rejected = new Map<UserRequest, Rejection>();
  const unresolved: NamedFailure[] = [];
  const fine = new Set<UserRequest>();
  for (const failure of failures) {
    const user = findNamed(group, failure);
    if (user && harmless.includes(failure.kind)) fine.add(user);
    else if (user) rejected.set(user, describeFailure(failure));
    else unresolved.push(failure);
  }
  const failed = Math.max(answer.failCount, group.length - answer.successCount);
  if (failed <= rejected.size + fine.size) return { kind: 'settled', rejected };
  const [unnamed] = unresolved;
  const reason: Rejection = unnamed
    ? describeFailure(unnamed)
    : { code: 'unexplained', reason: 'Iterable counted the user as failed without saying why' };
  return { kind: 'unexplained', rejected, reason };
}

/**
 * The user that a name in the answer refers to. A conflict names the existing address or id that caused it, which is the
 * new address or id of some user of the request. A user that is merely identified by it, and changes neither, is not meant.
 */
function findNamed(
  group: readonly UserRequest[],
  { kind, identity, value }: NamedFailure,
): UserRequest | undefined {
  const wanted = group.find((user) => wantedIdentity(user, identity) === value);
  const named = group.find((user) => identityValue(user, identity) === value);
  if (kind === 'conflict') return wanted ?? (named && wantsAnyIdentity(named) ? named : undefined);
  return named ?? wanted;
}

function identityValue({ key }: UserRequest, identity: 'email' | 'userId'): string | undefined {
  return key.kind === identity ? key.value : undefined;
}

function wantedIdentity(user: UserRequest, identity: 'email' | 'userId'): string | undefined {
  return identity === 'email' ? user.newEmail : user.newUserId;
}

function wantsAnyIdentity(user: UserRequest): boolean {
  return user.newEmail !== undefined || user.newUserId !== undefined;
}

/** The text of the answer goes to the rejected records only, never to logs: it contains an address or id. */
function describeFailure(failure: NamedFailure): Rejection {
  const list = `${failure.kind}${failure.identity === 'email' ? 'Emails' : 'UserIds'}`;
  return { ...explain(failure), answer: `${list}: ${failure.value}` };
}

function explain({ kind, identity }: NamedFailure): Rejection {
  switch (kind) {
    case 'invalid':
      return identity === 'email'
        ? { code: 'invalid_email', field: 'email', reason: 'Iterable calls the address malformed' }
        : { code: 'invalid_user_id', field: 'userId', reason: 'Iterable calls the user id malformed' };
    case 'invalidData':
      return { code: 'invalid_data', reason: 'Iterable refused a data field, mostly for its type' };
    case 'notFound':
      return { code: 'not_found', reason: 'Iterable does not know the user' };
    case 'conflict':
      return {
        code: 'conflict',
        field: identity,
        reason: 'another user of the project has this address or user id already',
      };
    case 'forgotten':
      return { code: 'forgotten', reason: 'the person was erased under GDPR and can never be written again' };
  }
}

/**
 * Delivers users by a bulk call: halves a body that is too large, isolates the users that are refused, and fails when the
 * refusals can't be blamed on users.
 */
import type { UserRequest } from '../batching/user-request.ts';
import { ApiError } from '../iterable/errors.ts';
import type { Rejection } from '../model.ts';
import { classify } from './classify.ts';
import { deliverNarrowing } from './narrow.ts';
import type { GroupOutcome } from './read-bulk-answer.ts';
import { readRefusal } from './refusals.ts';
import type { UnknownRefusals } from './unknown-refusals.ts';

/**
 * Returns the users that Iterable refused. Throws whatever `call` throws except ApiErrors, and the TransientError of
 * {@link UnknownRefusals}.
 * @param call makes the bulk call for some of the users
 */
export function deliverInBulk(
  users: readonly UserRequest[],
  call: (group: readonly UserRequest[]) => Promise<GroupOutcome>,
  refusals: UnknownRefusals,
): Promise<Map<UserRequest, Rejection>> {
  let hasPassed = false;
  let refusedAlone = 0;

  const send = async (group: readonly UserRequest[]): Promise<GroupOutcome> => {
    try {
      const outcome = await call(group);
      hasPassed = true;
      return outcome;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (group.length > 1 && classify(error) === 'halve') return sendHalves(group);
      const outcome = readRefusal(group, error);
      if (group.length === 1 && outcome.guilty.size === 0 && !hasPassed)
        refusals.noteAlone(error, ++refusedAlone);
      return outcome;
    }
  };

  /** The body is within our limit but too large for Iterable or a gateway. No user is at fault, so each half is sent separately. */
  const sendHalves = async (group: readonly UserRequest[]): Promise<GroupOutcome> => {
    const middle = group.length >> 1;
    const rejected = new Map<UserRequest, Rejection>();
    for (const half of [group.slice(0, middle), group.slice(middle)]) {
      for (const [user, rejection] of await deliverNarrowing(half, send)) rejected.set(user, rejection);
    }
    return { kind: 'settled', rejected };
  };

  return deliverNarrowing(users, send);
}

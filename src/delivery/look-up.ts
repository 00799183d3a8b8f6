import type { IterableClient, Operation } from '../iterable/client.ts';
import type { IterableUser } from '../iterable/schemas.ts';
import type { UserKey } from '../model.ts';

/** Looks up the profile that has the identity; undefined if there is none. */
export function lookUp(
  client: IterableClient,
  { kind, value }: UserKey,
): Operation<IterableUser | undefined> {
  return kind === 'email' ? client.getByEmail(value) : client.getByUserId(value);
}

/** Reads which identities a bulk answer names as failed. The caller maps them to the users of the request. */
import type { BulkAnswer } from './schemas.ts';

/** Why Iterable did not update a user; the property names in `failedUpdates` without `Emails` or `UserIds`. */
export type FailureKind = 'invalid' | 'notFound' | 'invalidData' | 'conflict' | 'forgotten';

export interface NamedFailure {
  readonly kind: FailureKind;
  readonly identity: 'email' | 'userId';
  /** As in the answer, with addresses in lower case. For a conflict it is the existing address or id that caused it. */
  readonly value: string;
}

const KINDS: readonly FailureKind[] = ['invalid', 'notFound', 'invalidData', 'conflict', 'forgotten'];

/** Every failure in the answer's lists, the deprecated ones included, without duplicates. */
export function namedFailures(answer: BulkAnswer): NamedFailure[] {
  const found = new Map<string, NamedFailure>();
  const add = (kind: FailureKind, identity: 'email' | 'userId', values: readonly string[]) => {
    for (const value of values) {
      const failure = { kind, identity, value: identity === 'email' ? value.toLowerCase() : value };
      found.set(`${kind} ${identity} ${failure.value}`, failure);
    }
  };
  for (const kind of KINDS) {
    add(kind, 'email', answer.failedUpdates[`${kind}Emails`]);
    add(kind, 'userId', answer.failedUpdates[`${kind}UserIds`]);
  }
  add('invalid', 'email', withoutNamed(answer.invalidEmails, found, 'email'));
  add('invalid', 'userId', withoutNamed(answer.invalidUserIds, found, 'userId'));
  return [...found.values()];
}

/** The deprecated lists hold every failed user, whatever the reason. So this drops the names that another list already holds. */
function withoutNamed(
  values: readonly string[],
  found: ReadonlyMap<string, NamedFailure>,
  identity: 'email' | 'userId',
): string[] {
  const named = new Set(
    [...found.values()].filter((failure) => failure.identity === identity).map((failure) => failure.value),
  );
  return values.filter((value) => !named.has(identity === 'email' ? value.toLowerCase() : value));
}

/** Reads whom a bulk answer names as failed. What a name means for which request is for the caller to resolve. */
import type { BulkAnswer } from './schemas.ts';

/** Why Iterable did not update someone; the names of `failedUpdates` without their endings. */
export type FailureKind = 'invalid' | 'notFound' | 'invalidData' | 'conflict' | 'forgotten';

export interface NamedFailure {
  readonly kind: FailureKind;
  /** Which identity the value is. */
  readonly identity: 'email' | 'userId';
  /** As Iterable names it: an address comes back in lower case. For a conflict it is the existing value that stood in the way. */
  readonly value: string;
}

const KINDS: readonly FailureKind[] = ['invalid', 'notFound', 'invalidData', 'conflict', 'forgotten'];

/** Every name in the answer's lists, the deprecated ones included, each once. */
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

/** The deprecated lists hold every failed user, whatever the reason: only names that no other list explains count. */
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

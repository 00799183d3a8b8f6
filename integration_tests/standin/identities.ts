/** What an address and an id must look like, and the words for those that fail. */
import { toPlain, type Value } from './values.ts';

/** How a request names a user: by one of the two. */
export interface Identity {
  readonly email?: string;
  readonly userId?: string;
}

export type FailureList =
  | 'invalidEmails'
  | 'invalidUserIds'
  | 'notFoundEmails'
  | 'notFoundUserIds'
  | 'invalidDataEmails'
  | 'invalidDataUserIds'
  | 'conflictEmails'
  | 'conflictUserIds'
  | 'forgottenEmails'
  | 'forgottenUserIds';

export interface WriteFailure {
  readonly list: FailureList;
  readonly value: string;
}

/** The first address, then id, that is malformed or forgotten; the data fields may hold new ones. */
export function identityFailure(
  { email, userId }: Identity,
  dataFields: { readonly [field: string]: Value },
  forgotten: ReadonlySet<string>,
): WriteFailure | undefined {
  const emails = [email, dataFields.email].filter((value) => value !== undefined && value !== null);
  const userIds = [userId, dataFields.userId].filter((value) => value !== undefined && value !== null);
  for (const value of emails) {
    if (typeof value !== 'string' || !isEmail(value))
      return { list: 'invalidEmails', value: unquoted(value).toLowerCase() };
    if (forgotten.has(value.toLowerCase())) return { list: 'forgottenEmails', value: value.toLowerCase() };
  }
  for (const value of userIds) {
    if (typeof value !== 'string' || !isUserId(value))
      return { list: 'invalidUserIds', value: unquoted(value) };
    if (forgotten.has(value)) return { list: 'forgottenUserIds', value };
  }
  return undefined;
}

/** An unknown user, as the bulk calls name it. */
export function notFound({ email, userId }: Identity): WriteFailure {
  return email === undefined
    ? { list: 'notFoundUserIds', value: userId ?? '' }
    : { list: 'notFoundEmails', value: email.toLowerCase() };
}

function unquoted(value: Value): string {
  return JSON.stringify(toPlain(value)).replaceAll('"', '');
}

function isEmail(text: string): boolean {
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text);
}

/** At most 52 printable ASCII characters, not ending in a blank. */
function isUserId(text: string): boolean {
  return /^[ -~]{1,52}$/.test(text) && !text.endsWith(' ');
}

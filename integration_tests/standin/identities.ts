/** Checks addresses and user ids, and names the failures as Iterable does. */
import { toPlain, type Value } from './values.ts';

/** How a request identifies a user: by exactly one of the two. */
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

/** The first address, or else user id, that is malformed or forgotten, including new ones in the data fields. */
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

/** An unknown user, as bulk calls report it. */
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

/** At most 52 printable ASCII characters, not ending with a space. */
function isUserId(text: string): boolean {
  return /^[ -~]{1,52}$/.test(text) && !text.endsWith(' ');
}

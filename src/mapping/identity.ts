/** Normalizes emails and user ids in one place, so that two spellings of one email are one user. */
import { ExactNumber, isJsonObject, type JsonValue } from '../json.ts';
import { Refusal } from './coerce.ts';
import type { UserKey } from '../model.ts';
import { canonicalNumber } from './numbers.ts';

/** Trimmed and lower-cased, since Iterable compares emails in lower case. Undefined if blank, which is no email. */
export function normalizeEmail(value: JsonValue): string | undefined | Refusal {
  return identityText(value, (text) => text.trim().toLowerCase());
}

/**
 * Text is kept as it is: Iterable's user ids are case-sensitive, and a space makes a different user. A number becomes
 * the canonical text of its value, since 7000, 7000.0 and 7E+3 are the same id. Undefined if empty, which is no id.
 */
export function normalizeUserId(value: JsonValue): string | undefined | Refusal {
  return identityText(value, (text) => text);
}

/** Iterable accepts at most 52 printable ASCII characters, the last of which is not a space. */
const USER_ID = /^[ -~]{0,51}[!-~]$/;

/**
 * False for an email or user id that Iterable certainly refuses, such as a file's header that arrives as a row.
 * Iterable decides about all others.
 */
export function mayBeTaken({ kind, value }: UserKey): boolean {
  if (kind === 'userId') return USER_ID.test(value);
  const at = value.indexOf('@');
  return at > 0 && at < value.length - 1;
}

function identityText(value: JsonValue, fold: (text: string) => string): string | undefined | Refusal {
  if (value === null) return undefined;
  if (Array.isArray(value)) return new Refusal('expected text or a number, found a list');
  if (isJsonObject(value)) return new Refusal('expected text or a number, found an object');
  if (typeof value === 'number' || value instanceof ExactNumber) return canonicalNumber(value);
  return fold(String(value)) || undefined;
}

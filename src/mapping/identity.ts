/** Addresses and user ids: folded once, here, so that two spellings of one address are one person. */
import { ExactNumber, isJsonObject, type JsonValue } from '../json.ts';
import { Refusal } from './coerce.ts';
import type { UserKey } from '../model.ts';
import { canonicalNumber } from './numbers.ts';

/** Trimmed and lower-cased, since Iterable compares addresses in lower case. Undefined when it is blank: no address. */
export function normalizeEmail(value: JsonValue): string | undefined | Refusal {
  return identityText(value, (text) => text.trim().toLowerCase());
}

/**
 * A text is kept as it is: Iterable's user ids are case-sensitive, and blanks make another user. A number is the text of its value, since
 * 7000, 7000.0 and 7E+3 are one id. Undefined when it is empty: no id.
 */
export function normalizeUserId(value: JsonValue): string | undefined | Refusal {
  return identityText(value, (text) => text);
}

/** Iterable takes at most 52 printable ASCII characters that do not end in a blank. */
const USER_ID = /^[ -~]{0,51}[!-~]$/;

/**
 * False for an address or id that Iterable refuses for certain, as the header of a file that comes as a row. Iterable has the last word
 * on all others.
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

/** Addresses and user ids: folded once, here, so that two spellings of one address are one person. */
import { isJsonObject, type JsonValue } from '../json.ts';
import { Refusal, scalarText } from './coerce.ts';

/** Trimmed and lower-cased, since Iterable compares addresses in lower case. Undefined when it is blank: no address. */
export function normalizeEmail(value: JsonValue): string | undefined | Refusal {
  return identityText(value, (text) => text.trim().toLowerCase());
}

/**
 * Kept as it is: Iterable's user ids are case-sensitive, and blanks make another user. A number is its exact text.
 * Undefined when it is empty: no id.
 */
export function normalizeUserId(value: JsonValue): string | undefined | Refusal {
  return identityText(value, (text) => text);
}

function identityText(value: JsonValue, fold: (text: string) => string): string | undefined | Refusal {
  if (value === null) return undefined;
  if (Array.isArray(value)) return new Refusal('expected text or a number, found a list');
  if (isJsonObject(value)) return new Refusal('expected text or a number, found an object');
  return fold(scalarText(value)) || undefined;
}

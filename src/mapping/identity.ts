/** Addresses and user ids: folded once, here, so that two spellings of one address are one person. */
import { isJsonObject, type JsonValue } from '../json.ts';
import { scalarText } from './coerce.ts';

export type IdentityRead =
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'blank' }
  | { readonly kind: 'unusable' };

/** Trimmed and lower-cased, since Iterable compares addresses in lower case. */
export function readEmail(value: JsonValue): IdentityRead {
  return readText(value, (text) => text.trim().toLowerCase());
}

/** Kept as it is: Iterable's user ids are case-sensitive, and blanks make another user. A number is its exact text. */
export function readUserId(value: JsonValue): IdentityRead {
  return readText(value, (text) => text);
}

function readText(value: JsonValue, fold: (text: string) => string): IdentityRead {
  if (value === null) return { kind: 'blank' };
  if (Array.isArray(value) || isJsonObject(value)) return { kind: 'unusable' };
  const text = fold(scalarText(value));
  return text === '' ? { kind: 'blank' } : { kind: 'value', value: text };
}

/** Decides whether a record is a deletion. */
import { ExactNumber, type JsonValue } from '../json.ts';
import { FALSE_TEXTS, Refusal, TRUE_TEXTS } from './coerce.ts';
import { isPlaceholderDate } from './dates.ts';
import { isZero } from './numbers.ts';

/** Texts that sources write for no value, besides those for false. */
const NOTHING: ReadonlySet<string> = new Set(['', 'null', 'none', 'nan']);

/** The values that mark a deletion, in words. */
export const DELETION_VALUES =
  'true, a number other than 0, a date (no zero date and none of the year 9999), or one of the texts true, t, yes, y and 1';

const NEITHER = new Refusal(
  `expected a value that marks a deletion (${DELETION_VALUES}) or one that marks none (null, false, 0, a zero date, or one of the texts false, f, no, n, null, none and nan), found another value`,
);

/**
 * Whether the deletion column's value marks a deletion; a refusal if that would be a guess, since a deleted user can't
 * be restored.
 */
export function readDeletion(value: JsonValue): boolean | Refusal {
  if (value === null) return false;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number' || value instanceof ExactNumber) return isZero(value) === false;
  return typeof value === 'string' ? readText(value.trim()) : NEITHER;
}

function readText(text: string): boolean | Refusal {
  const word = text.toLowerCase();
  if (NOTHING.has(word) || FALSE_TEXTS.has(word)) return false;
  if (TRUE_TEXTS.has(word)) return true;
  const zero = isZero(text);
  if (zero !== undefined) return !zero;
  const isPlaceholder = isPlaceholderDate(text);
  return isPlaceholder === undefined ? NEITHER : !isPlaceholder;
}

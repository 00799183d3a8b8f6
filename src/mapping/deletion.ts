/** When a record is a deletion. */
import type { JsonValue } from '../json.ts';
import { ExactNumber } from '../json.ts';

const NOT_DELETED = new Set(['', '0', 'false', 'f', 'no', 'n']);

/** True unless the deletion column's value is null, false, 0, or one of the texts for no. */
export function isDeletion(value: JsonValue): boolean {
  if (value === null || value === false) return false;
  if (typeof value === 'number') return value !== 0;
  if (value instanceof ExactNumber) return Number(value.text) !== 0;
  return typeof value === 'string' ? !NOT_DELETED.has(value.trim().toLowerCase()) : true;
}

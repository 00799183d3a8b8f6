/** Reads the primary key of a record as one string. */
import { ExactNumber, isJsonObject, stringifyIfPossible, type JsonObject, type JsonValue } from '../json.ts';
import { canonicalNumber, isCanonicalNumber } from './numbers.ts';
import { isUnchanged } from './unchanged-marks.ts';

/**
 * The key's text ({@link primaryKeyText}); undefined if a part of it is missing, null, marked as unchanged, or nested
 * too deeply to be serialized.
 */
export type PrimaryKeyReader = (data: JsonObject) => string | undefined;

/** Undefined for a stream without a primary key. Each path leads into objects, one name per level. */
export function primaryKeyReader(paths: readonly (readonly string[])[]): PrimaryKeyReader | undefined {
  if (paths.length === 0) return undefined;
  return (data) => {
    const parts: JsonValue[] = [];
    for (const path of paths) {
      const part = follow(data, path);
      if (part === undefined || part === null || isUnchanged(part)) return undefined;
      parts.push(part);
    }
    return primaryKeyText(parts);
  };
}

/**
 * The parts as a JSON array, with numbers in canonical form: 7000, 7000.0, 7E+3 and the text "7000" all give `[7000]`.
 * Other texts ("007", "7000.0") stay as they are. Undefined if they are nested too deeply to be serialized.
 */
export function primaryKeyText(parts: readonly JsonValue[]): string | undefined {
  try {
    return stringifyIfPossible(parts.map(byValue));
  } catch (error) {
    // The stack overflowed before serializing.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function byValue(part: JsonValue): JsonValue {
  // The common case; minus zero is written as 0.
  if (Number.isSafeInteger(part)) return part;
  if (typeof part === 'string') return isCanonicalNumber(part) ? numberOf(part) : part;
  if (typeof part === 'number' || part instanceof ExactNumber) return numberOf(canonicalNumber(part));
  if (Array.isArray(part)) return part.map(byValue);
  if (!isJsonObject(part)) return part;
  // From entries, since a name may be __proto__.
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, byValue(value)]));
}

function numberOf(canonical: string): number | ExactNumber {
  const number = Number(canonical);
  return String(number) === canonical ? number : new ExactNumber(canonical);
}

function follow(data: JsonObject, path: readonly string[]): JsonValue | undefined {
  let at: JsonValue | undefined = data;
  for (const segment of path) {
    if (!isJsonObject(at) || !Object.hasOwn(at, segment)) return undefined;
    at = at[segment];
  }
  return at;
}

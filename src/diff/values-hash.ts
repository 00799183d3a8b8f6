/** A hash of a record's values: the ledger can tell whether they changed, and does not store them. */
import { hash } from 'node:crypto';
import { ExactNumber, hasKeys, stringifyIfPossible, type JsonValue } from '../json.ts';
import type { TargetValues } from '../model.ts';
import { numberValue } from './number-value.ts';

/**
 * Of {@link valuesHash}; the entry has it. The first version, {@link olderValuesHash}, differed where the keys of a nested object
 * came in another order.
 */
export const HASH_VERSION = 2;

/**
 * Base64 of a SHA-256 in 43 characters. The order of targets and of nested keys makes no difference, nor does how a number is
 * written. Empty, which is like no other, where a value is nested too deeply to be written: its record is rejected when its
 * request is made.
 */
export function valuesHash(values: TargetValues): string {
  return hashOf(values, inKeyOrder);
}

/** Of the first version: nested keys count in the order in which they came. */
export function olderValuesHash(values: TargetValues): string {
  return hashOf(values, (value) => value);
}

function hashOf(values: TargetValues, form: (value: JsonValue) => JsonValue): string {
  const parts: JsonValue[] = [];
  for (const target of sortedTargets(values)) parts.push(target, form(values[target] ?? null));
  const text = stringifyIfPossible(parts, numberValue);
  return text === undefined ? '' : hash('sha256', text, 'base64').slice(0, 43);
}

/** The same text for the same value, whatever the order of its keys and the notation of its numbers; undefined where it is nested too deeply. */
export function canonicalText(value: JsonValue): string | undefined {
  return stringifyIfPossible(inKeyOrder(value), numberValue);
}

/** The value with the keys of its objects in order. */
function inKeyOrder(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  try {
    return sortedKeys(value);
  } catch (error) {
    // Nested so deeply that the stack runs out: it is compared as it came.
    if (error instanceof RangeError) return value;
    throw error;
  }
}

/** perf: a value whose keys are in order, as most are, is not copied. */
function sortedKeys(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null || value instanceof ExactNumber) return value;
  if (Array.isArray(value)) {
    const elements = value.map(sortedKeys);
    return elements.some((element, index) => element !== value[index]) ? elements : value;
  }
  const entries: [string, JsonValue][] = [];
  let isInOrder = true;
  let previous = '';
  for (const key of Object.keys(value)) {
    const before = value[key] ?? null;
    const after = sortedKeys(before);
    if (key < previous || after !== before) isInOrder = false;
    previous = key;
    entries.push([key, after]);
  }
  return isInOrder ? value : Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Is in no hash of a single record. */
const MERGED = '.';

/**
 * The hash of several merged records of a row, the last of which has the hash `last`. It equals `last` where nothing of the
 * others is left. Otherwise it equals the hash of no single record, not even of one with the same values: such a record would be
 * found unchanged in the next sync, and the others of its row changed, in each sync anew.
 */
export function mergedHash(values: TargetValues, last: string, hashValues = valuesHash): string {
  const own = hashValues(values);
  return own === last || own === '' ? own : own.slice(0, -1) + MERGED;
}

/** perf ("Fewer steps for each record" in docs/performance.md): records of one stream mostly write the same targets in the same order. */
let last: { readonly asCame: readonly string[]; readonly sorted: readonly string[] } = {
  asCame: [],
  sorted: [],
};

function sortedTargets(values: TargetValues): readonly string[] {
  if (!hasKeys(values, last.asCame)) {
    const asCame = Object.keys(values);
    last = { asCame, sorted: [...asCame].sort() };
  }
  return last.sorted;
}

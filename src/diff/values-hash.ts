/** A hash of a record's values: the ledger can tell whether they changed, and does not store them. */
import { hash } from 'node:crypto';
import { hasKeys, stringifyIfPossible, type JsonValue } from '../json.ts';
import type { TargetValues } from '../model.ts';
import { numberValue } from './number-value.ts';

/**
 * Base64 of a SHA-256 in 43 characters. The order of targets makes no difference, nor does how a number is written. Empty, which
 * is like no other, where a value is nested too deeply to be written: its record is rejected when its request is made.
 */
export function valuesHash(values: TargetValues): string {
  const parts: JsonValue[] = [];
  for (const target of sortedTargets(values)) parts.push(target, values[target] ?? null);
  const text = stringifyIfPossible(parts, numberValue);
  return text === undefined ? '' : hash('sha256', text, 'base64').slice(0, 43);
}

/** Is in no hash of a single record. */
const MERGED = '.';

/**
 * The hash of several merged records of a row, the last of which has the hash `last`. It equals `last` where nothing of the
 * others is left. Otherwise it equals the hash of no single record, not even of one with the same values: such a record would be
 * found unchanged in the next sync, and the others of its row changed, in each sync anew.
 */
export function mergedHash(values: TargetValues, last: string): string {
  const own = valuesHash(values);
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

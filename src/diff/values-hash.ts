/** One short text for the values of a record, so that the ledger can tell whether they changed without holding them. */
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

/** In no hash of one record's values. */
const MERGED = '.';

/**
 * Of what several records of a row write together, the last of which has the hash `last`. It is that one's where nothing of the
 * others is left. Else it is like no single record's, not even that of one that writes as much: found unchanged by itself, that
 * one would leave the others to look changed, in each sync.
 */
export function mergedHash(values: TargetValues, last: string): string {
  const own = valuesHash(values);
  return own === last || own === '' ? own : own.slice(0, -1) + MERGED;
}

/** Records of one stream mostly write the same targets in the same order. */
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

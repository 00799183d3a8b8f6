/** One short text for the values of a record, so that the ledger can tell whether they changed without holding them. */
import { hash } from 'node:crypto';
import { stringifyJson, type JsonValue } from '../json.ts';
import type { TargetValues } from '../model.ts';

/** Base64 of a SHA-256 in 43 characters. The order of targets makes no difference; numbers count as they were written. */
export function valuesHash(values: TargetValues): string {
  const parts: JsonValue[] = [];
  for (const target of sortedTargets(values)) parts.push(target, values[target] ?? null);
  return hash('sha256', stringifyJson(parts), 'base64').slice(0, 43);
}

/** Records of one stream mostly write the same targets in the same order. */
let last: { readonly asCame: readonly string[]; readonly sorted: readonly string[] } = {
  asCame: [],
  sorted: [],
};

function sortedTargets(values: TargetValues): readonly string[] {
  const targets = Object.keys(values);
  if (!isSame(targets, last.asCame)) last = { asCame: targets, sorted: [...targets].sort() };
  return last.sorted;
}

function isSame(targets: readonly string[], others: readonly string[]): boolean {
  return targets.length === others.length && targets.every((target, at) => target === others[at]);
}

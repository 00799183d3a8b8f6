/** One short text for the values of a record, so that the ledger can tell whether they changed without holding them. */
import { hash } from 'node:crypto';
import { stringifyJson, type JsonValue } from '../json.ts';
import type { TargetValues } from '../model.ts';

/** Base64 of a SHA-256 in 43 characters. The order of targets makes no difference; numbers count as they were written. */
export function valuesHash(values: TargetValues): string {
  const parts: JsonValue[] = [];
  for (const target of sortedTargets(values)) parts.push(target, values.get(target) ?? null);
  return hash('sha256', stringifyJson(parts), 'base64').slice(0, 43);
}

/** Records of one stream mostly write the same targets in the same order. */
let last: { readonly asCame: readonly string[]; readonly sorted: readonly string[] } = {
  asCame: [],
  sorted: [],
};

function sortedTargets(values: TargetValues): readonly string[] {
  if (!hasTargets(values, last.asCame)) {
    const asCame = [...values.keys()];
    last = { asCame, sorted: [...asCame].sort() };
  }
  return last.sorted;
}

function hasTargets(values: TargetValues, targets: readonly string[]): boolean {
  if (values.size !== targets.length) return false;
  let at = 0;
  for (const target of values.keys()) if (target !== targets[at++]) return false;
  return true;
}

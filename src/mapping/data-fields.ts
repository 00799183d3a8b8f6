/** Mapped targets → the nested `dataFields` of a request. */
import type { JsonObject } from '../json.ts';
import type { TargetValues } from '../model.ts';
import { pathSegments, plainObject, writeTarget } from './paths.ts';

/** The nested object that the dotted targets describe. */
export function buildDataFields(values: TargetValues): JsonObject {
  const fields = plainObject();
  for (const [target, value] of values) {
    if (target.includes('.')) writeTarget(fields, pathSegments(target), value);
    else fields[target] = value;
  }
  return fields;
}

/** Mapped targets → the nested `dataFields` of a request. */
import type { JsonObject, JsonValue } from '../json.ts';
import type { TargetValues } from '../model.ts';
import { pathSegments, plainObject, writeTarget } from './paths.ts';

/** The nested object that the dotted targets describe; the values themselves if no target has a dot. Read-only. */
export function buildDataFields(values: TargetValues): Readonly<JsonObject> {
  // Not by Object.keys, which would allocate an array for every user.
  for (const target in values) if (target.includes('.')) return nested(values);
  return values;
}

function nested(values: TargetValues): JsonObject {
  const fields = plainObject();
  for (const target in values) writeTarget(fields, pathSegments(target), values[target] as JsonValue);
  return fields;
}

/** Mapped targets → the nested `dataFields` of a request. */
import type { JsonObject, JsonValue } from '../json.ts';
import type { TargetValues } from '../model.ts';
import { pathSegments, plainObject, writeTarget } from './paths.ts';

/** The nested object that the dotted targets describe; the values themselves where there is none. To be read only. */
export function buildDataFields(values: TargetValues): Readonly<JsonObject> {
  const targets = Object.keys(values);
  if (!targets.some((target) => target.includes('.'))) return values;
  const fields = plainObject();
  for (const target of targets) writeTarget(fields, pathSegments(target), values[target] as JsonValue);
  return fields;
}

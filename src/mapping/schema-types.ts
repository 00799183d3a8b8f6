/** A stream's json_schema → the Iterable type of its columns, where it says one. */
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { MappingType } from './options.ts';
import { pathSegments } from './paths.ts';

/** The type that the schema gives a column (dots reach into `properties`), or undefined when it says nothing definite. */
export function schemaType(schema: JsonObject, source: string): MappingType | undefined {
  const whole = member(member(schema, 'properties'), source);
  if (whole !== undefined) return typeOf(whole);
  let at: JsonValue | undefined = schema;
  for (const segment of pathSegments(source)) at = member(member(at, 'properties'), segment);
  return typeOf(at);
}

function typeOf(schema: JsonValue | undefined): MappingType | undefined {
  if (!isJsonObject(schema)) return undefined;
  const special = specialType(schema);
  if (special) return special;
  const types = namedTypes(schema);
  if (types.length === 0) return oneOfSeveral(schema);
  if (types.length > 1) return undefined;
  switch (types[0]) {
    case 'string':
      return schema.format === 'date' || schema.format === 'date-time' ? 'date' : 'string';
    case 'integer':
      return 'long';
    case 'number':
      return 'double';
    case 'boolean':
      return 'boolean';
    case 'object':
      return 'object';
    case 'array':
      return typeOf(member(schema, 'items'));
    default:
      return undefined;
  }
}

/** Airbyte's own refinements; see its page on data types. */
function specialType({ airbyte_type: type }: JsonObject): MappingType | undefined {
  if (type === 'big_integer' || type === 'integer') return 'long';
  if (type === 'big_number') return 'double';
  return undefined;
}

function namedTypes({ type }: JsonObject): JsonValue[] {
  const types = Array.isArray(type) ? type : type === undefined ? [] : [type];
  return types.filter((name) => name !== 'null');
}

/** `oneOf` or `anyOf` of one type and null. */
function oneOfSeveral(schema: JsonObject): MappingType | undefined {
  const options = schema.oneOf ?? schema.anyOf;
  if (!Array.isArray(options)) return undefined;
  const types = new Set(
    options.filter((option) => !isJsonObject(option) || option.type !== 'null').map(typeOf),
  );
  return types.size === 1 ? [...types][0] : undefined;
}

function member(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

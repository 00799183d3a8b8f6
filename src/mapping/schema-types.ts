/**
 * A stream's json_schema → the Iterable type of its columns, if the schema implies one. See Airbyte's page on data
 * types.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { MappingType } from './options.ts';
import { pathSegments } from './paths.ts';

/**
 * The part of a stream's schema about one column: the property of that whole name, else the one that the path leads to.
 */
export function schemaOfColumn(schema: JsonObject, source: string): JsonValue | undefined {
  const whole = propertySchema(schema, source);
  if (whole !== undefined) return whole;
  let at: JsonValue | undefined = schema;
  for (const segment of pathSegments(source)) at = propertySchema(at, segment);
  return at;
}

/** The schema of one property of an object, also of the objects in an array. */
export function propertySchema(schema: JsonValue | undefined, name: string): JsonValue | undefined {
  return member(member(objectSchema(schema), 'properties'), name);
}

/** The properties that {@link propertySchema} finds. */
export function propertyNames(schema: JsonValue | undefined): readonly string[] {
  const properties = member(objectSchema(schema), 'properties');
  return isJsonObject(properties) ? Object.keys(properties) : [];
}

/** The type that a schema gives its values; for an array, the type of its elements. */
export function typeOfSchema(schema: JsonValue | undefined): MappingType | undefined {
  if (!isJsonObject(schema)) return undefined;
  const special = SPECIAL_TYPES.get(schema.airbyte_type);
  if (special) return special;
  const types = namedTypes(schema);
  if (types.length === 0) return commonType(schema);
  // Integers are numbers, too, so a mix of both is a double.
  if (types.length > 1) return types.every(isNumeric) ? 'double' : undefined;
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
      return typeOfSchema(member(schema, 'items'));
    default:
      return undefined;
  }
}

/** Airbyte's own types, which take precedence over the rest of the schema. Its times of day are text. */
const SPECIAL_TYPES: ReadonlyMap<JsonValue | undefined, MappingType> = new Map([
  ['big_integer', 'long'],
  ['integer', 'long'],
  ['big_number', 'double'],
  ['timestamp_with_timezone', 'date'],
  ['timestamp_without_timezone', 'date'],
]);

function isNumeric(type: JsonValue): boolean {
  return type === 'integer' || type === 'number';
}

function namedTypes({ type }: JsonObject): JsonValue[] {
  const types = Array.isArray(type) ? type : type === undefined ? [] : [type];
  return types.filter((name) => name !== 'null');
}

/** The type that all options of `oneOf` or `anyOf` agree on, ignoring null. */
function commonType(schema: JsonObject): MappingType | undefined {
  const types = new Set(optionsOf(schema).map(typeOfSchema));
  return types.size === 1 ? [...types][0] : undefined;
}

function optionsOf(schema: JsonObject): JsonValue[] {
  const options = schema.oneOf ?? schema.anyOf;
  return Array.isArray(options)
    ? options.filter((option) => !isJsonObject(option) || option.type !== 'null')
    : [];
}

/** The schema with the `properties`: behind an array's `items`, or the only option that is not null. */
function objectSchema(schema: JsonValue | undefined): JsonValue | undefined {
  let at = schema;
  while (isJsonObject(at) && !Object.hasOwn(at, 'properties')) {
    const options = optionsOf(at);
    const next: JsonValue | undefined = options.length === 1 ? options[0] : member(at, 'items');
    at = next;
  }
  return at;
}

function member(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** How one column becomes one target: read, convert, also inside of objects. Made once per stream and column. */
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { Rejection } from '../model.ts';
import { coerce } from './coerce.ts';
import { conversionFor, type KnownFields } from './fields.ts';
import { readEmail, readUserId, type IdentityRead } from './identity.ts';
import type { MappingType } from './options.ts';
import { columnReader, pathsConflict, plainObject } from './paths.ts';
import { schemaType } from './schema-types.ts';

export interface ColumnContext {
  readonly jsonSchema: JsonObject;
  readonly knownFields: KnownFields;
}

export type ColumnResult =
  | { readonly kind: 'value'; readonly value: JsonValue }
  /** The column leaves its field alone. */
  | { readonly kind: 'none' }
  | ({ readonly kind: 'rejected' } & Rejection);

export interface ColumnPlan {
  readonly source: string;
  readonly target: string;
  /** The converted value. `nulled` are columns whose null is not the source's own value. */
  readonly read: (data: JsonObject, nulled: readonly string[]) => ColumnResult;
}

const NONE: ColumnResult = { kind: 'none' };

/** The plan for a column; the forced type wins, then the known field's, then the schema's, else the value stays as it was written. */
export function planColumn(
  source: string,
  target: string,
  forced: MappingType | undefined,
  context: ColumnContext,
): ColumnPlan {
  const read = columnReader(source);
  const convert = converterFor(source, target, forced, context);
  return {
    source,
    target,
    read: (data, nulled) => {
      const column = read(data);
      if (column.kind === 'absent') return NONE;
      if (column.kind === 'unreachable') {
        return wrongType(target, `the column ${column.at} is not an object that ${source} could be in`);
      }
      if (nulled.length === 0) return convert(column.value);
      if (nulled.some((field) => field === source || source.startsWith(`${field}.`))) return NONE;
      return convert(withoutNulled(column.value, source, nulled));
    },
  };
}

type Converter = (value: JsonValue) => ColumnResult;

function converterFor(
  source: string,
  target: string,
  forced: MappingType | undefined,
  context: ColumnContext,
): Converter {
  if (target === 'email') return (value) => identityResult(target, readEmail(value));
  if (target === 'userId') return (value) => identityResult(target, readUserId(value));
  const type =
    forced ?? conversionFor(context.knownFields.get(target)) ?? schemaType(context.jsonSchema, source);
  return (value) => {
    const top = type === undefined ? ({ ok: true, value } as const) : coerce(value, type);
    if (!top.ok) return wrongType(target, top.reason);
    return typeof top.value === 'object' && top.value !== null
      ? convertInside(top.value, source, target, context)
      : { kind: 'value', value: top.value };
  };
}

function identityResult(target: string, identity: IdentityRead): ColumnResult {
  if (identity.kind === 'unusable')
    return wrongType(target, 'expected text or a number, found an object or an array');
  return { kind: 'value', value: identity.kind === 'value' ? identity.value : null };
}

/** Converts the leaves of an object whose dotted names Iterable or the schema knows. */
function convertInside(
  value: JsonValue,
  source: string,
  target: string,
  context: ColumnContext,
): ColumnResult {
  if (Array.isArray(value)) {
    const elements: JsonValue[] = [];
    for (const element of value) {
      const result = convertInside(element, source, target, context);
      if (result.kind !== 'value') return result;
      elements.push(result.value);
    }
    return { kind: 'value', value: elements };
  }
  if (!isJsonObject(value)) return { kind: 'value', value };
  const converted = plainObject();
  for (const [key, child] of Object.entries(value)) {
    const [childSource, childTarget] = [`${source}.${key}`, `${target}.${key}`];
    const type =
      conversionFor(context.knownFields.get(childTarget)) ?? schemaType(context.jsonSchema, childSource);
    const leaf = type === undefined ? ({ ok: true, value: child } as const) : coerce(child, type);
    if (!leaf.ok) return wrongType(childTarget, leaf.reason);
    const result = convertInside(leaf.value, childSource, childTarget, context);
    if (result.kind !== 'value') return result;
    converted[key] = result.value;
  }
  return { kind: 'value', value: converted };
}

/** The object without the leaves that were nulled on the way, so that they stay as they are in Iterable. */
function withoutNulled(value: JsonValue, path: string, nulled: readonly string[]): JsonValue {
  if (!isJsonObject(value) || !nulled.some((field) => pathsConflict(field, path))) return value;
  const kept = plainObject();
  for (const [key, child] of Object.entries(value)) {
    const childPath = `${path}.${key}`;
    if (!nulled.includes(childPath)) kept[key] = withoutNulled(child, childPath, nulled);
  }
  return kept;
}

function wrongType(field: string, reason: string): ColumnResult {
  return { kind: 'rejected', code: 'wrong_type', field, reason };
}

/**
 * Compiles how one column becomes one target: reads and converts it, also inside objects. Done once per stream and
 * column.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { Rejection } from '../model.ts';
import { coercionTo, Refusal } from './coerce.ts';
import { normalizeEmail, normalizeUserId } from './identity.ts';
import type { NewField } from './new-field-types.ts';
import type { MappingType } from './options.ts';
import { columnReader, isNulled, isWithin, pathsAbove, plainObject, Unreachable } from './paths.ts';
import type { TypeTree } from './type-tree.ts';

/** A column that can't be converted to its target; the record is rejected. */
export class Rejected {
  readonly rejection: Rejection;

  constructor(field: string, reason: string) {
    this.rejection = { code: 'wrong_type', field, reason };
  }
}

/** Undefined leaves the field unchanged. */
export type ColumnResult = JsonValue | Rejected | undefined;

export interface ColumnPlan {
  /** The column; dots reach into objects. */
  readonly source: string;
  readonly target: string;
  /** The ancestors of the target, which the same record must not write. */
  readonly above: readonly string[];
  /** Reads and converts the column. `nulled` are columns (or leaves) whose null is not the source's own value. */
  readonly read: (data: JsonObject, nulled: readonly string[]) => ColumnResult;
}

export interface ColumnOptions {
  readonly source: string;
  readonly target: string;
  /** Overrides the type that the tree has for the column itself. */
  readonly forcedType?: MappingType | undefined;
  readonly types: TypeTree;
  /** Leaves inside the column that must not go into the field. */
  readonly leavesLeftOut?: readonly string[];
}

export function planColumn(options: ColumnOptions): ColumnPlan {
  const { source, target, leavesLeftOut = [] } = options;
  const readFrom = columnReader(source);
  const convert = converterFor(options);
  return {
    source,
    target,
    above: pathsAbove(target),
    read: (data, nulled) => {
      const value = readFrom(data);
      if (value === undefined) return undefined;
      if (value instanceof Unreachable) {
        return new Rejected(target, `the column ${value.at} holds no object that ${source} could be in`);
      }
      if (nulled.length === 0 && leavesLeftOut.length === 0) return convert(value);
      if (isNulled(data, source, nulled)) return undefined;
      const kept = withoutLeaves(value, source, [...nulled, ...leavesLeftOut]);
      return kept === undefined ? undefined : convert(kept);
    },
  };
}

type Converter = (value: JsonValue) => ColumnResult;

function converterFor({ target, forcedType, types }: ColumnOptions): Converter {
  if (target === 'email') return (value) => identityResult(target, value, normalizeEmail);
  if (target === 'userId') return (value) => identityResult(target, value, normalizeUserId);
  if (forcedType !== undefined) return withAbove(types, forcedConverter(forcedType, types));
  if (types.field || types.above.length > 0) return withAbove(types, (value) => convertAt(value, types));
  if (types.type === undefined)
    return types.isLeaf ? (value) => value : (value) => convertInside(value, types);
  const coerce = coercionTo(types.type);
  return (value) => {
    const converted = coerce(value);
    if (converted instanceof Refusal) return new Rejected(target, converted.reason);
    return typeof converted === 'object' ? convertInside(converted, types) : converted;
  };
}

/** The ancestors of a target become objects in Iterable. The value is rejected if one already has another type. */
function withAbove({ above }: TypeTree, convert: Converter): Converter {
  if (above.length === 0) return convert;
  return (value) => {
    for (const field of above) {
      const taken = field.type === 'object' ? undefined : field.take(plainObject());
      if (taken instanceof Refusal) return new Rejected(field.path, taken.reason);
      // A text field would take the whole object as text, and has no fields inside.
      if (typeof taken === 'string')
        return new Rejected(field.path, 'the field is text in this sync, so nothing can be inside of it');
    }
    return convert(value);
  };
}

function forcedConverter(type: MappingType, types: TypeTree): Converter {
  const { field } = types;
  const coerce = coercionTo(type);
  const asDouble = coercionTo('double');
  return (value) => {
    const converted = coerce(value);
    if (converted instanceof Refusal) return new Rejected(types.path, converted.reason);
    if (!field || !hasValue(converted)) return convertInside(converted, types);
    field.note(type);
    // If a number without a decimal point were sent first, the field would become a long.
    const written = type === 'long' && field.type === 'double' ? asDouble(converted) : converted;
    return written instanceof Refusal
      ? new Rejected(types.path, written.reason)
      : convertInside(written, types);
  };
}

function hasValue(value: JsonValue): boolean {
  return Array.isArray(value) ? value.some(hasValue) : value !== null;
}

/** Converts a value and everything inside it. Returns the same value if nothing changes. */
function convertAt(value: JsonValue, types: TypeTree): JsonValue | Rejected {
  const { type, field } = types;
  if (field) return convertNew(value, types, field);
  const converted = type === undefined ? value : coercionTo(type)(value);
  if (converted instanceof Refusal) return new Rejected(types.path, converted.reason);
  return convertInside(converted, types);
}

/** The same for a field that the project does not have yet. */
function convertNew(value: JsonValue, types: TypeTree, field: NewField): JsonValue | Rejected {
  if (value === null) return null;
  if (Array.isArray(value)) return convertElements(value, (element) => convertNew(element, types, field));
  const { type } = types;
  if (type !== undefined && (field.type === undefined || field.isOpen)) field.note(type);
  const isOfOwnType = type === field.type && type !== undefined && !field.isOpen;
  const converted = isOfOwnType ? coercionTo(type)(value) : field.take(value);
  if (converted instanceof Refusal) return new Rejected(types.path, converted.reason);
  return convertInside(converted, types);
}

/** Null clears the field. A blank text is neither an email nor a user id, and leaves the field unchanged. */
function identityResult(
  target: string,
  value: JsonValue,
  normalize: (value: JsonValue) => string | undefined | Refusal,
): ColumnResult {
  if (value === null) return null;
  const identity = normalize(value);
  return identity instanceof Refusal ? new Rejected(target, identity.reason) : identity;
}

/** Converts what is inside an object, or inside the objects of an array, as far as the tree knows the types. */
function convertInside(value: JsonValue, types: TypeTree): JsonValue | Rejected {
  if (typeof value !== 'object' || value === null || types.isLeaf) return value;
  if (Array.isArray(value)) return convertElements(value, (element) => convertInside(element, types));
  if (!isJsonObject(value)) return value;
  let changed: JsonObject | undefined;
  for (const key of Object.keys(value)) {
    const leafTypes = types.at(key);
    if (!leafTypes) continue;
    const leaf = value[key] as JsonValue;
    const converted = convertAt(leaf, leafTypes);
    if (converted instanceof Rejected) return converted;
    if (converted === leaf) continue;
    changed ??= Object.assign(plainObject(), value);
    changed[key] = converted;
  }
  return changed ?? value;
}

function convertElements(
  elements: JsonValue[],
  convert: (element: JsonValue) => JsonValue | Rejected,
): JsonValue | Rejected {
  let changed: JsonValue[] | undefined;
  for (let index = 0; index < elements.length; index++) {
    const element = elements[index] as JsonValue;
    const converted = convert(element);
    if (converted instanceof Rejected) return converted;
    if (converted !== element) changed ??= elements.slice();
    if (changed) changed[index] = converted;
  }
  return changed ?? elements;
}

/** The object without some of its leaves; undefined if nothing is left of it. */
function withoutLeaves(value: JsonValue, path: string, leaves: readonly string[]): JsonValue | undefined {
  if (!isJsonObject(value)) return value;
  const inside = leaves.filter((leaf) => leaf !== path && isWithin(leaf, path));
  if (inside.length === 0) return value;
  const kept = plainObject();
  let hasLost = false;
  for (const key of Object.keys(value)) {
    const childPath = `${path}.${key}`;
    const child = inside.includes(childPath)
      ? undefined
      : withoutLeaves(value[key] as JsonValue, childPath, inside);
    if (child === undefined) hasLost = true;
    else kept[key] = child;
  }
  if (!hasLost) return value;
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** How one column becomes one target: read, convert, also inside of objects. Made once per stream and column. */
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { Rejection } from '../model.ts';
import { coercionTo, Refusal } from './coerce.ts';
import { normalizeEmail, normalizeUserId } from './identity.ts';
import type { MappingType } from './options.ts';
import { columnReader, isNulled, isWithin, pathsAbove, plainObject, Unreachable } from './paths.ts';
import type { TypeTree } from './type-tree.ts';

/** A column that can't become its target; the record is rejected. */
export class Rejected {
  readonly rejection: Rejection;

  constructor(field: string, reason: string) {
    this.rejection = { code: 'wrong_type', field, reason };
  }
}

/** Undefined leaves the field alone. */
export type ColumnResult = JsonValue | Rejected | undefined;

export interface ColumnPlan {
  /** The column; dots reach into objects. */
  readonly source: string;
  readonly target: string;
  /** The targets above this one, which the same record must not write. */
  readonly above: readonly string[];
  /** Reads and converts. `nulled` are columns (or leaves) whose null is not the source's own value. */
  readonly read: (data: JsonObject, nulled: readonly string[]) => ColumnResult;
}

export interface ColumnOptions {
  readonly source: string;
  readonly target: string;
  /** Wins over whatever the tree says of the column itself. */
  readonly forcedType?: MappingType | undefined;
  readonly types: TypeTree;
  /** Leaves inside of the column that are not for the field. */
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
  const type = forcedType ?? types.type;
  if (type === undefined && types.inside.size === 0) return (value) => value;
  const coerce = type === undefined ? undefined : coercionTo(type);
  return (value) => {
    const converted = coerce ? coerce(value) : value;
    if (converted instanceof Refusal) return new Rejected(target, converted.reason);
    return convertInside(converted, target, types);
  };
}

/** Null clears the field; a blank text is no address and no id, and leaves it alone. */
function identityResult(
  target: string,
  value: JsonValue,
  normalize: (value: JsonValue) => string | undefined | Refusal,
): ColumnResult {
  if (value === null) return null;
  const identity = normalize(value);
  return identity instanceof Refusal ? new Rejected(target, identity.reason) : identity;
}

/** Converts what the tree knows inside of an object, or of the objects in an array. Gives back the same value where nothing changes. */
function convertInside(value: JsonValue, target: string, types: TypeTree): JsonValue | Rejected {
  if (typeof value !== 'object' || value === null || types.inside.size === 0) return value;
  if (Array.isArray(value)) return convertElements(value, target, types);
  if (!isJsonObject(value)) return value;
  let changed: JsonObject | undefined;
  for (const key of Object.keys(value)) {
    const leafTypes = types.inside.get(key);
    if (!leafTypes) continue;
    const leafTarget = `${target}.${key}`;
    const leaf = value[key] as JsonValue;
    const coerced = leafTypes.type === undefined ? leaf : coercionTo(leafTypes.type)(leaf);
    if (coerced instanceof Refusal) return new Rejected(leafTarget, coerced.reason);
    const converted = convertInside(coerced, leafTarget, leafTypes);
    if (converted instanceof Rejected) return converted;
    if (converted === leaf) continue;
    changed ??= Object.assign(plainObject(), value);
    changed[key] = converted;
  }
  return changed ?? value;
}

function convertElements(
  elements: readonly JsonValue[],
  target: string,
  types: TypeTree,
): JsonValue | Rejected {
  const converted: JsonValue[] = [];
  for (const element of elements) {
    const result = convertInside(element, target, types);
    if (result instanceof Rejected) return result;
    converted.push(result);
  }
  return converted;
}

/** The object without some of its leaves; undefined when nothing is left of it. */
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

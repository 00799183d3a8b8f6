/** Dot notation: reading columns out of records, and writing targets into nested objects. `__proto__` is plain data everywhere. */
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { isUnchanged, withoutUnchanged } from './unchanged-marks.ts';

/** The path leads into a value that is not an object: a text, a number, an array. */
export class Unreachable {
  /** The part of the path that could be followed. */
  readonly at: string;

  constructor(at: string) {
    this.at = at;
  }
}

/**
 * A column's value. Undefined, unlike null, means that the record has no such column, or that the source marks the
 * value as unchanged. Leaves with that mark are left out.
 */
export type ColumnRead = JsonValue | Unreachable | undefined;
export type ColumnReader = (data: JsonObject) => ColumnRead;

export function pathSegments(path: string): readonly string[] {
  return path.split('.');
}

/** False for `a..b`, `a.` and the like, since a field must have a name. */
export function isWritablePath(path: string): boolean {
  return pathSegments(path).every((segment) => segment.trim() !== '');
}

/** The ancestors of this path, `a` and `a.b` for `a.b.c`; none for a top-level name. */
export function pathsAbove(path: string): readonly string[] {
  const above: string[] = [];
  for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
    above.push(path.slice(0, dot));
  }
  return above;
}

/** True if the path is `ancestor` or lies inside it. */
export function isWithin(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor) && (path.length === ancestor.length || path[ancestor.length] === '.');
}

/** True if the column, or an object that it lies in, is among the nulled ones. */
export function isNulled(data: JsonObject, column: string, nulled: readonly string[]): boolean {
  if (nulled.length === 0) return false;
  // A nulled object `a` does not affect a column whose whole name is `a.b`.
  const isOwnColumn = Object.hasOwn(data, column);
  return nulled.some((field) => field === column || (!isOwnColumn && isWithin(column, field)));
}

/** True if one path is the other, or lies inside it, so that not both can be written. */
export function pathsConflict(a: string, b: string): boolean {
  return isWithin(a, b) || isWithin(b, a);
}

/**
 * Returns a function that reads one column. A column whose whole name is `source` takes precedence over a path into
 * objects; below a null everything is null, below an absent column everything is absent.
 */
export function columnReader(source: string): ColumnReader {
  const segments = pathSegments(source);
  const readWhole: (data: JsonObject) => JsonValue | undefined =
    source in Object.prototype
      ? (data) => (Object.hasOwn(data, source) ? data[source] : undefined)
      : // perf: no check for inherited properties: there is none of this name, and every column of every record passes here.
        (data) => data[source];
  if (segments.length === 1) return (data) => withoutUnchanged(readWhole(data));
  return (data) => {
    const whole = readWhole(data);
    return withoutMarks(whole === undefined ? follow(data, segments) : whole);
  };
}

/** Leaves out what the source marks as unchanged. */
function withoutMarks(value: ColumnRead): ColumnRead {
  return value instanceof Unreachable ? value : withoutUnchanged(value);
}

function follow(data: JsonObject, segments: readonly string[]): ColumnRead {
  let at: JsonValue | undefined = data;
  for (let depth = 0; depth < segments.length; depth++) {
    if (at === null || at === undefined) return at;
    if (!isJsonObject(at))
      return isUnchanged(at) ? undefined : new Unreachable(segments.slice(0, depth).join('.'));
    const segment = segments[depth] as string;
    at = Object.hasOwn(at, segment) ? at[segment] : undefined;
  }
  return at;
}

/**
 * perf ("Fewer steps for each record" in docs/performance.md): objects made by a constructor are far faster than those without any prototype. This prototype is empty: it does not
 * even have `__proto__`.
 */
const Plain = function () {
  // Starts empty.
} as unknown as new () => JsonObject;
Plain.prototype = Object.freeze(Object.create(null) as JsonObject);

/** An object that inherits nothing, so that every key is plain data. */
export function plainObject(): JsonObject {
  return new Plain();
}

/**
 * Writes a value to a dotted target, creating the objects on the way. `into` must be from {@link plainObject}, and the
 * targets written to it must not conflict.
 */
export function writeTarget(into: JsonObject, segments: readonly string[], value: JsonValue): void {
  const last = segments.length - 1;
  let at = into;
  for (let depth = 0; depth < last; depth++) {
    const segment = segments[depth] as string;
    let next = at[segment];
    if (!isJsonObject(next)) {
      next = plainObject();
      at[segment] = next;
    }
    at = next;
  }
  at[segments[last] as string] = value;
}

/** Dot notation: reading columns out of records, and writing targets into nested objects. `__proto__` is plain data everywhere. */
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { isUnchanged, withoutUnchanged } from './unchanged-marks.ts';

/** A path goes on below a value that nothing can be below: a text, a number, an array. */
export class Unreachable {
  /** The part of the path that could be followed. */
  readonly at: string;

  constructor(at: string) {
    this.at = at;
  }
}

/**
 * A column's value; undefined when the record has no such column, which is not the same as null, or when the source marks the value as
 * unchanged. Leaves that are so marked are not in it.
 */
export type ColumnRead = JsonValue | Unreachable | undefined;
export type ColumnReader = (data: JsonObject) => ColumnRead;

export function pathSegments(path: string): readonly string[] {
  return path.split('.');
}

/** False for `a..b`, `a.` and the like: there is no field without a name. */
export function isWritablePath(path: string): boolean {
  return pathSegments(path).every((segment) => segment.trim() !== '');
}

/** The paths above this one, `a` and `a.b` for `a.b.c`; none for a top-level name. */
export function pathsAbove(path: string): readonly string[] {
  const above: string[] = [];
  for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
    above.push(path.slice(0, dot));
  }
  return above;
}

/** True when the path is `ancestor` or lies inside of it. */
export function isWithin(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor) && (path.length === ancestor.length || path[ancestor.length] === '.');
}

/** True when the column, or an object that it lies in, is among the nulled ones. */
export function isNulled(data: JsonObject, column: string, nulled: readonly string[]): boolean {
  if (nulled.length === 0) return false;
  // Nulling an object says nothing of a column whose whole name merely begins alike.
  const isOwnColumn = Object.hasOwn(data, column);
  return nulled.some((field) => field === column || (!isOwnColumn && isWithin(column, field)));
}

/** True when one path is the other, or lies inside of it: they can't both be written. */
export function pathsConflict(a: string, b: string): boolean {
  return isWithin(a, b) || isWithin(b, a);
}

/**
 * A function that reads one column. A column whose whole name is `source` wins over reaching into objects; below a null
 * everything is null, below an absent column everything is absent.
 */
export function columnReader(source: string): ColumnReader {
  const segments = pathSegments(source);
  const readWhole: (data: JsonObject) => JsonValue | undefined =
    source in Object.prototype
      ? (data) => (Object.hasOwn(data, source) ? data[source] : undefined)
      : // Nothing of that name is inherited, and every column of every record passes here.
        (data) => data[source];
  if (segments.length === 1) return (data) => withoutUnchanged(readWhole(data));
  return (data) => {
    const whole = readWhole(data);
    return sayingOf(whole === undefined ? follow(data, segments) : whole);
  };
}

/** What the source says by a value. */
function sayingOf(value: ColumnRead): ColumnRead {
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

/** Objects made by a constructor are far faster than those made without any prototype; this one gives them nothing, not even `__proto__`. */
const Plain = function () {
  // Nothing to begin with.
} as unknown as new () => JsonObject;
Plain.prototype = Object.freeze(Object.create(null) as JsonObject);

/** An object that inherits nothing, so that every key is plain data. */
export function plainObject(): JsonObject {
  return new Plain();
}

/**
 * Writes a value under a dotted target, making the objects on the way. Only into objects that it made itself, or that
 * {@link plainObject} made: the targets written to one object must not conflict.
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

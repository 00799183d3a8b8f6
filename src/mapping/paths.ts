/** Dot notation: reading columns out of records, and writing targets into nested objects. `__proto__` is plain data everywhere. */
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';

/** A column's value; `absent` differs from null, and a path that ends at a text or number can't be followed. */
export type ColumnRead =
  | { readonly kind: 'value'; readonly value: JsonValue }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreachable'; readonly at: string };

const ABSENT: ColumnRead = { kind: 'absent' };

export function pathSegments(path: string): readonly string[] {
  return path.split('.');
}

/** True when one path is the other, or lies inside of it: they can't both be written. */
export function pathsConflict(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`);
}

/** A function that reads one column. A column whose whole name is `source` wins over reaching into objects; a null parent reads as null. */
export function columnReader(source: string): (data: JsonObject) => ColumnRead {
  const segments = pathSegments(source);
  return (data) => {
    if (Object.hasOwn(data, source)) return { kind: 'value', value: data[source] as JsonValue };
    if (segments.length === 1) return ABSENT;
    let at: JsonValue = data;
    for (const [depth, segment] of segments.entries()) {
      if (at === null) return { kind: 'value', value: null };
      if (!isJsonObject(at)) return { kind: 'unreachable', at: segments.slice(0, depth).join('.') };
      if (!Object.hasOwn(at, segment)) return ABSENT;
      at = at[segment] as JsonValue;
    }
    return { kind: 'value', value: at };
  };
}

/** An object without a prototype, so that every key is plain data. */
export function plainObject(): JsonObject {
  return Object.create(null) as JsonObject;
}

/** Writes a value under a dotted target, making the objects on the way. The targets of one record never conflict. */
export function writeTarget(into: JsonObject, segments: readonly string[], value: JsonValue): void {
  let at = into;
  for (const segment of segments.slice(0, -1)) {
    let next = at[segment];
    if (!isJsonObject(next)) {
      next = plainObject();
      at[segment] = next;
    }
    at = next;
  }
  at[segments.at(-1) ?? ''] = value;
}

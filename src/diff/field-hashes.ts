/**
 * Short hashes of a row's fields: the ledger can tell which of them changed, and stores neither names nor values. Pure.
 *
 * A field is what Iterable replaces as one: a top-level field, or, where nested objects are merged, a direct child of one. Each
 * takes 8 bytes: 2 that stand for the top-level field, and 6 of a SHA-256 of the row's key, the field's path and its value. The
 * row's key makes equal values of two rows differ.
 */
import { hash } from 'node:crypto';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { buildDataFields } from '../mapping/data-fields.ts';
import { pathsConflict, pathSegments, plainObject } from '../mapping/paths.ts';
import type { TargetValues } from '../model.ts';
import { canonicalText } from './values-hash.ts';

/** An object with more children is one field: it may have as many as the source has values. */
const MAX_CHILDREN = 100;
/** In hexadecimal. */
const TOP_DIGITS = 4;
const VALUE_DIGITS = 12;
const FIELD_DIGITS = TOP_DIGITS + VALUE_DIGITS;

export interface FieldOptions {
  /** The key of the row. */
  readonly key: string;
  /** Iterable merges objects: their direct children are fields. */
  readonly mergeNestedObjects: boolean;
}

interface Field {
  readonly top: string;
  /** Of an object that is merged. */
  readonly child: string | undefined;
  /** Both parts of its hash. */
  readonly digits: string;
}

/** What a record writes, field by field, next to what Iterable has of the row. */
export interface FieldChanges {
  /** Paths of the fields that changed. */
  readonly names: readonly string[];
  /** Their values: nothing else of the record has to be sent. */
  readonly values: TargetValues;
  /** What Iterable has of the row once they are sent. */
  readonly hashes: Uint8Array;
}

/** The hashes of these values, sent as a whole. */
export function fieldHashes(values: TargetValues, options: FieldOptions): Uint8Array {
  let all = '';
  eachField(values, options, (_top, _child, digits) => {
    all += digits;
  });
  return Buffer.from(all, 'hex');
}

/**
 * @param held the hashes of what Iterable has
 * @param isStillWritten whether the stream writes a top-level field, which {@link topDigits} stands for: what Iterable has of it
 * stays known when a record lacks it
 */
export function fieldChanges(
  values: TargetValues,
  held: Uint8Array,
  { isStillWritten, ...options }: FieldOptions & { readonly isStillWritten: (top: string) => boolean },
): FieldChanges {
  const fields = fieldsOf(values, options);
  const known = decode(held);
  const knownSet = new Set(known);
  const changed = fields.filter(({ digits }) => !knownSet.has(digits));
  const tops = new Set(fields.map(({ digits }) => topOf(digits)));
  const kept = known.filter((digits) => !tops.has(topOf(digits)) && isStillWritten(topOf(digits)));
  return {
    names: changed.map(pathOf),
    values: changed.length === fields.length ? values : valuesOf(changed, values),
    hashes: encode([...fields.map(({ digits }) => digits), ...kept]),
  };
}

/** The hashes without those of fields that Iterable dropped, by their paths. */
export function withoutDropped(
  hashes: Uint8Array,
  values: TargetValues,
  dropped: readonly string[],
  options: FieldOptions,
): Uint8Array {
  const gone = new Set(
    fieldsOf(values, options)
      .filter((field) => dropped.some((path) => pathsConflict(path, pathOf(field))))
      .map(({ digits }) => digits),
  );
  return gone.size === 0 ? hashes : encode(decode(hashes).filter((digits) => !gone.has(digits)));
}

/** Stands for a top-level field. */
export function topDigits(top: string): string {
  let digits = topCache.get(top);
  if (digits === undefined) {
    if (topCache.size >= MAX_CACHED) topCache.clear();
    digits = hash('sha256', top, 'hex').slice(0, TOP_DIGITS);
    topCache.set(top, digits);
  }
  return digits;
}

const MAX_CACHED = 10_000;
const topCache = new Map<string, string>();

/** perf: called for every field of every record that is sent; the text of a value that is no object needs no JSON. */
function textOf(value: JsonValue): string {
  switch (typeof value) {
    case 'string':
      // Like no other JSON; half a surrogate pair would be hashed as the replacement character.
      return value.isWellFormed() ? `"${value}` : JSON.stringify(value);
    case 'number':
    case 'boolean':
      return String(value);
    default:
      return value === null ? 'null' : (canonicalText(value) ?? '');
  }
}

function eachField(
  values: TargetValues,
  { key, mergeNestedObjects }: FieldOptions,
  use: (top: string, child: string | undefined, digits: string) => void,
): void {
  const add = (top: string, child: string | undefined, value: JsonValue) => {
    const path = child === undefined ? top : `${top}\0${child}`;
    const digits = hash('sha256', `${key}\0${path}\0${textOf(value)}`, 'hex').slice(0, VALUE_DIGITS);
    use(top, child, topDigits(top) + digits);
  };
  const data = buildDataFields(values);
  for (const top in data) {
    const value = data[top] as JsonValue;
    const children = mergeNestedObjects && isJsonObject(value) ? Object.entries(value) : NO_CHILDREN;
    if (children.length === 0 || children.length > MAX_CHILDREN) add(top, undefined, value);
    else for (const [child, part] of children) add(top, child, part);
  }
}

const NO_CHILDREN: readonly [string, JsonValue][] = [];

function fieldsOf(values: TargetValues, options: FieldOptions): Field[] {
  const fields: Field[] = [];
  eachField(values, options, (top, child, digits) => fields.push({ top, child, digits }));
  return fields;
}

/** What of the values writes these fields. */
function valuesOf(fields: readonly Field[], values: TargetValues): TargetValues {
  const whole = new Set<string>();
  const children = new Map<string, string[]>();
  for (const { top, child } of fields) {
    if (child === undefined) whole.add(top);
    else children.set(top, [...(children.get(top) ?? []), child]);
  }
  const some = plainObject();
  for (const target in values) {
    const value = values[target] as JsonValue;
    const [top = '', child] = pathSegments(target);
    const wanted = children.get(top);
    if (whole.has(top)) some[target] = value;
    else if (!wanted) continue;
    else if (child !== undefined && wanted.includes(child)) some[target] = value;
    else if (child === undefined && isJsonObject(value)) some[target] = pick(value, wanted);
  }
  return some;
}

function pick(object: JsonObject, keys: readonly string[]): JsonObject {
  const picked = plainObject();
  for (const key of keys) picked[key] = object[key] as JsonValue;
  return picked;
}

function pathOf({ top, child }: Field): string {
  return child === undefined ? top : `${top}.${child}`;
}

function topOf(digits: string): string {
  return digits.slice(0, TOP_DIGITS);
}

function encode(fields: readonly string[]): Uint8Array {
  return Buffer.from(fields.join(''), 'hex');
}

function decode(hashes: Uint8Array): string[] {
  const all = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.byteLength).toString('hex');
  const fields: string[] = [];
  for (let at = 0; at < all.length; at += FIELD_DIGITS) fields.push(all.slice(at, at + FIELD_DIGITS));
  return fields;
}

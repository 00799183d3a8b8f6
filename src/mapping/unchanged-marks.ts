/**
 * Marks that a source writes in place of an unchanged value that it does not know: Debezium's, for large values that
 * Postgres and Oracle leave out of their logs. Sending one would overwrite the good value. Source: Debezium's page on
 * its PostgreSQL connector, "Toasted values", and its class UnchangedToastedPlaceholder.
 */
import { isJsonObject, parseJson, stringifyJson, type JsonObject, type JsonValue } from '../json.ts';

/** Debezium's default `unavailable.value.placeholder`. */
const MARK = '__debezium_unavailable_value';

/** The mark in columns of different types. */
const MARKS: ReadonlySet<string> = new Set([
  MARK,
  // In binary columns, as Base64 and as hex.
  'X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==',
  '5f5f646562657a69756d5f756e617661696c61626c655f76616c7565',
  // In arrays of UUIDs: the UUID made of the mark's bytes.
  'b68a35a7-17ad-35b3-af2a-ae46edb4545a',
]);
const LONGEST = Math.max(...[...MARKS].map(({ length }) => length));
/** In arrays of numbers: the bytes of the mark. */
const MARK_BYTES: readonly number[] = Array.from(MARK, (character) => character.charCodeAt(0));

/**
 * True if the value is marked as unchanged: it is a mark, an array of marks or a map of one; arrays and maps also as
 * JSON text.
 */
export function isUnchanged(value: JsonValue | undefined): boolean {
  if (typeof value === 'string') return isMark(value) || isUnchanged(parsedIfMarked(value));
  if (Array.isArray(value)) return isArrayOfMarks(value);
  return isJsonObject(value) && isMapOfMark(value);
}

/**
 * The value without everything that is marked as unchanged, also inside objects; undefined if nothing else is left.
 * Returns the same value if there is no mark, as is nearly always the case.
 */
export function withoutUnchanged(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value === 'string') {
    // perf: nearly all texts are shorter, and every column of every record passes here.
    if (value.length < MARK.length) return value;
    return isMark(value) ? undefined : textWithoutUnchanged(value);
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return isArrayOfMarks(value) ? undefined : elementsWithoutUnchanged(value);
  return isJsonObject(value) ? leavesWithoutUnchanged(value) : value;
}

function isMark(text: string): boolean {
  return text.length <= LONGEST && MARKS.has(text);
}

function isArrayOfMarks(values: readonly JsonValue[]): boolean {
  if (values.length === 0) return false;
  const [first] = values;
  if (typeof first === 'string') return values.every((value) => typeof value === 'string' && isMark(value));
  return values.length === MARK_BYTES.length && values.every((value, index) => value === MARK_BYTES[index]);
}

function isMapOfMark(value: JsonObject): boolean {
  const marked = value[MARK];
  return typeof marked === 'string' && isMark(marked) && Object.keys(value).length === 1;
}

function leavesWithoutUnchanged(value: JsonObject): JsonValue | undefined {
  let hasMark = false;
  for (const key in value) hasMark ||= withoutUnchanged(value[key]) !== value[key];
  if (!hasMark) return value;
  const kept: [string, JsonValue][] = [];
  for (const [key, leaf] of Object.entries(value)) {
    const rest = withoutUnchanged(leaf);
    if (rest !== undefined) kept.push([key, rest]);
  }
  // From entries, since a field may be called __proto__.
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Iterable replaces an array as a whole, so its elements stay, except for objects of which nothing is left. */
function elementsWithoutUnchanged(values: JsonValue[]): JsonValue | undefined {
  let kept: JsonValue[] | undefined;
  for (const [index, element] of values.entries()) {
    const rest = typeof element === 'object' ? withoutUnchanged(element) : element;
    if (rest !== element) kept ??= values.slice(0, index);
    if (rest !== undefined) kept?.push(rest);
  }
  return kept?.length === 0 ? undefined : (kept ?? values);
}

/** JSON columns often arrive as text. */
function textWithoutUnchanged(text: string): JsonValue | undefined {
  const parsed = parsedIfMarked(text);
  if (parsed === undefined) return text;
  const rest = withoutUnchanged(parsed);
  if (rest === undefined) return undefined;
  return rest === parsed ? text : stringifyJson(rest);
}

const BRACKET = 91;
const BRACE = 123;

/** The value of a JSON text that contains a mark; undefined for any other text. */
function parsedIfMarked(text: string): JsonValue | undefined {
  const first = text.charCodeAt(0);
  if ((first !== BRACE && first !== BRACKET) || !text.includes(MARK)) return undefined;
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

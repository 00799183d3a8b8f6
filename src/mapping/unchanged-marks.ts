/**
 * Marks that a source writes in place of a value that did not change and that it does not know: Debezium's, for large values that
 * Postgres and Oracle leave out of their logs. To be sent they would overwrite the good value.
 * Source: Debezium's page on its PostgreSQL connector, "Toasted values", and its class UnchangedToastedPlaceholder.
 */
import { isJsonObject, parseJson, stringifyJson, type JsonObject, type JsonValue } from '../json.ts';

/** Debezium's default `unavailable.value.placeholder`. */
const MARK = '__debezium_unavailable_value';

/** The mark as columns of different types carry it. */
const MARKS: ReadonlySet<string> = new Set([
  MARK,
  // Of bytes, as the modes of binary columns write them.
  'X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==',
  '5f5f646562657a69756d5f756e617661696c61626c655f76616c7565',
  // Of an array of UUIDs: the one that is made of the mark's bytes.
  'b68a35a7-17ad-35b3-af2a-ae46edb4545a',
]);
const LONGEST = Math.max(...[...MARKS].map(({ length }) => length));
/** Of an array of numbers. */
const MARK_BYTES: readonly number[] = Array.from(MARK, (character) => character.charCodeAt(0));

/** True when the value says that it did not change: a mark, an array of marks, or a map of it, these also as JSON text. */
export function isUnchanged(value: JsonValue | undefined): boolean {
  if (typeof value === 'string') return isMark(value) || isUnchanged(parsedIfMarked(value));
  if (Array.isArray(value)) return isArrayOfMarks(value);
  return isJsonObject(value) && isMapOfMark(value);
}

/**
 * The value without what did not change, leaves inside of objects included; undefined where nothing else is left. Gives back the same
 * value where there is no mark, which is nearly always.
 */
export function withoutUnchanged(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value === 'string') {
    // Nearly all texts are shorter, and every column of every record passes here.
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

/** An array is replaced as a whole, so its elements stay where they are, but for the objects that say nothing. */
function elementsWithoutUnchanged(values: JsonValue[]): JsonValue | undefined {
  let kept: JsonValue[] | undefined;
  for (const [index, element] of values.entries()) {
    const rest = typeof element === 'object' ? withoutUnchanged(element) : element;
    if (rest !== element) kept ??= values.slice(0, index);
    if (rest !== undefined) kept?.push(rest);
  }
  return kept?.length === 0 ? undefined : (kept ?? values);
}

/** Columns of JSON often come as text. */
function textWithoutUnchanged(text: string): JsonValue | undefined {
  const parsed = parsedIfMarked(text);
  if (parsed === undefined) return text;
  const rest = withoutUnchanged(parsed);
  if (rest === undefined) return undefined;
  return rest === parsed ? text : stringifyJson(rest);
}

const BRACKET = 91;
const BRACE = 123;

/** What a JSON text holds that has a mark in it; undefined for any other text. */
function parsedIfMarked(text: string): JsonValue | undefined {
  const first = text.charCodeAt(0);
  if ((first !== BRACE && first !== BRACKET) || !text.includes(MARK)) return undefined;
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads the list names in a column: an array, or the text that a source makes of an array. A wrong guess would create a
 * list permanently, so text that is clearly in another notation is refused.
 */
import { ExactNumber, parseJson, type JsonValue } from '../json.ts';
import { Refusal } from './coerce.ts';
import { readPostgresArray } from './postgres-array.ts';
import { canonicalNumber } from './numbers.ts';
import { readPythonSequence } from './python-sequence.ts';

const NOT_NAMES = new Refusal('expected list names, as an array or separated by commas');
const OTHER_NOTATION = new Refusal(
  "expected list names as an array, as JSON text, as {VIP,\"Big spenders\"}, as ['VIP', 'Gold'] or separated by commas; found text in another notation",
);

const NO_NAMES: ReadonlySet<string> = new Set(['', 'null', 'none']);
/** `set()` and `frozenset({'VIP'})`, as Python writes them. */
const PYTHON_SET = /^(?:frozen)?set\(\s*([[({].*)?\)$/s;
/** A call, as in `array(['VIP'])` and `ARRAY['VIP']`; a collection of Scala or Spark; XML. */
const CODE =
  /^[\w.]+[([]\s*[[({'"]|^(?:List|Set|Seq|Vector|ListBuffer|ArrayBuffer|ArraySeq|WrappedArray|HashSet)\(.*\)$|^<.*>$/s;
/** What can't be a list name between commas: a quoted name, the beginning of a tuple, several lines. */
const IN_NO_NAME = /^"|^[ub]?'.*'$|^\([^)]*$|[\r\n]/is;

/**
 * The named lists, trimmed, each with `true`. Null, blank names and null names give no lists. A number becomes the
 * canonical text of its value.
 */
export function readListNames(value: JsonValue): Map<string, true> | Refusal {
  const names = typeof value === 'string' ? namesInText(value.trim()) : value;
  if (names instanceof Refusal) return names;
  if (names === null) return new Map();
  if (Array.isArray(names)) return named(names);
  return isNumber(names) ? named([names]) : NOT_NAMES;
}

function named(names: readonly JsonValue[]): Map<string, true> | Refusal {
  const lists = new Map<string, true>();
  for (const name of names) {
    if (name === null) continue;
    if (typeof name !== 'string' && !isNumber(name))
      return new Refusal('expected a list name, found another value');
    const list = typeof name === 'string' ? name.trim() : canonicalNumber(name);
    if (list !== '') lists.set(list, true);
  }
  return lists;
}

function isNumber(value: JsonValue): value is number | ExactNumber {
  return typeof value === 'number' || value instanceof ExactNumber;
}

function namesInText(text: string): JsonValue[] | Refusal {
  if (NO_NAMES.has(text.toLowerCase())) return [];
  const set = PYTHON_SET.exec(text);
  if (set) return set[1] === undefined ? [] : namesInText(set[1].trim());
  if (CODE.test(text)) return OTHER_NOTATION;
  switch (text[0]) {
    case '[':
      return (
        readJsonArray(text) ?? readPythonSequence(text)?.elements ?? readPostgresArray(text) ?? OTHER_NOTATION
      );
    case '{':
      return namesInBraces(text);
    case '(':
      return readPythonSequence(text)?.elements ?? namesBetweenCommas(text);
    default:
      return namesBetweenCommas(text);
  }
}

/** `{'VIP'}` is read as a Python set, although it could be a Postgres array of a name with quotes. */
function namesInBraces(text: string): JsonValue[] | Refusal {
  const set = readPythonSequence(text);
  if (set?.isPlainlyPython === true) return set.elements;
  return readPostgresArray(text) ?? set?.elements ?? OTHER_NOTATION;
}

function namesBetweenCommas(text: string): string[] | Refusal {
  const names = text.split(',').map((name) => name.trim());
  return names.some((name) => IN_NO_NAME.test(name)) || cutsBrackets(names) ? OTHER_NOTATION : names;
}

/**
 * Whether a bracket opens in one name and closes in a later one, as in `ARRAY[VIP, Gold]`: the commas between do not
 * separate names.
 */
function cutsBrackets(names: readonly string[]): boolean {
  let isOpen = false;
  for (const name of names) {
    if (isOpen && firstOf(name, CLOSING) < firstOf(name, OPENING)) return true;
    isOpen ||= lastOf(name, OPENING) > lastOf(name, CLOSING);
  }
  return false;
}

const OPENING = ['(', '[', '{'] as const;
const CLOSING = [')', ']', '}'] as const;

function firstOf(text: string, signs: readonly string[]): number {
  return Math.min(...signs.map((sign) => text.indexOf(sign)).map((at) => (at === -1 ? Infinity : at)));
}

function lastOf(text: string, signs: readonly string[]): number {
  return Math.max(...signs.map((sign) => text.lastIndexOf(sign)));
}

/** JSON columns of warehouses arrive as text. Numbers stay exact. */
function readJsonArray(text: string): JsonValue[] | undefined {
  try {
    const value = parseJson(text);
    return Array.isArray(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Converts a column's value to an Iterable type, by a table of conversions. Never guesses from the text alone; a reason
 * never contains the value.
 */
import { ExactNumber, isJsonObject, parseJson, stringifyJson, type JsonValue } from '../json.ts';
import { toIterableDate } from './dates.ts';
import { toDouble, toLong } from './numbers.ts';
import type { MappingType } from './options.ts';

/** Why a value does not fit a field. A value that is returned, not an error that is thrown. */
export class Refusal {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

type Scalar = boolean | number | string | ExactNumber;
/** The converted value; undefined if it can't be converted. */
type Conversion = (value: Scalar) => JsonValue | undefined;

/** In lower case. */
export const TRUE_TEXTS: ReadonlySet<string> = new Set(['true', 't', 'yes', 'y', '1']);
export const FALSE_TEXTS: ReadonlySet<string> = new Set(['false', 'f', 'no', 'n', '0']);

const SCALARS: Readonly<Record<Exclude<MappingType, 'object'>, Conversion>> = {
  string: scalarText,
  long: (value) => (typeof value === 'boolean' ? undefined : toLong(value)),
  double: (value) => (typeof value === 'boolean' ? undefined : toDouble(value)),
  boolean: toBoolean,
  // A number could be seconds or milliseconds, so it is refused.
  date: (value) => (typeof value === 'string' ? toIterableDate(value) : undefined),
};

const EXPECTED: Readonly<Record<MappingType, string>> = {
  string: 'text',
  long: 'a whole number of at most 64 bits',
  double: 'a number',
  boolean: 'true or false',
  date: 'a date (yyyy-MM-dd, with or without a time)',
  object: 'an object or a list of objects',
};

/** Converts a value of any kind. */
export type Coercion = (value: JsonValue) => JsonValue | Refusal;

/**
 * Returns the conversion to a type. Null stays null, also in an array. An array is converted element by element, since
 * Iterable types an array by its elements.
 */
export function coercionTo(type: MappingType): Coercion {
  return COERCIONS[type];
}

const COERCIONS: Readonly<Record<MappingType, Coercion>> = {
  string: scalarCoercion('string'),
  long: scalarCoercion('long'),
  double: scalarCoercion('double'),
  boolean: scalarCoercion('boolean'),
  date: scalarCoercion('date'),
  object: (value) => (value === null ? null : toObject(value)),
};

function scalarCoercion(type: Exclude<MappingType, 'object'>): Coercion {
  const convert = SCALARS[type];
  const coerce: Coercion = (value) => {
    if (value === null) return null;
    if (Array.isArray(value)) return coerceAll(value, coerce);
    if (isJsonObject(value)) return type === 'string' ? stringifyJson(value) : refused(value, type);
    return convert(value) ?? refused(value, type);
  };
  return coerce;
}

/** Text as it is, the exact text of a number, `true` or `false` for a boolean. */
function scalarText(value: Scalar): string {
  if (typeof value === 'string') return value;
  return value instanceof ExactNumber ? value.text : String(value);
}

function coerceAll(values: readonly JsonValue[], coerce: Coercion): JsonValue | Refusal {
  const converted: JsonValue[] = [];
  for (const element of values) {
    const result = coerce(element);
    if (result instanceof Refusal) return result;
    converted.push(result);
  }
  return converted;
}

function toBoolean(value: Scalar): boolean | undefined {
  if (typeof value === 'boolean') return value;
  // A number counts by its value: `1.0` is 1.
  const text = typeof value === 'string' ? value.trim().toLowerCase() : String(Number(scalarText(value)));
  if (TRUE_TEXTS.has(text)) return true;
  return FALSE_TEXTS.has(text) ? false : undefined;
}

/** Objects and arrays of objects, also as JSON text: warehouses keep nested data in text columns. */
function toObject(value: JsonValue): JsonValue | Refusal {
  if (isObjectLike(value)) return value;
  if (typeof value === 'string') {
    try {
      const parsed = parseJson(value);
      if (isObjectLike(parsed)) return parsed;
    } catch {
      // Not JSON: refused like any other text.
    }
  }
  return refused(value, 'object');
}

function isObjectLike(value: JsonValue): boolean {
  if (!Array.isArray(value)) return isJsonObject(value);
  return value.every((element) => element === null || isJsonObject(element));
}

/** Describes the values that a type accepts. */
export function expectation(type: MappingType): string {
  return EXPECTED[type];
}

function refused(value: JsonValue, type: MappingType): Refusal {
  return new Refusal(`expected ${EXPECTED[type]}, found ${kindOf(value, type)}`);
}

/** Describes a value that does not fit the type, without quoting it. */
export function kindOf(value: JsonValue, type: MappingType): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return type === 'object' ? 'another list' : 'a list';
  if (isJsonObject(value)) return 'an object';
  if (typeof value === 'boolean') return type === 'boolean' ? 'another value' : 'true or false';
  if (typeof value === 'string') return value.trim() === '' ? 'empty text' : 'other text';
  return type === 'date' || type === 'object' ? 'a number' : 'another number';
}

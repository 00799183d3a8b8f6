/** A column's value → Iterable's type, as a table of conversions. Never guesses from the text alone; a reason never holds the value. */
import { ExactNumber, isJsonObject, parseJson, stringifyJson, type JsonValue } from '../json.ts';
import { toIterableDate } from './dates.ts';
import type { MappingType } from './options.ts';

export type Coerced =
  { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly reason: string };

type Scalar = boolean | number | string | ExactNumber;
type Conversion = (value: Scalar) => JsonValue | undefined;

const WHOLE_NUMBER = /^([+-]?)0*(\d+)(?:\.0*)?$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const MAX_LONG = 9223372036854775807n;
const MIN_LONG = -9223372036854775808n;
const TRUE = new Set(['true', 't', 'yes', 'y', '1']);
const FALSE = new Set(['false', 'f', 'no', 'n', '0']);

const SCALARS: Readonly<Record<Exclude<MappingType, 'object'>, Conversion>> = {
  string: (value) => (typeof value === 'string' ? value : scalarText(value)),
  long: (value) => (typeof value === 'boolean' ? undefined : toLong(scalarText(value).trim())),
  double: (value) => (typeof value === 'boolean' ? undefined : toDouble(scalarText(value).trim())),
  boolean: toBoolean,
  // Seconds or milliseconds? A number alone does not say.
  date: (value) => (typeof value === 'string' ? toIterableDate(value) : undefined),
};

const EXPECTED: Readonly<Record<MappingType, string>> = {
  string: 'text',
  long: 'a whole number of at most 64 bits',
  double: 'a number',
  boolean: 'true or false',
  date: 'a date (yyyy-MM-dd, with or without a time)',
  object: 'an object',
};

/** Converts a value; null stays null, and an array is converted element by element, since Iterable types an array by its elements. */
export function coerce(value: JsonValue, type: MappingType): Coerced {
  if (value === null) return { ok: true, value };
  if (type === 'object') return toObject(value);
  if (Array.isArray(value)) return coerceAll(value, type);
  if (isJsonObject(value)) {
    return type === 'string' ? { ok: true, value: stringifyJson(value) } : refused(value, type);
  }
  const converted = SCALARS[type](value);
  return converted === undefined ? refused(value, type) : { ok: true, value: converted };
}

/** The exact text of a number, `true` or `false` of a boolean, or the text itself. */
export function scalarText(value: Scalar): string {
  return value instanceof ExactNumber ? value.text : String(value);
}

function coerceAll(values: readonly JsonValue[], type: MappingType): Coerced {
  const converted: JsonValue[] = [];
  for (const element of values) {
    const result = coerce(element, type);
    if (!result.ok) return result;
    converted.push(result.value);
  }
  return { ok: true, value: converted };
}

function toLong(text: string): JsonValue | undefined {
  const digits = wholeDigits(text);
  if (digits === undefined) return undefined;
  const value = BigInt(digits);
  if (value > MAX_LONG || value < MIN_LONG) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : new ExactNumber(value.toString());
}

/** `12`, `5.0` and `1e3` are whole; `5.5` is not. */
function wholeDigits(text: string): string | undefined {
  const whole = WHOLE_NUMBER.exec(text);
  if (whole) return `${whole[1] === '-' ? '-' : ''}${whole[2] ?? ''}`;
  if (!NUMBER.test(text) || !/e/i.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? String(number) : undefined;
}

/** Always with a point: a field that begins as `5` would be a long for the whole project, for ever. */
function toDouble(text: string): JsonValue | undefined {
  if (!NUMBER.test(text) || !Number.isFinite(Number(text))) return undefined;
  const [mantissa = '', exponent] = text.toLowerCase().replace(/^\+/, '').split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const sign = whole.startsWith('-') ? '-' : '';
  const digits = whole.replace('-', '').replace(/^0+(?=\d)/, '') || '0';
  return new ExactNumber(
    `${sign}${digits}.${fraction || '0'}${exponent === undefined ? '' : `e${exponent}`}`,
  );
}

function toBoolean(value: Scalar): JsonValue | undefined {
  if (typeof value === 'boolean') return value;
  const text = scalarText(value).trim().toLowerCase();
  if (TRUE.has(text)) return true;
  return FALSE.has(text) ? false : undefined;
}

/** Objects and arrays of objects, also as JSON text: warehouses keep nested data in text columns. */
function toObject(value: JsonValue): Coerced {
  if (isObjectLike(value)) return { ok: true, value };
  if (typeof value === 'string') {
    try {
      const parsed = parseJson(value);
      if (isObjectLike(parsed)) return { ok: true, value: parsed };
    } catch {
      // Not JSON: refused like any other text.
    }
  }
  return refused(value, 'object');
}

function isObjectLike(value: JsonValue): boolean {
  return isJsonObject(value) || (Array.isArray(value) && value.every((element) => isJsonObject(element)));
}

function refused(value: JsonValue, type: MappingType): Coerced {
  return { ok: false, reason: `expected ${EXPECTED[type]}, found ${kindOf(value)}` };
}

/** What a value is, in words, without the value. */
export function kindOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (isJsonObject(value)) return 'an object';
  if (typeof value === 'boolean') return 'true or false';
  return typeof value === 'string' ? 'other text' : 'another number';
}

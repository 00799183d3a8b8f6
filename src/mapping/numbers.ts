/** Numbers, and texts of numbers, as Iterable's `long` and `double`, digit for digit. */
import { ExactNumber } from '../json.ts';

/** A number as JSON writes it, and as people do: `+7`, `007`, `.5`, `5.`. */
const NUMBER = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:e([+-]?\d+))?$/i;
const MAX_LONG = 9223372036854775807n;
const MIN_LONG = -9223372036854775808n;
const MAX_LONG_DIGITS = 19;

type Numeric = number | string | ExactNumber;

interface Decimal {
  readonly sign: '' | '-';
  readonly whole: string;
  readonly fraction: string;
  readonly exponent: string | undefined;
}

/** A whole number of 64 bits, also one written `5.0` or `1e3`; undefined for any other. */
export function toLong(value: Numeric): number | ExactNumber | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  const decimal = parseDecimal(value);
  const digits = decimal && wholeDigits(decimal);
  if (decimal === undefined || digits === undefined) return undefined;
  const long = BigInt(`${decimal.sign}${digits}`);
  if (long > MAX_LONG || long < MIN_LONG) return undefined;
  const number = Number(long);
  return Number.isSafeInteger(number) ? number : new ExactNumber(long.toString());
}

/**
 * A number written with a point, since a field that begins as `5` would be a long for the whole project, for ever. The
 * digits are kept as they are written. Undefined for texts of no number, and beyond what a double holds.
 */
export function toDouble(value: Numeric): number | ExactNumber | undefined {
  if (typeof value === 'number' && isWrittenWithPoint(value)) return value;
  const decimal = parseDecimal(value);
  if (!decimal) return undefined;
  const { sign, whole, fraction, exponent } = decimal;
  const text = `${sign}${withoutLeadingZeros(whole)}.${fraction || '0'}${exponent === undefined ? '' : `e${exponent}`}`;
  return Number.isFinite(Number(text)) ? new ExactNumber(text) : undefined;
}

/** The common case: JavaScript itself writes such a number with a point and without an exponent (ECMA-262, Number::toString). */
function isWrittenWithPoint(value: number): boolean {
  return !Number.isInteger(value) && Math.abs(value) >= 1e-6 && Math.abs(value) < 1e21;
}

function parseDecimal(value: Numeric): Decimal | undefined {
  const text = value instanceof ExactNumber ? value.text : String(value).trim();
  const match = NUMBER.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '0', fraction = match[4] ?? '', , exponent] = match;
  return { sign: sign === '-' ? '-' : '', whole, fraction, exponent };
}

/** The digits of a whole number; undefined when something is left behind the point, or when no long could hold it. */
function wholeDigits({ whole, fraction, exponent = '0' }: Decimal): string | undefined {
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (!/^0*$/.test(digits.slice(Math.max(point, 0)))) return undefined;
  const significant = withoutLeadingZeros(digits.slice(0, Math.max(point, 0)));
  if (significant === '0') return significant;
  const zerosToAdd = Math.max(point - digits.length, 0);
  if (significant.length + zerosToAdd > MAX_LONG_DIGITS) return undefined;
  return significant + '0'.repeat(zerosToAdd);
}

function withoutLeadingZeros(digits: string): string {
  return digits.replace(/^0+(?=\d)/, '') || '0';
}

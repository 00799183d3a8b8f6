/**
 * Converts numbers and numeric text to Iterable's `long` and `double` without losing a digit, and a number that is an
 * id or a name to one canonical text.
 */
import { ExactNumber } from '../json.ts';

/** A number as JSON writes it, or as people do: `+7`, `007`, `.5`, `5.`. */
const NUMBER = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:e([+-]?\d+))?$/i;
const MAX_LONG = 9223372036854775807n;
const MIN_LONG = -9223372036854775808n;
const MAX_LONG_DIGITS = 19;
/** Longer numbers get an exponent: `1e300` would have 301 digits. */
const MAX_PLAIN_LENGTH = 60;

type Numeric = number | string | ExactNumber;

interface Decimal {
  readonly sign: '' | '-';
  readonly whole: string;
  readonly fraction: string;
  readonly exponent: string | undefined;
}

/**
 * One text for a numeric value, whatever its notation: `7000` for 7000, 7000.0 and 7E+3. Every digit is kept. A plain
 * decimal without redundant zeros or, if that is longer than 60 characters, with an exponent: `1.5e+300`. Always a JSON
 * number.
 */
export function canonicalNumber(value: number | ExactNumber): string {
  // JavaScript writes these in the same form; its minus zero becomes 0.
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  const text = value instanceof ExactNumber ? value.text : String(value);
  const decimal = parseDecimal(text);
  return decimal ? canonicalText(decimal) : text;
}

/** True for text that {@link canonicalNumber} can return. Cheap for text that does not begin like a number. */
export function isCanonicalNumber(text: string): boolean {
  // The common case.
  if (PLAIN_ID.test(text)) return true;
  const first = text.charCodeAt(0);
  if (!(first >= ZERO && first <= NINE) && first !== MINUS) return false;
  const decimal = parseDecimal(text);
  return decimal !== undefined && canonicalText(decimal) === text;
}

/** Whether a number is 0, in any notation; undefined for text that is not a number. */
export function isZero(value: Numeric): boolean | undefined {
  const decimal = parseDecimal(value);
  return decimal && !/[1-9]/.test(decimal.whole + decimal.fraction);
}

/** A whole number of 64 bits, also if written `5.0` or `1e3`; undefined for anything else. */
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
 * A number with a decimal point, since a field whose first value is `5` would be a long in the whole project,
 * permanently. The digits are kept as they are written. Undefined for text that is not a number, and beyond the range
 * of a double.
 */
export function toDouble(value: Numeric): number | ExactNumber | undefined {
  if (typeof value === 'number' && isWrittenWithPoint(value)) return value;
  const decimal = parseDecimal(value);
  if (!decimal) return undefined;
  const { sign, whole, fraction, exponent } = decimal;
  const text = `${sign}${withoutLeadingZeros(whole)}.${fraction || '0'}${exponent === undefined ? '' : `e${exponent}`}`;
  return Number.isFinite(Number(text)) ? new ExactNumber(text) : undefined;
}

/**
 * The common case: JavaScript writes such a number with a point and without an exponent (ECMA-262, Number::toString).
 */
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

const PLAIN_ID = /^[1-9]\d{0,14}$/;
const ZERO = 48;
const NINE = 57;
const MINUS = 45;

function canonicalText({ sign, whole, fraction, exponent = '0' }: Decimal): string {
  const padded = (whole + fraction).replace(/^0+/, '');
  const digits = withoutTrailingZeros(padded);
  if (digits === '') return '0';
  // The value is 0.digits times ten to this power. A BigInt, so that an exponent of any size stays exact.
  const power = BigInt(exponent) + BigInt(padded.length - fraction.length);
  if (power > 0n && power <= MAX_PLAIN_LENGTH) {
    const point = Number(power);
    const plain =
      digits.length <= point
        ? sign + digits.padEnd(point, '0')
        : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
    if (plain.length <= MAX_PLAIN_LENGTH) return plain;
  } else if (power <= 0n && power > -MAX_PLAIN_LENGTH) {
    const plain = `${sign}0.${'0'.repeat(Number(-power))}${digits}`;
    if (plain.length <= MAX_PLAIN_LENGTH) return plain;
  }
  const rest = digits.slice(1);
  return `${sign}${digits.charAt(0)}${rest === '' ? '' : `.${rest}`}e${power > 0n ? '+' : ''}${power - 1n}`;
}

/** Not by a regular expression, which would start over at each of possibly a million zeros. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === ZERO) end--;
  return digits.slice(0, end);
}

/** The digits of a whole number; undefined if it has a fraction, or too many digits for a long. */
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

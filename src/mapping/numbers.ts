/** Numbers, and texts of numbers, as Iterable's `long` and `double`, digit for digit; and the one text of a number that names something. */
import { ExactNumber } from '../json.ts';

/** A number as JSON writes it, and as people do: `+7`, `007`, `.5`, `5.`. */
const NUMBER = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:e([+-]?\d+))?$/i;
const MAX_LONG = 9223372036854775807n;
const MIN_LONG = -9223372036854775808n;
const MAX_LONG_DIGITS = 19;
/** Longer ones are written with an exponent: `1e300` has 301 digits. */
const MAX_PLAIN_LENGTH = 60;

type Numeric = number | string | ExactNumber;

interface Decimal {
  readonly sign: '' | '-';
  readonly whole: string;
  readonly fraction: string;
  readonly exponent: string | undefined;
}

/**
 * One text for the value of a number, however it is written: `7000` for 7000, 7000.0 and 7E+3. Every digit is kept. Plain
 * decimals without needless zeros; beyond 60 characters one form with an exponent, `1.5e+300`, so that it is never absurdly
 * long. Always a JSON number.
 */
export function canonicalNumber(value: number | ExactNumber): string {
  // JavaScript writes these just so; its own minus zero comes out as 0.
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  const text = value instanceof ExactNumber ? value.text : String(value);
  const decimal = parseDecimal(text);
  return decimal ? canonicalText(decimal) : text;
}

/** True for a text that {@link canonicalNumber} writes. Cheap for texts that do not begin like a number. */
export function isCanonicalNumber(text: string): boolean {
  // Nearly all that are.
  if (PLAIN_ID.test(text)) return true;
  const first = text.charCodeAt(0);
  if (!(first >= ZERO && first <= NINE) && first !== MINUS) return false;
  const decimal = parseDecimal(text);
  return decimal !== undefined && canonicalText(decimal) === text;
}

/** Whether a number is 0, in whatever notation; undefined for a text of no number. */
export function isZero(value: Numeric): boolean | undefined {
  const decimal = parseDecimal(value);
  return decimal && !/[1-9]/.test(decimal.whole + decimal.fraction);
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

const PLAIN_ID = /^[1-9]\d{0,14}$/;
const ZERO = 48;
const NINE = 57;
const MINUS = 45;

function canonicalText({ sign, whole, fraction, exponent = '0' }: Decimal): string {
  const padded = (whole + fraction).replace(/^0+/, '');
  const digits = withoutTrailingZeros(padded);
  if (digits === '') return '0';
  // The value is 0.digits times ten to the power of this. Of any size: nothing may become another number.
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

/** Not by a regular expression, which would look from every zero on: there may be a million of them. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === ZERO) end--;
  return digits.slice(0, end);
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

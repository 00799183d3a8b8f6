/** JSON with the original text of numbers, by which Iterable tells a long from a double. Shares no code with the connector. */

/** A number as its original text. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Value = null | boolean | string | NumberText | Value[] | { [key: string]: Value };

type SourceReviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

/** Needs a Node with source text in JSON revivers (22 or later). Throws SyntaxError. */
export function parseExactly(text: string): Value {
  const revive: SourceReviver = (_key, value, { source }) =>
    typeof value === 'number' ? new NumberText(source ?? '') : value;
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown) as Value;
}

export function isObject(value: unknown): value is { [key: string]: Value } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)
  );
}

/** Converts to plain JavaScript values for comparison in tests; an integer beyond 2^53 becomes a bigint. */
export function toPlain(value: Value): unknown {
  if (value instanceof NumberText) {
    const number = Number(value.text);
    return /^-?\d+$/.test(value.text) && !Number.isSafeInteger(number) ? BigInt(value.text) : number;
  }
  if (Array.isArray(value)) return value.map(toPlain);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, toPlain(child)]));
}

/** Removes null fields at any depth, as Iterable does when it stores an object. */
export function withoutNulls(value: Value): Value {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== null)
      .map(([key, child]) => [key, withoutNulls(child)]),
  );
}

const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?)?$/;

export function isDateText(text: string): boolean {
  return DATE.test(text) && !Number.isNaN(Date.parse(text.replace(' +', '+'))) && isDay(text.slice(0, 10));
}

/** Whether the day exists: `Date.parse` reads 30 February as 1 March. */
function isDay(day: string): boolean {
  return new Date(day).toISOString().startsWith(day);
}

/** `yyyy-MM-dd HH:mm:ss +00:00`, the format in which Iterable returns dates. */
export function normaliseDate(text: string): string {
  const hasZone = /(?:Z|[+-]\d{2}:?\d{2})$/.test(text) && text.length > 10;
  const iso = new Date(
    hasZone ? text.replace(' +', '+') : text.length > 10 ? `${text.replace(' ', 'T')}Z` : text,
  ).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} +00:00`;
}

/** The type that Iterable gives to a new field with this scalar as its first value. */
export function typeOfScalar(value: boolean | string | NumberText): string {
  if (typeof value === 'boolean') return 'boolean';
  if (value instanceof NumberText) return /[.eE]/.test(value.text) ? 'double' : 'long';
  return isDateText(value) ? 'date' : 'string';
}

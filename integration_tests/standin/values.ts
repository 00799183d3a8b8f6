/** JSON as Iterable sees it: a number's text tells a long from a double, so it is kept. Shares nothing with the connector. */

/** A number by its text. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Value = null | boolean | string | NumberText | Value[] | { [key: string]: Value };

type SourceReviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

/** Needs a Node with source text in JSON revivers (22 and later). Throws SyntaxError. */
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

/** Plain JavaScript for tests to compare with; an integer beyond 2^53 becomes a bigint. */
export function toPlain(value: Value): unknown {
  if (value instanceof NumberText) {
    const number = Number(value.text);
    return /^-?\d+$/.test(value.text) && !Number.isSafeInteger(number) ? BigInt(value.text) : number;
  }
  if (Array.isArray(value)) return value.map(toPlain);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, toPlain(child)]));
}

/** Nulls remove: an object is stored without the fields that are null, at any depth. */
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

/** `Date.parse` takes the 30th of February for the 1st of March. */
function isDay(day: string): boolean {
  return new Date(day).toISOString().startsWith(day);
}

/** `yyyy-MM-dd HH:mm:ss +00:00`, as Iterable gives dates back. */
export function normaliseDate(text: string): string {
  const hasZone = /(?:Z|[+-]\d{2}:?\d{2})$/.test(text) && text.length > 10;
  const iso = new Date(
    hasZone ? text.replace(' +', '+') : text.length > 10 ? `${text.replace(' ', 'T')}Z` : text,
  ).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} +00:00`;
}

/** Iterable's word for a scalar's type when it meets it for the first time. */
export function typeOfScalar(value: boolean | string | NumberText): string {
  if (typeof value === 'boolean') return 'boolean';
  if (value instanceof NumberText) return /[.eE]/.test(value.text) ? 'double' : 'long';
  return isDateText(value) ? 'date' : 'string';
}

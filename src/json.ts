/**
 * JSON that keeps numbers as they were written. `JSON.parse` turns 9007199254740993 into …992 and `5.0` into `5`;
 * here such a number survives as an {@link ExactNumber} and is written back digit for digit.
 */
import { randomUUID } from 'node:crypto';

/** A JSON number whose text a JavaScript number can't reproduce, or must not: `9007199254740993`, `5.0`, `1e3`. */
export class ExactNumber {
  /** The number's JSON text, always valid as a JSON number. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Used by `JSON.stringify`; {@link stringifyJson} turns the marked text into a bare number. */
  toJSON(): string {
    return `${MARK}${this.text}`;
  }
}

export type JsonObject = { [key: string]: JsonValue };
export type JsonValue = null | boolean | number | string | ExactNumber | JsonValue[] | JsonObject;

/** Unguessable, so that no text of a record can pass itself off as a number. */
const MARK = `exact-number:${randomUUID()}:`;
const MARKED_NUMBER = new RegExp(`"${MARK}([^"]*)"`, 'g');

/** 16 digits in a row, or, where a value may begin, a fraction that ends in 0, an exponent, or -0: texts that a number may not give back. */
const MAY_NEED_CARE = /[\d.]{16}|[:,[]\s*(?:-?\d+\.\d*0(?!\d)|-?\d+(?:\.\d+)?[eE]|-0)/;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * Parses JSON, keeping numbers exact where `JSON.parse` would not. `__proto__` is an own property like any other.
 * Throws SyntaxError like `JSON.parse`.
 */
export function parseJson(text: string): JsonValue {
  if (!MAY_NEED_CARE.test(text)) return JSON.parse(text) as JsonValue;
  const marked = markNumbers(text);
  if (marked === text) return JSON.parse(text) as JsonValue;
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? new ExactNumber(value.slice(MARK.length)) : value,
  ) as JsonValue;
}

/** `JSON.stringify` that writes every {@link ExactNumber} as the number it stands for. */
export function stringifyJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes(MARK) ? text.replace(MARKED_NUMBER, '$1') : text;
}

/** True for an object that is neither an array nor a number in disguise. */
export function isJsonObject(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)
  );
}

/** Replaces, outside of strings, each number that would not survive by a marked string. Broken JSON stays broken. */
function markNumbers(text: string): string {
  const parts: string[] = [];
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    const end = quote === -1 ? text.length : quote;
    parts.push(
      text
        .slice(at, end)
        .replace(NUMBER, (number) => (String(Number(number)) === number ? number : `"${MARK}${number}"`)),
    );
    if (quote === -1) break;
    at = endOfString(text, quote);
    parts.push(text.slice(quote, at));
  }
  return parts.join('');
}

/** The index after the closing quote of the string that opens at `open`; the text's end when it never closes. */
export function endOfString(text: string, open: number): number {
  let quote = text.indexOf('"', open + 1);
  while (quote !== -1) {
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
  return text.length;
}

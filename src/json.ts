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

/**
 * Parses JSON, keeping numbers exact where `JSON.parse` would not. `__proto__` is an own property like any other.
 * Throws SyntaxError like `JSON.parse`, whose message may quote the text.
 */
export function parseJson(text: string): JsonValue {
  return withExactNumbers(JSON.parse(text) as JsonValue, text);
}

/**
 * The second half of {@link parseJson}, for whoever looks at a value before deciding that its digits matter: given what
 * `JSON.parse` made of `text`, gives that same value back when nothing was lost, else a new one with exact numbers.
 */
export function withExactNumbers(parsed: JsonValue, text: string): JsonValue {
  const marked = markNumbers(text);
  return marked === undefined ? parsed : restoreNumbers(JSON.parse(marked) as JsonValue);
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

/**
 * Replaces each number that would not survive by a marked string; undefined when all survive. The text must be valid JSON:
 * outside of its strings a digit or a minus then begins a number, and nothing else does. Every record passes here.
 */
function markNumbers(text: string): string | undefined {
  let marked = '';
  let copiedTo = 0;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (isDigit(code) || code === MINUS) {
      const start = at;
      at = endOfNumber(text, start);
      if (survives(text, start, at)) continue;
      marked += `${text.slice(copiedTo, start)}"${MARK}${text.slice(start, at)}"`;
      copiedTo = at;
    } else {
      at++;
    }
  }
  return copiedTo === 0 ? undefined : marked + text.slice(copiedTo);
}

/** The other way round, in place, and without recursion: the nesting may be deeper than the call stack. */
function restoreNumbers(root: JsonValue): JsonValue {
  const containers: (JsonValue[] | JsonObject)[] = [];
  const restore = (value: JsonValue): JsonValue => {
    if (typeof value === 'string' && value.startsWith(MARK)) return new ExactNumber(value.slice(MARK.length));
    if (Array.isArray(value) || isJsonObject(value)) containers.push(value);
    return value;
  };
  const restored = restore(root);
  for (let container = containers.pop(); container; container = containers.pop()) {
    // An array has its indexes for keys; an own `__proto__` is read and assigned like any other own property.
    const members = container as Record<string, JsonValue>;
    for (const key of Object.keys(members)) {
      const value = members[key] as JsonValue;
      const exact = restore(value);
      if (exact !== value) members[key] = exact;
    }
  }
  return restored;
}

const QUOTE = 34;
const BACKSLASH = 92;
const ZERO = 48;
const NINE = 57;
const PLUS = 43;
const MINUS = 45;
const POINT = 46;
const UPPER_E = 69;
const LOWER_E = 101;
/** Integers of up to 15 digits are exact in a JavaScript number. */
const MAX_SURE_DIGITS = 15;

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function endOfNumber(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const isPart =
      isDigit(code) ||
      code === POINT ||
      code === LOWER_E ||
      code === UPPER_E ||
      code === PLUS ||
      code === MINUS;
    if (!isPart) return at;
  }
  return text.length;
}

/** True when a JavaScript number gives back the text between these indexes. */
function survives(text: string, start: number, end: number): boolean {
  let areDigits = end - start <= MAX_SURE_DIGITS;
  for (let at = start; areDigits && at < end; at++) areDigits = isDigit(text.charCodeAt(at));
  if (areDigits) return true;
  const number = text.slice(start, end);
  return String(Number(number)) === number;
}

/** The index after the closing quote of the string that opens at `open`; the text's end when it never closes. */
export function endOfString(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}

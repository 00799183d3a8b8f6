/**
 * JSON that keeps what `JSON.parse` loses. It turns 9007199254740993 into …992 and `5.0` into `5`; here such a number
 * survives as an {@link ExactNumber} and is written back digit for digit. And in Node 24 to 26 it reads
 * an escaped key as another one after it has seen a key that holds a backslash; here keys are what they say.
 * See https://github.com/nodejs/node/issues/63785.
 */
import { randomUUID } from 'node:crypto';

/** A JSON number whose text a JavaScript number can't reproduce, or must not: `9007199254740993`, `5.0`, `1e3`. */
export class ExactNumber {
  /** The number's JSON text, always valid as a JSON number. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** For `JSON.stringify`, which writes the text as it is: a bare number. */
  toJSON(): RawJson {
    return rawJSON(rewriteNumber ? rewriteNumber(this.text) : this.text);
  }
}

/** What `JSON.rawJSON` gives: `JSON.stringify` writes its text as it is. */
export interface RawJson {
  readonly rawJSON: string;
}

/**
 * Throws SyntaxError for any text but that of a number, a string, true, false or null. V8 has it since 11.4, so every supported
 * Node: 22.13, the oldest, comes with V8 12.4. TypeScript's library does not declare it yet.
 */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => RawJson };

/** Set while {@link stringifyJson} writes, since `JSON.stringify` hands nothing on to `toJSON`; a replacer would double its time. */
let rewriteNumber: ((numberText: string) => string) | undefined;

export type JsonObject = { [key: string]: JsonValue };
export type JsonValue = null | boolean | number | string | ExactNumber | JsonValue[] | JsonObject;

/** Unguessable, so that no text of a record can pass itself off as a number. */
const MARK = `exact-number:${randomUUID()}:`;

/**
 * Parses JSON, keeping numbers exact where `JSON.parse` would not. `__proto__` is an own property like any other.
 * Throws SyntaxError like `JSON.parse`, whose message may quote the text.
 */
export function parseJson(text: string): JsonValue {
  return withNothingLost(JSON.parse(text) as JsonValue, text);
}

/**
 * The second half of {@link parseJson}, for a caller that looks at a value before it decides that its details matter: given what
 * `JSON.parse` made of `text`, gives that same value back when nothing was lost, else a new and faithful one.
 */
export function withNothingLost(parsed: JsonValue, text: string): JsonValue {
  const marked = markText(text);
  return marked ? restoreMarked(JSON.parse(marked.text) as JsonValue, marked.keys) : parsed;
}

/** What the text says as JSON, if it is some; numbers as JavaScript has them. */
export function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** `JSON.stringify`, with every {@link ExactNumber} as the number it stands for; `rewrite` may give its text another form. */
export function stringifyJson(value: unknown, rewrite?: (numberText: string) => string): string {
  const outer = rewriteNumber;
  rewriteNumber = rewrite;
  try {
    return JSON.stringify(value);
  } finally {
    rewriteNumber = outer;
  }
}

/** The same; undefined where the value is nested too deeply to be written, since the stack runs out. */
export function stringifyIfPossible(
  value: unknown,
  rewrite?: (numberText: string) => string,
): string | undefined {
  try {
    return stringifyJson(value, rewrite);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** True for an object that is neither an array nor a number in disguise. */
export function isJsonObject(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)
  );
}

/** Whether these are the object's keys, in this order. perf: Object.keys would make an array for each record. */
export function hasKeys(object: Readonly<JsonObject>, keys: readonly string[]): boolean {
  let at = 0;
  for (const key in object) if (key !== keys[at++]) return false;
  return at === keys.length;
}

interface MarkedText {
  readonly text: string;
  /** The keys that were replaced; each mark ends in its index here. */
  readonly keys: readonly string[];
}

/**
 * Replaces each number that would not survive by a marked string, and each escaped key by a marked one without escapes;
 * undefined when all is well. The text must be valid JSON: outside of its strings a digit or a minus then begins a number,
 * and nothing else does.
 */
function markText(text: string): MarkedText | undefined {
  const spots = findSpots(text);
  if (spots.length === 0) return undefined;
  const keys: string[] = [];
  let marked = '';
  let copiedTo = 0;
  for (const { start, end } of spots) {
    let name = text.slice(start, end);
    if (name.startsWith('"')) {
      // As a value, not as a key, it is read well.
      keys.push(JSON.parse(name) as string);
      name = String(keys.length - 1);
    }
    marked += `${text.slice(copiedTo, start)}"${MARK}${name}"`;
    copiedTo = end;
  }
  return { text: marked + text.slice(copiedTo), keys };
}

/** Where the numbers and keys stand that need care. Every record passes here, so it is one loop over the characters. */
function findSpots(text: string): { readonly start: number; readonly end: number }[] {
  const spots: { start: number; end: number }[] = [];
  let at = 0;
  // perf ("Less garbage" in docs/performance.md): found once for all the strings before it, which then end at their next quote: that is several times as fast.
  let backslash = indexOrEnd(text, '\\', 0);
  while (at < text.length) {
    const start = at;
    const code = text.charCodeAt(start);
    if (code === QUOTE) {
      at = indexOrEnd(text, '"', start + 1) + 1;
      if (backslash >= at) continue;
      at = endOfString(text, start);
      backslash = indexOrEnd(text, '\\', at);
      if (isBeforeColon(text, at)) spots.push({ start, end: at });
    } else if (isDigit(code) || code === MINUS) {
      at = endOfNumber(text, start);
      if (!survives(text, start, at)) spots.push({ start, end: at });
    } else {
      at++;
    }
  }
  return spots;
}

function indexOrEnd(text: string, sign: string, from: number): number {
  const index = text.indexOf(sign, from);
  return index === -1 ? text.length : index;
}

/** The other way round, without recursion: the nesting may be deeper than the call stack. */
function restoreMarked(root: JsonValue, keys: readonly string[]): JsonValue {
  const containers: (JsonValue[] | JsonObject)[] = [];
  const restore = (value: JsonValue): JsonValue => {
    if (typeof value === 'string' && value.startsWith(MARK)) return new ExactNumber(value.slice(MARK.length));
    const restored = keys.length > 0 && isJsonObject(value) ? restoreKeys(value, keys) : value;
    if (Array.isArray(restored) || isJsonObject(restored)) containers.push(restored);
    return restored;
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

function restoreKeys(object: JsonObject, keys: readonly string[]): JsonObject {
  const entries = Object.entries(object);
  if (!entries.some(([key]) => key.startsWith(MARK))) return object;
  return Object.fromEntries(
    entries.map(([key, value]) => [
      key.startsWith(MARK) ? (keys[Number(key.slice(MARK.length))] as string) : key,
      value,
    ]),
  );
}

const SPACE = 32;
const QUOTE = 34;
const COLON = 58;
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

function isBeforeColon(text: string, from: number): boolean {
  let at = from;
  while (text.charCodeAt(at) <= SPACE) at++;
  return text.charCodeAt(at) === COLON;
}

/** True when a JavaScript number gives back the text between these indexes. */
function survives(text: string, start: number, end: number): boolean {
  if (end - start <= MAX_SURE_DIGITS && isPlainNumber(text, start, end)) return true;
  const number = text.slice(start, end);
  return String(Number(number)) === number;
}

/** True for digits, with or without a point, that JavaScript writes just so: nearly all numbers. */
function isPlainNumber(text: string, start: number, end: number): boolean {
  let hasPoint = false;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === POINT) hasPoint = true;
    else if (!isDigit(code)) return false;
  }
  // A fraction may not end in 0; one of a small number might be written with an exponent.
  return !hasPoint || (text.charCodeAt(end - 1) !== ZERO && text.charCodeAt(start) !== ZERO);
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

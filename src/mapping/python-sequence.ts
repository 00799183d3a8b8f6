/**
 * A sequence of texts in Python's notation (`repr`), which scripts and some databases write: `['VIP', 'Gold']`,
 * `('VIP',)`, `{'VIP'}`. https://docs.python.org/3/reference/lexical_analysis.html#string-and-bytes-literals
 */
import { ExactNumber } from '../json.ts';

export interface PythonSequence {
  readonly elements: (string | ExactNumber | null)[];
  /** True if it contains something that only Python writes this way, such as text in single quotes. */
  readonly isPlainlyPython: boolean;
}

const CLOSING: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}' };
/** A string, with or without the prefix of Python 2, a number or a word for null; and its terminator. */
const ELEMENT =
  /\s*(?:(u?)(?:'((?:[^'\\\n]|\\[^])*)'|"((?:[^"\\\n]|\\[^])*)")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?)|(?:none|null|nan))\s*([,\])}])/iy;
const MAX_CODE_POINT = 0x10ffff;
const ESCAPE = /\\(?:x([\dA-Fa-f]{2})|u([\dA-Fa-f]{4})|U([\dA-Fa-f]{8})|([0-7]{1,3})|([^]))/g;
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The elements, if the text is a single sequence without nesting; undefined for any other text. */
export function readPythonSequence(text: string): PythonSequence | undefined {
  const closing = CLOSING[text.charAt(0)];
  if (closing === undefined || !text.endsWith(closing)) return undefined;
  const elements: PythonSequence['elements'] = [];
  let isPlainlyPython = false;
  let at = 1;
  // A trailing comma is allowed.
  while (!isBlank(text, at, text.length - 1)) {
    ELEMENT.lastIndex = at;
    const match = ELEMENT.exec(text);
    if (!match) return undefined;
    const [whole, prefix, single, double, number, end] = match;
    at += whole.length;
    if (end === ',' ? at === text.length : at !== text.length) return undefined;
    const body = single ?? double;
    const value = body === undefined ? null : unescaped(body);
    if (value === undefined) return undefined;
    elements.push(number === undefined ? value : new ExactNumber(number));
    isPlainlyPython ||=
      number === undefined && (double === undefined || prefix === 'u' || hasOtherEscape(double));
    if (end !== ',') break;
  }
  return { elements, isPlainlyPython };
}

function isBlank(text: string, from: number, end: number): boolean {
  let at = from;
  while (at < end && /\s/.test(text.charAt(at))) at++;
  return at === end;
}

/** Whether there is an escape for another character than the one after the backslash. */
function hasOtherEscape(body: string): boolean {
  return body.replace(/\\[\\"]/g, '').includes('\\');
}

/** Undefined for an escape that Python would not write. */
function unescaped(body: string): string | undefined {
  if (!body.includes('\\')) return body;
  const parts: string[] = [];
  let copiedTo = 0;
  for (const match of body.matchAll(ESCAPE)) {
    const character = escapedCharacter(match);
    if (character === undefined) return undefined;
    parts.push(body.slice(copiedTo, match.index), character);
    copiedTo = match.index + match[0].length;
  }
  return parts.join('') + body.slice(copiedTo);
}

function escapedCharacter([, x, u, U, octal, other]: RegExpExecArray): string | undefined {
  if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8));
  if (other !== undefined) return SIMPLE_ESCAPES[other];
  const code = parseInt(x ?? u ?? U ?? '', 16);
  return code <= MAX_CODE_POINT ? String.fromCodePoint(code) : undefined;
}

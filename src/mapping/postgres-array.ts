/**
 * A Postgres array as text, `{VIP,"Big spenders",NULL}`: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO.
 * Elements are read as text, since the literal does not show whether they are numbers.
 */

/** Bounds of an array whose first index is not 1: `[0:1]={a,b}`. */
const BOUNDS = /^\[[+-]?\d+:[+-]?\d+\]\s*=\s*/;
/**
 * One element and its terminator. A backslash escapes the next character; an unquoted element can't contain braces or
 * quotes.
 */
const ELEMENT = /\s*(?:"((?:[^"\\]|\\[^])*)"\s*|((?!\s)(?:[^"\\{},]|\\[^])+))([,}])/y;
const QUOTED = /"(?:[^"\\]|\\[^])*"/g;
/** Characters of a map or a script. Postgres may write them without quotes, but never writes spaces outside quotes. */
const IN_NO_NAME = /['`:=]/;
/** Whitespace for Postgres, which treats other kinds of whitespace as letters. */
const BLANK = /[ \t\n\v\f\r]/;
const KEY_OF_A_MAP = /^'[^']*'\s*:/;

/** The elements of a one-dimensional array, possibly with spaces around them; undefined for any other text. */
export function readPostgresArray(text: string): (string | null)[] | undefined {
  const body = text.replace(BOUNDS, '').trim();
  if (!body.startsWith('{')) return undefined;
  if (/^\{\s*\}$/.test(body)) return [];
  const isByHand = BLANK.test(body.replace(QUOTED, ''));
  const elements: (string | null)[] = [];
  ELEMENT.lastIndex = 1;
  for (;;) {
    const match = ELEMENT.exec(body);
    if (!match) return undefined;
    const [, quoted, unquoted = '', end] = match;
    if (KEY_OF_A_MAP.test(unquoted) || (isByHand && IN_NO_NAME.test(unquoted))) return undefined;
    const isNull = quoted === undefined && unquoted.trimEnd().toLowerCase() === 'null';
    elements.push(isNull ? null : unescaped(quoted ?? unquoted));
    if (end === ',') continue;
    return match.index + match[0].length === body.length ? elements : undefined;
  }
}

function unescaped(text: string): string {
  return text.replace(/\\([^])/g, '$1');
}

/**
 * A Postgres array as text, `{VIP,"Big spenders",NULL}`: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO.
 * Elements are text: the literal does not say whether they are numbers.
 */

/** Of an array whose first index is not 1: `[0:1]={a,b}`. */
const BOUNDS = /^\[[+-]?\d+:[+-]?\d+\]\s*=\s*/;
/** One element, and what ends it. A backslash takes the next character as it is; unquoted, braces and quotes have no place. */
const ELEMENT = /\s*(?:"((?:[^"\\]|\\[^])*)"\s*|((?!\s)(?:[^"\\{},]|\\[^])+))([,}])/y;
const QUOTED = /"(?:[^"\\]|\\[^])*"/g;
/** Signs of a map, or of a script. Postgres may write them without quotes, but never writes blanks outside of quotes. */
const IN_NO_NAME = /['`:=]/;
/** As Postgres has it: other blanks are letters to it. */
const BLANK = /[ \t\n\v\f\r]/;
const KEY_OF_A_MAP = /^'[^']*'\s*:/;

/** The elements of a one-dimensional array, maybe with blanks around them; undefined for any other text. */
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

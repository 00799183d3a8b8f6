/** Locates members in the text of a JSON object without parsing it, so that text can be passed on verbatim. */
import { endOfString } from '../json.ts';

/** Positions of the members in the text of an object. */
export interface ObjectText {
  /** Position of the wanted value. If its key occurs twice, the last one counts. */
  readonly value?: { readonly start: number; readonly end: number };
  readonly isEmpty: boolean;
  /** The index after the last member, or after the opening brace. */
  readonly lastEnd: number;
}

/** Walks the members of the object that opens at `open`. The text must be valid JSON. */
export function readObject(text: string, open: number, wantedKey: string): ObjectText {
  let value: ObjectText['value'];
  let lastEnd = open + 1;
  let at = skipBlanks(text, lastEnd);
  const isEmpty = text[at] === '}';
  while (at < text.length && text[at] !== '}') {
    const endOfKey = endOfString(text, at);
    const key = text.slice(at, endOfKey);
    const colon = skipBlanks(text, endOfKey);
    const start = skipBlanks(text, colon + 1);
    lastEnd = endOfValue(text, start);
    if (isKey(key, wantedKey)) value = { start, end: lastEnd };
    const comma = skipBlanks(text, lastEnd);
    at = text[comma] === ',' ? skipBlanks(text, comma + 1) : comma;
  }
  return { ...(value ? { value } : {}), isEmpty, lastEnd };
}

/** True if the quoted text is this key, whose characters may be escaped. */
function isKey(quoted: string, key: string): boolean {
  return quoted === `"${key}"` || (quoted.includes('\\') && JSON.parse(quoted) === key);
}

/** The index after the value that begins at `start`. Counts braces instead of recursing, so that any depth works. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    switch (text[at]) {
      case '"':
        at = endOfString(text, at);
        if (depth === 0) return at;
        break;
      case '{':
      case '[':
        depth++;
        at++;
        break;
      case '}':
      case ']':
        // At depth 0 it closes the object around a bare number or word.
        if (depth === 0) return at;
        depth--;
        at++;
        if (depth === 0) return at;
        break;
      case ',':
      case ' ':
      case '\t':
      case '\r':
      case '\n':
        if (depth === 0) return at;
        at++;
        break;
      default:
        at++;
    }
  }
  return at;
}

/** The index of the first character at or after `from` that is not whitespace. */
export function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\r' || text[at] === '\n') at++;
  return at;
}

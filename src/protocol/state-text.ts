/**
 * Adds our counts to a state without touching another character of it. The state's text goes back to the source, and
 * parsing and writing it anew would change numbers (`5.0`, integers beyond 2^53) that the source may care about.
 */
import { endOfString } from '../json.ts';

export interface DestinationStats {
  readonly recordCount: number;
  readonly rejectedRecordCount: number;
}

/**
 * The state message in `line` with `destinationStats` set in its `state` object: at the end of it, or in place of one
 * that is there. The line must be a valid STATE message; Error where it has no `state` object.
 */
export function withDestinationStats(line: string, stats: DestinationStats): string {
  const message = readObject(line, skipBlanks(line, 0), 'state');
  const at = message.value?.start;
  if (at === undefined || line[at] !== '{') throw new Error('A STATE message without a state object');
  const state = readObject(line, at, 'destinationStats');
  const value = statsText(stats);
  if (state.value) return line.slice(0, state.value.start) + value + line.slice(state.value.end);
  const member = `${state.isEmpty ? '' : ','}"destinationStats":${value}`;
  return line.slice(0, state.lastEnd) + member + line.slice(state.lastEnd);
}

/** The protocol wants these numbers with a decimal point; rejections are named only where there are some. */
function statsText({ recordCount, rejectedRecordCount }: DestinationStats): string {
  const rejected = rejectedRecordCount > 0 ? `,"rejectedRecordCount":${rejectedRecordCount}.0` : '';
  return `{"recordCount":${recordCount}.0${rejected}}`;
}

interface ObjectText {
  /** Where the looked-for value stands; with a key that occurs twice, the last one, which is the one that counts. */
  readonly value?: { readonly start: number; readonly end: number };
  readonly isEmpty: boolean;
  /** The index after the last member, or after the opening brace. */
  readonly lastEnd: number;
}

/** Walks the members of the object that opens at `open`. */
function readObject(text: string, open: number, wantedKey: string): ObjectText {
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

/** True when the quoted text means this key; any of its letters may be written as an escape. */
function isKey(quoted: string, key: string): boolean {
  return quoted === `"${key}"` || (quoted.includes('\\') && JSON.parse(quoted) === key);
}

/** The index after the value that begins at `start`. Counts braces instead of recursing, so any depth will do. */
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

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\r' || text[at] === '\n') at++;
  return at;
}

/**
 * Adds our counts to a state without touching another character of it. The state's text goes back to the source, and
 * parsing and writing it anew would change numbers (`5.0`, integers beyond 2^53) that the source may care about.
 */
import { readObject, skipBlanks } from './json-text.ts';

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

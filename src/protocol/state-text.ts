/**
 * Adds our counts to a state without changing any other character. The state is returned to the source, and serializing
 * it again would change numbers (`5.0`, integers beyond 2^53) that may matter to the source.
 */
import { readObject, skipBlanks } from './json-text.ts';

export interface DestinationStats {
  readonly recordCount: number;
  readonly rejectedRecordCount: number;
}

/**
 * The state message in `line` with `destinationStats` set in its `state` object, either appended or replacing the
 * existing ones. The line must be a valid STATE message. Throws Error if it has no `state` object.
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

/**
 * The protocol requires these numbers to have a decimal point. The count of rejected records is left out if it is 0.
 */
function statsText({ recordCount, rejectedRecordCount }: DestinationStats): string {
  const rejected = rejectedRecordCount > 0 ? `,"rejectedRecordCount":${rejectedRecordCount}.0` : '';
  return `{"recordCount":${recordCount}.0${rejected}}`;
}

/**
 * Detects input that is not Airbyte messages at all. Lines that are not messages are skipped, and a run without records
 * succeeds. A file in any other format would therefore succeed as well, and its states would be emitted although
 * nothing was delivered.
 *
 * Until the first record, a line that looks like a damaged record or a bare row holds back the states after it; they
 * are not emitted if no record follows. Other lines that are not messages do not affect states: a run with nothing to
 * deliver may well contain a stray log line.
 */
import type { ConfigError } from '../errors.ts';
import { notMessages, RECORD_EXAMPLE } from './line-errors.ts';
import type { NoiseLine } from './line-splitter.ts';
import type { InputMessage, StateMessage } from './messages.ts';
import type { IgnoredMessage } from './other-messages.ts';

/** How many lines that are not messages are logged one by one. */
const MAX_LOGGED = 1_000;
/** A run with more states than this and no record is not a genuine sync. */
const MAX_HELD = 1_000;

interface OddLine {
  readonly place: string;
  readonly what: string;
}

export class InputReview {
  readonly #warn: (message: string) => void;
  #noise = 0;
  #unknown = 0;
  #firstUnknown = 0;
  /** Messages of the protocol, of any type. */
  #messages = 0;
  #hasRecord = false;
  /** The first line that is not a message. */
  #first: OddLine | undefined;
  /** The first line that looks like a record that can't be read. */
  #firstLost: OddLine | undefined;
  #lost = 0;
  readonly #held: StateMessage[] = [];

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** True once {@link untilRecord} has passed on a record; later messages need not go through it. */
  get hasRecord(): boolean {
    return this.#hasRecord;
  }

  noteNoise({ number, bytes, head }: NoiseLine): void {
    this.#noise++;
    if (this.#noise <= MAX_LOGGED)
      this.#warn(`Line ${number} (${bytes} bytes) is not a message and was skipped.`);
    if (this.#noise === MAX_LOGGED) this.#warn('Further lines that are no messages are counted, not logged.');
    this.#noteOdd(number, bytes, `begins like ${beginsLike(head)}`, isLikeRecord(head));
  }

  noteIgnored({ line, bytes, what }: IgnoredMessage): void {
    if (what === 'known') {
      this.#messages++;
      return;
    }
    if (this.#unknown++ === 0) this.#firstUnknown = line;
    this.#noteOdd(line, bytes, 'is a JSON object whose type the protocol does not have', what === 'row');
  }

  /** Passes messages on, except for states that are held back. Throws if there are too many of those. */
  *untilRecord(messages: Iterable<InputMessage>): Generator<InputMessage> {
    for (const message of messages) {
      if (message.kind === 'record' && !this.#hasRecord) {
        this.#hasRecord = true;
        yield* this.#held.splice(0);
      }
      this.#messages++;
      if (message.kind === 'state' && !this.#hasRecord && this.#firstLost) {
        this.#held.push(message);
        if (this.#held.length > MAX_HELD) throw this.#lostRecords(this.#firstLost);
      } else {
        yield message;
      }
    }
  }

  /** For an input that has ended without an error: the failure if it was not Airbyte messages. */
  problem(): ConfigError | undefined {
    if (this.#hasRecord || !this.#first) return undefined;
    if (this.#firstLost && this.#messages > 0) return this.#lostRecords(this.#firstLost);
    if (this.#messages > 0) return undefined;
    const lines = this.#noise + this.#unknown;
    const { place, what } = this.#first;
    return notMessages(
      lines === 1
        ? `The only line of the input, ${place}, is no Airbyte message; it ${what}. ${EXPECTED}`
        : `None of the ${lines} lines of the input is an Airbyte message; the first, ${place}, ${what}. ${EXPECTED}`,
    );
  }

  /** Call at the end of the input, whether it ended well or not. */
  tellCounts(): void {
    if (this.#noise > MAX_LOGGED) this.#warn(`${this.#noise} lines were no messages and were skipped.`);
    if (this.#unknown > 0)
      this.#warn(
        `${this.#unknown} messages of types that the protocol does not have were ignored, the first in line ${this.#firstUnknown}.`,
      );
  }

  #noteOdd(line: number, bytes: number, what: string, isLost: boolean): void {
    const odd = () => ({ place: `line ${line} (${bytes} bytes)`, what });
    this.#first ??= odd();
    if (!isLost) return;
    this.#lost++;
    this.#firstLost ??= odd();
  }

  #lostRecords({ place, what }: OddLine): ConfigError {
    const lines =
      this.#lost === 1
        ? "a line looks like a record that can't be read"
        : `${this.#lost} lines look like records that can't be read`;
    return notMessages(
      `The input has states but no record, and ${lines}: ${place} ${what}. No state from there on is given back. ${EXPECTED}`,
    );
  }
}

const EXPECTED = `One JSON object a line is expected: ${RECORD_EXAMPLE}`;

/** Matches `INFO {"type":"RECORD",…`, and records in an array or in a JSON string. */
function isLikeRecord(head: string): boolean {
  return /"RECORD\\?"|"record\\?"\s*:/.test(head);
}

function beginsLike(head: string): string {
  // Not `[INFO] …`.
  if (/^\s*\[\s*($|[{["\]])/.test(head)) return 'a JSON array';
  if (/"type\\?"\s*:/.test(head)) return 'a message with something in front of it';
  if (/^\s*</.test(head)) return 'XML or HTML';
  if (/^[^,;\t|]*[,;\t|]\S/.test(head)) return 'CSV';
  return 'text';
}

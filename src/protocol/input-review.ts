/**
 * Sees whether an input is Airbyte messages at all. A line that is none is skipped, and a run without records is a success:
 * so is, line by line, a file of something else, whose states would then go back although nothing of it was delivered.
 *
 * Until a record has come, lines count that look like damaged records or bare rows: states after them are held back, and are
 * not given back where no record follows. Other lines that are no messages do not count beside states: a run that has nothing to
 * deliver may well have a stray line of a log in it.
 */
import type { ConfigError } from '../errors.ts';
import { notMessages, RECORD_EXAMPLE } from './line-errors.ts';
import type { NoiseLine } from './line-splitter.ts';
import type { InputMessage, StateMessage } from './messages.ts';
import type { IgnoredMessage } from './other-messages.ts';

/** Lines that get a warning of their own. */
const MAX_TOLD = 1_000;
/** So many states without any record are no run that somebody waits for. */
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
  /** Messages of the protocol's, of whatever type. */
  #messages = 0;
  #hasRecord = false;
  /** The first line that is no message. */
  #first: OddLine | undefined;
  /** The first of the lines that look like records. */
  #firstLost: OddLine | undefined;
  #lost = 0;
  readonly #held: StateMessage[] = [];

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** True once a record has come by {@link untilRecord}: what follows needn't pass there. */
  get hasRecord(): boolean {
    return this.#hasRecord;
  }

  noteNoise({ number, bytes, head }: NoiseLine): void {
    this.#noise++;
    if (this.#noise <= MAX_TOLD)
      this.#warn(`Line ${number} (${bytes} bytes) is not a message and was skipped.`);
    if (this.#noise === MAX_TOLD) this.#warn('Further lines that are no messages are counted, not logged.');
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

  /** The messages as they come, but for states that are held back. Throws where too many are. */
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

  /** When the input has ended well: why it can't have been meant, if it can't. */
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

  /** To be called at the end, whatever the end is. */
  tellCounts(): void {
    if (this.#noise > MAX_TOLD) this.#warn(`${this.#noise} lines were no messages and were skipped.`);
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

/** As in `INFO {"type":"RECORD",…`, in an array, or in a text of JSON. */
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

/**
 * The only writer to stdout: one whole line per message, in the order of the calls. Texts for people pass through a redact
 * function; states and the spec never do. When the reader goes away, it says so once and then drops what comes.
 */
import type { Writable } from 'node:stream';
import type { FailureType } from '../errors.ts';
import type { StreamId } from '../model.ts';
import type { ConnectionStatus, DestinationOperation, LogLevel } from './output-schemas.ts';

export interface ErrorTrace {
  /** For people who don't program. */
  readonly message: string;
  /** For engineers. */
  readonly internalMessage?: string;
  readonly stackTrace?: string;
  readonly failureType: FailureType;
  readonly stream?: StreamId;
}

/** Something that is drawn where the lines go. */
export interface SharedScreen {
  clear(): void;
  draw(): void;
}

export interface MessageWriterOptions {
  /** Takes the secrets out of a text. */
  readonly redact?: (text: string) => string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** So much output may wait for a slow reader before writing holds up the run; 4 MB by default. */
  readonly maxUnreadBytes?: number;
}

/** The platform cuts there, too; a mark at the end then says that something is missing. */
const MAX_TEXT_CHARACTERS = 50_000;
const CUT_MARK = '… (cut)';
/** Some clients write all of their input before they read the output. A pipe alone holds 64 KB, and both would wait for ever. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/**
 * Every method that writes resolves when more may be written: at once while little waits for the reader, else when the
 * stream has drained or is closed. None rejects. Not awaiting one is safe: its line is already queued.
 */
export class MessageWriter {
  readonly #out: Writable;
  readonly #now: () => number;
  readonly #maxUnreadBytes: number;
  #redact: (text: string) => string;
  #onClosed: ((error?: Error) => void) | undefined;
  #isClosed = false;
  #failure: Error | undefined;
  /** Lines handed to the stream, but not yet by it to the system. */
  #linesOnTheirWay = 0;
  #linesTaken = 0;
  #screen: SharedScreen | undefined;
  #waitingForDrain: (() => void)[] = [];
  #waitingForFlush: (() => void)[] = [];

  constructor(out: Writable, options: MessageWriterOptions = {}) {
    this.#out = out;
    this.#redact = options.redact ?? ((text) => text);
    this.#now = options.now ?? Date.now;
    this.#maxUnreadBytes = options.maxUnreadBytes ?? MAX_UNREAD_BYTES;
    // One listener of each kind for good: a listener per waiting line would be too many.
    out.on('drain', () => {
      wake(this.#waitingForDrain);
    });
    out.on('error', (error: Error) => {
      this.#close(error);
    });
    out.on('close', () => {
      this.#close();
    });
  }

  /** For texts written from now on. */
  setRedact(redact: (text: string) => string): void {
    this.#redact = redact;
  }

  /** From now on the display makes way for each line, where stdout is the terminal that it is drawn on. */
  shareScreen(screen: SharedScreen): void {
    this.#screen = screen;
  }

  /** The text without the secrets, as messages have it. */
  redacted(text: string): string {
    return this.#redact(text);
  }

  /** Called once, when nothing can be written any more: the reader closed the pipe, or writing failed. At once, if that has happened. */
  set onClosed(callback: (error?: Error) => void) {
    if (this.isClosed) callback();
    else this.#onClosed = callback;
  }

  /** True when nothing can be written any more; what is written then goes nowhere. */
  get isClosed(): boolean {
    return this.#isClosed || this.#out.destroyed;
  }

  /** Why something could not be written to the stream, if it could not; `EPIPE` where the reader has gone away. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** How many lines the system has taken so far: where lines wait and this stands still, nobody reads. */
  get linesTaken(): number {
    return this.#linesTaken;
  }

  log(level: LogLevel, message: string): Promise<void> {
    return this.#write({ type: 'LOG', log: { level, message: this.#text(message) } });
  }

  /** Writes the state's line as it is. It must not hold a newline. */
  state(line: string): Promise<void> {
    return this.#writeLine(line);
  }

  spec(spec: unknown): Promise<void> {
    return this.#write({ type: 'SPEC', spec });
  }

  connectionStatus(status: ConnectionStatus, message?: string): Promise<void> {
    const connectionStatus = { status, ...(message === undefined ? {} : { message: this.#text(message) }) };
    return this.#write({ type: 'CONNECTION_STATUS', connectionStatus });
  }

  traceError({ message, internalMessage, stackTrace, failureType, stream }: ErrorTrace): Promise<void> {
    const error = {
      message: this.#text(message),
      ...(internalMessage === undefined ? {} : { internal_message: this.#text(internalMessage) }),
      ...(stackTrace === undefined ? {} : { stack_trace: this.#text(stackTrace) }),
      failure_type: failureType,
      ...(stream === undefined ? {} : { stream_descriptor: stream }),
    };
    return this.#write({ type: 'TRACE', trace: { type: 'ERROR', emitted_at: this.#now(), error } });
  }

  destinationCatalog(operations: readonly DestinationOperation[]): Promise<void> {
    return this.#write({ type: 'DESTINATION_CATALOG', destination_catalog: { operations } });
  }

  /** Resolves when everything written so far has been handed to the system, or can't be any more. */
  flush(): Promise<void> {
    if (this.#linesOnTheirWay === 0 || this.isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForFlush.push(resolve));
  }

  /** Redacted first: a cut through the middle of a secret would leave half of it. */
  #text(text: string): string {
    const redacted = this.#redact(text);
    if (redacted.length <= MAX_TEXT_CHARACTERS) return redacted;
    return redacted.slice(0, MAX_TEXT_CHARACTERS - CUT_MARK.length) + CUT_MARK;
  }

  #write(message: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#writeLine(JSON.stringify(message));
  }

  #writeLine(line: string): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    this.#linesOnTheirWay++;
    this.#screen?.clear();
    const takesMore = this.#out.write(`${line}\n`, (error) => {
      this.#failure ??= error ?? undefined;
      this.#linesOnTheirWay--;
      this.#linesTaken++;
      if (this.#linesOnTheirWay === 0) wake(this.#waitingForFlush);
    });
    this.#screen?.draw();
    if (takesMore || this.#out.writableLength <= this.#maxUnreadBytes) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForDrain.push(resolve));
  }

  #close(error?: Error): void {
    // Not every text goes through here: a plan is written for people.
    this.#failure ??= error;
    if (this.#isClosed) return;
    this.#isClosed = true;
    wake(this.#waitingForDrain);
    wake(this.#waitingForFlush);
    this.#onClosed?.(error);
  }
}

/** Empties the list, so that nobody is woken twice. */
function wake(waiting: (() => void)[]): void {
  for (const resolve of waiting.splice(0)) resolve();
}

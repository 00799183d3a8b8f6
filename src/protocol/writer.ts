/**
 * The only writer of messages to stdout: one whole line per message, in the order of the calls. Texts for users are
 * redacted; states and the spec never are. When the reader closes stdout, the writer reports that once and discards
 * later messages.
 */
import type { Writable } from 'node:stream';
import type { FailureType } from '../errors.ts';
import type { StreamId } from '../model.ts';
import type { ConnectionStatus, DestinationOperation, LogLevel } from './output-schemas.ts';

export interface ErrorTrace {
  /** For users who are not engineers. */
  readonly message: string;
  /** For engineers. */
  readonly internalMessage?: string;
  readonly stackTrace?: string;
  readonly failureType: FailureType;
  readonly stream?: StreamId;
}

/** A display on the terminal that also shows the messages. */
export interface SharedScreen {
  clear(): void;
  draw(): void;
}

export interface MessageWriterOptions {
  /** Removes the secrets from a text. */
  readonly redact?: (text: string) => string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** How much unread output is buffered before writing blocks the run; 4 MB by default. */
  readonly maxUnreadBytes?: number;
}

/** The platform truncates at the same length. The mark at the end shows that something is missing. */
const MAX_TEXT_CHARACTERS = 50_000;
const CUT_MARK = '… (cut)';
/**
 * Some clients write all of their input before they read any output. A pipe alone holds 64 KB, so that both sides would
 * wait forever.
 */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/**
 * Every writing method resolves when more can be written: at once while little output is buffered, else when the stream
 * has drained or is closed. None rejects. It is safe not to await them: the line is already queued.
 */
export class MessageWriter {
  readonly #out: Writable;
  readonly #now: () => number;
  readonly #maxUnreadBytes: number;
  #redact: (text: string) => string;
  #onClosed: ((error?: Error) => void) | undefined;
  #isClosed = false;
  #failure: Error | undefined;
  /** Lines passed to the stream that the operating system has not accepted yet. */
  #linesInFlight = 0;
  #linesTaken = 0;
  #screen: SharedScreen | undefined;
  #waitingForDrain: (() => void)[] = [];
  #waitingForFlush: (() => void)[] = [];

  constructor(out: Writable, options: MessageWriterOptions = {}) {
    this.#out = out;
    this.#redact = options.redact ?? ((text) => text);
    this.#now = options.now ?? Date.now;
    this.#maxUnreadBytes = options.maxUnreadBytes ?? MAX_UNREAD_BYTES;
    // One permanent listener per event: a listener per pending line would be too many.
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

  /** Applies to texts written from now on. */
  setRedact(redact: (text: string) => string): void {
    this.#redact = redact;
  }

  /**
   * From now on, clears the display before each line and redraws it afterwards. For a display on the same terminal as
   * stdout.
   */
  shareScreen(screen: SharedScreen): void {
    this.#screen = screen;
  }

  /** The text with its secrets replaced, as messages have it. */
  redacted(text: string): string {
    return this.#redact(text);
  }

  /**
   * Called once, when nothing more can be written: the reader closed the pipe, or writing failed. Called at once if
   * that has happened already.
   */
  set onClosed(callback: (error?: Error) => void) {
    if (this.isClosed) callback();
    else this.#onClosed = callback;
  }

  /** True when nothing more can be written; later messages are discarded. */
  get isClosed(): boolean {
    return this.#isClosed || this.#out.destroyed;
  }

  /** The error of a write that failed, if one did; `EPIPE` if the reader has closed stdout. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * How many lines the operating system has accepted so far. If lines are pending and this does not change, the reader
   * has stopped reading.
   */
  get linesTaken(): number {
    return this.#linesTaken;
  }

  log(level: LogLevel, message: string): Promise<void> {
    return this.#write({ type: 'LOG', log: { level, message: this.#text(message) } });
  }

  /** Writes the state's line verbatim. It must not contain a newline. */
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

  /** Resolves when the operating system has accepted everything written so far, or can no longer accept it. */
  flush(): Promise<void> {
    if (this.#linesInFlight === 0 || this.isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForFlush.push(resolve));
  }

  /** Redacts before truncating: a secret that is cut in half would leave half of it. */
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
    this.#linesInFlight++;
    this.#screen?.clear();
    const takesMore = this.#out.write(`${line}\n`, (error) => {
      this.#failure ??= error ?? undefined;
      this.#linesInFlight--;
      this.#linesTaken++;
      if (this.#linesInFlight === 0) wake(this.#waitingForFlush);
    });
    this.#screen?.draw();
    if (takesMore || this.#out.writableLength <= this.#maxUnreadBytes) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForDrain.push(resolve));
  }

  #close(error?: Error): void {
    // Text that is written without this class, such as a plan, reports its failure only here.
    this.#failure ??= error;
    if (this.#isClosed) return;
    this.#isClosed = true;
    wake(this.#waitingForDrain);
    wake(this.#waitingForFlush);
    this.#onClosed?.(error);
  }
}

/** Empties the list, so that none is called twice. */
function wake(waiting: (() => void)[]): void {
  for (const resolve of waiting.splice(0)) resolve();
}

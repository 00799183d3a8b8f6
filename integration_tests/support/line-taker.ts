/** Splits chunks of text into lines and passes each to `onLine`; keeps errors thrown there until they can fail the test. */
export class LineTaker {
  /** The incomplete last line. */
  rest = '';
  readonly #onLine: (line: string) => void;
  readonly #failures: unknown[] = [];

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  take(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      try {
        this.#onLine(line);
      } catch (error) {
        this.#failures.push(error);
      }
    }
  }

  /** Throws the first error of `onLine`, if there was one. */
  throwFailure(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }
}

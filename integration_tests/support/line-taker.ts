/** Cuts text that comes in pieces into lines, and tells of each; what a test throws there is kept until it can fail the test. */
export class LineTaker {
  /** The line that has begun and not ended. */
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

  /** Throws what was thrown first, if anything was. */
  throwFailure(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }
}

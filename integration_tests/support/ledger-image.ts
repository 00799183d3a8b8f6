import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** A copy of the ledger's files at one moment: what a run killed at that moment leaves. */
export class LedgerImage {
  readonly #path: string;
  #contents: readonly (readonly [string, Buffer | undefined])[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  take(): void {
    this.#contents = [this.#path, `${this.#path}-wal`].map((path) => [
      path,
      existsSync(path) ? readFileSync(path) : undefined,
    ]);
  }

  restore(): void {
    for (const [path, content] of this.#contents) {
      if (content) writeFileSync(path, content);
      else rmSync(path, { force: true });
    }
  }
}

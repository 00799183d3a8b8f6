/** Texts for people on stdout: a plan, a page of help. Messages go through the writer. */
import type { Writable } from 'node:stream';

/** Resolves when the system has the text, or does not take it: then the stream says why. */
export function print(stdout: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    stdout.write(text, () => {
      resolve();
    });
  });
}

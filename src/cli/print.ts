/** Prints texts for users on stdout: a plan, a help page. Messages go through the writer. */
import type { Writable } from 'node:stream';

/**
 * Resolves when the operating system has accepted the text or writing has failed; the stream reports such a failure.
 */
export function print(stdout: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    stdout.write(text, () => {
      resolve();
    });
  });
}

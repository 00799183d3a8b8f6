/** Generates many simple users for tests of batches. */
import { aRecord, aState } from './messages.ts';

/** RECORD lines of users 0 … n-1, with a STATE after every `stateEvery` records. A generator, so that long input takes no memory. */
export function* userLines(
  n: number,
  stateEvery = Infinity,
  fields: (index: number) => Record<string, unknown> = () => ({}),
) {
  for (let index = 0; index < n; index++) {
    yield aRecord({ email: `user${index}@example.com`, n: index, ...fields(index) });
    if ((index + 1) % stateEvery === 0) yield aState(index + 1);
  }
}

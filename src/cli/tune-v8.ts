/** Tells V8 what kind of program this is: one that waits for nobody's click, and shares its machine. */
import { setFlagsFromString } from 'node:v8';

/**
 * - V8 would rather grow its heap to hundreds of megabytes than collect it, since what waits for Iterable lives for seconds.
 *   Here a full collection comes after little growth, and the young generation stays as it is.
 * - Marking piece by piece, and beside the program on other threads, shortens pauses that nobody notices here, and costs more in all.
 * - A full collection forgets the shapes of objects of which none is alive, as of messages between two lines, and with them the code
 *   made for them, which runs slowly until it is made anew. So shapes that code was made for are kept.
 *
 * The figures are in docs/performance.md. Only for what reads records: loading `node:v8` takes 6 ms or more of the 50 in which
 * `spec` starts.
 */
export function tuneV8(): void {
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--no-incremental-marking');
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString('--retain-maps-for-n-gc=1000000000');
}

/** Sets V8's flags for a batch program that shares its machine. perf: see "V8" in docs/performance.md. */
import { setFlagsFromString } from 'node:v8';

/**
 * - V8 would rather grow its heap to hundreds of megabytes than collect it, since what waits for Iterable lives for seconds.
 *   Here it grows by half of what is alive between full collections, and the young generation no further at all.
 * - The young generation is collected by the thread that waits for it anyway: to share so little costs more than it spares.
 * - A full collection forgets the shapes of objects of which none is alive, as of messages between two lines, and with them the code
 *   made for them, which runs slowly until it is made anew. So shapes that code was made for are kept.
 *
 * The figures are in docs/performance.md. Only for what reads records: loading `node:v8` takes 6 ms or more of the 50 in which
 * `spec` starts.
 */
export function tuneV8(): void {
  setFlagsFromString('--heap-growing-percent=50');
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString('--retain-maps-for-n-gc=1000000000');
}

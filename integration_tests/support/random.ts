/** Seeded randomness, so that a failing run can be repeated. */

/** A function that returns numbers in [0, 1), the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seeds 1 … n: `few` by default, `many` with `LONG_TESTS`; or only the one in `SEED`, to reproduce a failure. */
export function seeds(few: number, many: number): number[] {
  if (process.env.SEED !== undefined) return [Number(process.env.SEED)];
  const count = process.env.LONG_TESTS === undefined ? few : many;
  return Array.from({ length: count }, (_, index) => index + 1);
}

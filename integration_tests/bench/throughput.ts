/** The cost of `write` without rate limits, compared with a minimal loop. */
import { fileURLToPath } from 'node:url';
import { count, cpuPer100k, decimals, print, type Bench } from './bench.ts';
import { median, type Measurement } from './measure.ts';

const MINIMAL_LOOP = fileURLToPath(new URL('minimal-loop.ts', import.meta.url));
const RECORDS = 200_000;
const ROUNDS = 3;
/** The same as in the connector. */
const BATCH_SIZE = '1000';
const MAX_IN_FLIGHT = '10';

export async function throughput(bench: Bench): Promise<void> {
  const written: Measurement[] = [];
  const minimal: Measurement[] = [];
  // Alternates, so that other load on the machine affects both.
  for (let round = 0; round < ROUNDS; round++) {
    const start = await bench.sink.bytes();
    written.push(await bench.write(RECORDS));
    const middle = await bench.sink.bytes();
    minimal.push(await bench.run(RECORDS, [MINIMAL_LOOP, bench.sink.url, BATCH_SIZE, MAX_IN_FLIGHT]));
    const end = await bench.sink.bytes();
    if (middle - start !== end - middle)
      throw new Error(`write sent ${middle - start} bytes, and the minimal loop ${end - middle}`);
  }
  const few = await bench.write(RECORDS / 10);
  const row = (name: string, run: Measurement, records: number) => [
    name,
    count(records),
    count(records / run.seconds),
    cpuPer100k(run, records),
    decimals(run.peakMb, 0),
  ];
  print(
    `Without limits (median of ${ROUNDS})`,
    ['', 'records', 'records/s', 'CPU s per 100,000', 'peak MB'],
    [
      row('write', few, RECORDS / 10),
      row('write', median(written), RECORDS),
      row('minimal loop', median(minimal), RECORDS),
    ],
  );
  const ratio = median(written).cpuSeconds / median(minimal).cpuSeconds;
  console.log(`write takes ${decimals(ratio)} times the CPU of the minimal loop.`);
}

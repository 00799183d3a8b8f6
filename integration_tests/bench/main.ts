/**
 * `npm run bench`: measures the cost of the built program next to a baseline. `-- --full` adds ledgers with a million entries;
 * `-- --only ledger` runs only the parts whose names begin with `ledger`.
 */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Bench } from './bench.ts';
import { calls } from './calls.ts';
import { postgresLedger, sqliteLedger } from './ledgers.ts';
import { fullCalls } from './full-calls.ts';
import { limits } from './limits.ts';
import { startUp } from './start-up.ts';
import { streams } from './streams.ts';
import { throughput } from './throughput.ts';

const PARTS: Readonly<Record<string, (bench: Bench, isFull: boolean) => Promise<void>>> = {
  'start-up': startUp,
  limits,
  throughput,
  calls,
  'full-calls': fullCalls,
  'ledger-sqlite': sqliteLedger,
  'ledger-postgres': postgresLedger,
  streams,
};

const { values } = parseArgs({
  options: { full: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
});
console.log(
  `Node ${process.version}, ${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), load ${loadavg()[0]?.toFixed(2) ?? '?'} before the first part. CPU times are more reliable than elapsed times.`,
);
const bench = await Bench.start();
try {
  for (const [name, run] of Object.entries(PARTS))
    if (name.startsWith(values.only)) await run(bench, values.full);
} finally {
  bench.stop();
}

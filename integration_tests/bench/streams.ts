/** The time and memory of a sync with thousands of streams, one record each. */
import { PostgresServer } from '../support/postgres.ts';
import { aCatalog } from '../support/messages.ts';
import { count, decimals, print, type Bench } from './bench.ts';
import { customersStream, writeCustomerPerStream } from './people.ts';

const STREAMS = 5_000;
const COLUMNS = ['email', 'first_name', 'last_name', 'city', 'country', 'orders', 'is_subscriber', 'notes'];

export async function streams(bench: Bench): Promise<void> {
  const names = Array.from({ length: STREAMS }, (_, index) => `customers_${index}`);
  const input = bench.files.path('streams.jsonl');
  writeCustomerPerStream(input, names);
  const server = await PostgresServer.start();
  try {
    const ledgers: [string, () => Promise<Record<string, unknown>>][] = [
      ['none', () => Promise.resolve({ type: 'none' })],
      ['SQLite', () => Promise.resolve({ type: 'sqlite', path: bench.files.path('streams.sqlite') })],
      ['Postgres', async () => ({ type: 'postgres', url: await server.createDatabase() })],
    ];
    const rows: string[][] = [];
    for (const [name, optionOf] of ledgers) {
      const ledger = await optionOf();
      const config = { ledger, mappings: COLUMNS.map((column) => ({ source: column, target: column })) };
      for (const [sync, isSnapshot] of [
        ['first, incremental', false],
        ['second, incremental', false],
        ['third, full replacement', true],
      ] as const) {
        const catalog = aCatalog(...names.map((stream) => customersStream({ isSnapshot, name: stream })));
        const run = await bench.writeFile(input, catalog, config);
        rows.push([name, sync, decimals(run.seconds), decimals(run.cpuSeconds), decimals(run.peakMb, 0)]);
      }
    }
    print(`${count(STREAMS)} streams, one record each`, ['ledger', 'sync', 's', 'CPU s', 'peak MB'], rows);
  } finally {
    await server.stop();
  }
}

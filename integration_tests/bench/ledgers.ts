/** The speed of a full snapshot without changes, with a ledger: each row is marked as present. */
import { existsSync, statSync } from 'node:fs';
import { PostgresServer } from '../support/postgres.ts';
import { count, cpuPer100k, decimals, print, type Bench } from './bench.ts';
import type { Measurement } from './measure.ts';
import { serverCpuSeconds } from './server-cpu.ts';

const RECORDS = 100_000;
const MANY_RECORDS = 1_000_000;
const HEAD = [
  '',
  'sync',
  'records',
  'records/s',
  'CPU s per 100,000',
  'server CPU s',
  'peak MB',
  'ledger MB',
];

/** A ledger to measure, and its size. */
interface Place {
  readonly name: string;
  readonly option: Record<string, unknown>;
  readonly bytes: () => Promise<number>;
  /** The CPU time of its server so far; undefined if there is no server or the time is not available. */
  readonly serverCpuSeconds: () => Promise<number | undefined>;
}

export async function sqliteLedger(bench: Bench, isFull: boolean): Promise<void> {
  for (const records of isFull ? [RECORDS, MANY_RECORDS] : [RECORDS]) {
    const path = bench.files.path(`ledger-${records}.sqlite`);
    await measureLedger(bench, records, {
      name: 'SQLite',
      option: { type: 'sqlite', path },
      bytes: () => Promise.resolve(existsSync(path) ? statSync(path).size : 0),
      serverCpuSeconds: () => Promise.resolve(undefined),
    });
  }
}

export async function postgresLedger(bench: Bench, isFull: boolean): Promise<void> {
  const server = await PostgresServer.start();
  try {
    for (const records of isFull ? [RECORDS, MANY_RECORDS] : [RECORDS]) {
      const url = await server.createDatabase();
      await measureLedger(bench, records, {
        name: 'Postgres',
        option: { type: 'postgres', url },
        bytes: async () => {
          const [row] = await server.query<{ bytes: number }>(
            url,
            `SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::float8 AS bytes
             FROM pg_class WHERE relname LIKE 'iterable_ledger%' AND relkind = 'r'`,
          );
          return row?.bytes ?? 0;
        },
        serverCpuSeconds: () => serverCpuSeconds(server, url),
      });
    }
  } finally {
    await server.stop();
  }
}

async function measureLedger(bench: Bench, records: number, place: Place): Promise<void> {
  const rows: string[][] = [];
  for (const sync of ['all new', 'all unchanged', 'all unchanged']) {
    const sentBefore = await bench.sink.bytes();
    const cpuBefore = await place.serverCpuSeconds();
    const run = await bench.write(records, { ledger: place.option }, true);
    if (sync === 'all unchanged' && (await bench.sink.bytes()) !== sentBefore)
      throw new Error('something was sent although nothing had changed');
    rows.push(
      row(place.name, sync, records, run, {
        bytes: await place.bytes(),
        serverCpu: difference(await place.serverCpuSeconds(), cpuBefore),
      }),
    );
  }
  print(`${place.name} as the ledger`, HEAD, rows);
}

function row(
  name: string,
  sync: string,
  records: number,
  run: Measurement,
  { bytes, serverCpu }: { readonly bytes: number; readonly serverCpu: number | undefined },
): string[] {
  return [
    name,
    sync,
    count(records),
    count(records / run.seconds),
    cpuPer100k(run, records),
    serverCpu === undefined ? '' : decimals(serverCpu),
    decimals(run.peakMb, 0),
    decimals(bytes / 1_000_000, 1),
  ];
}

function difference(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before;
}

/** Shared by the parts of the benchmark: a folder, a sink, input of any size, and runs of the program. */
import Table from 'cli-table3';
import { existsSync } from 'node:fs';
import { MAIN, TestFiles } from '../support/connector.ts';
import { aCatalog } from '../support/messages.ts';
import { measure, type Measurement } from './measure.ts';
import { customersStream, writeCustomers } from './people.ts';
import { Sink } from './sink-process.ts';

/** A rate limit that is never reached. */
const NO_LIMIT = 1_000_000;

export class Bench {
  readonly files = new TestFiles();
  readonly sink: Sink;
  #runs = 0;

  private constructor(sink: Sink) {
    this.sink = sink;
  }

  static async start(): Promise<Bench> {
    return new Bench(await Sink.start());
  }

  /** The path of a file with this number of customers; the file is created once. */
  customers(count: number): string {
    const path = this.files.path(`customers-${count}.jsonl`);
    if (!existsSync(path)) writeCustomers(path, count);
    return path;
  }

  /** Runs `write` with this number of customers, into the sink unless `config` says otherwise. */
  write(count: number, config: Record<string, unknown> = {}, isSnapshot = false): Promise<Measurement> {
    return this.writeFile(this.customers(count), aCatalog(customersStream({ isSnapshot })), config);
  }

  /** Runs `write` with this file on its stdin, into the sink unless `config` says otherwise. */
  writeFile(
    input: string,
    catalog: ReturnType<typeof aCatalog>,
    config: Record<string, unknown>,
  ): Promise<Measurement> {
    const { files } = this;
    return this.#measure(input, [
      MAIN,
      'write',
      '--config',
      files.write('config.json', {
        api_key: '0123456789abcdef0123456789abcdef',
        api_url: this.sink.url,
        requests_per_second: NO_LIMIT,
        ...config,
      }),
      '--catalog',
      files.write('catalog.json', catalog),
    ]);
  }

  /** Runs any Node program with this number of customers on its stdin. */
  run(count: number, args: readonly string[]): Promise<Measurement> {
    return this.#measure(this.customers(count), args);
  }

  #measure(input: string, args: readonly string[]): Promise<Measurement> {
    return measure({
      args,
      input,
      usageFile: this.files.path(`usage-${++this.#runs}.json`),
    });
  }

  stop(): void {
    this.sink.stop();
    this.files.remove();
  }
}

/** Prints a table under its title. */
export function print(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [] },
  });
  for (const row of rows) table.push([...row]);
  console.log(`\n${title}\n${table.toString()}`);
}

/** Formats a number with thousands separators. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function decimals(value: number, digits = 2): string {
  return value.toFixed(digits);
}

/** CPU seconds per 100,000 records. */
export function cpuPer100k({ cpuSeconds }: Measurement, records: number): string {
  return decimals((cpuSeconds / records) * 100_000);
}

/** What the parts of the benchmark share: a folder, a sink, input of any size, and the program with a configuration. */
import Table from 'cli-table3';
import { existsSync } from 'node:fs';
import { MAIN, TestFiles } from '../support/connector.ts';
import { aCatalog } from '../support/messages.ts';
import { measure, type Measurement } from './measure.ts';
import { customersStream, writeCustomers } from './people.ts';
import { Sink } from './sink-process.ts';

/** More than anything here reaches. */
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

  /** The path of a file with so many customers, made once. */
  customers(count: number): string {
    const path = this.files.path(`customers-${count}.jsonl`);
    if (!existsSync(path)) writeCustomers(path, count);
    return path;
  }

  /** `write` of so many customers into the sink, unless `config` names another place. */
  write(count: number, config: Record<string, unknown> = {}, isSnapshot = false): Promise<Measurement> {
    const { files } = this;
    return this.run(count, [
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
      files.write('catalog.json', aCatalog(customersStream({ isSnapshot }))),
    ]);
  }

  /** Any program of node with so many customers on its stdin. */
  run(count: number, args: readonly string[]): Promise<Measurement> {
    return measure({
      args,
      input: this.customers(count),
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

/** Thousands apart, so that people can read it. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function decimals(value: number, digits = 2): string {
  return value.toFixed(digits);
}

/** CPU seconds for 100,000 records. */
export function cpuPer100k({ cpuSeconds }: Measurement, records: number): string {
  return decimals((cpuSeconds / records) * 100_000);
}

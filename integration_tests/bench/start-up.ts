/** How long commands take that have nothing to do. */
import { spawn } from 'node:child_process';
import { MAIN } from '../support/connector.ts';
import { aCatalog } from '../support/messages.ts';
import { decimals, print, type Bench } from './bench.ts';
import { customersStream } from './people.ts';

const ROUNDS = 15;

export async function startUp(bench: Bench): Promise<void> {
  const { files, sink } = bench;
  const config = files.write('start-up.json', {
    api_key: '0123456789abcdef0123456789abcdef',
    api_url: sink.url,
  });
  const catalog = files.write('start-up-catalog.json', aCatalog(customersStream({ isSnapshot: false })));
  const commands: [string, string[]][] = [
    ['node -e 0', ['-e', '0']],
    ['spec', [MAIN, 'spec']],
    ['write, no input', [MAIN, 'write', '--config', config, '--catalog', catalog]],
  ];
  const times = commands.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++)
    for (const [index, [, args]] of commands.entries()) times[index]?.push(await timeOf(args));
  const base = middle(times[0] ?? []);
  print(
    `Start-up (median of ${ROUNDS})`,
    ['', 'ms', 'beyond node itself'],
    commands.map(([name], index) => {
      const ms = middle(times[index] ?? []);
      return [name, decimals(ms, 0), decimals(ms - base, 0)];
    }),
  );
}

function timeOf(args: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH }, stdio: 'ignore' });
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => {
      if (code === 0) resolve(performance.now() - startedAt);
      else reject(new Error(`${args.join(' ')} ended with ${code}`));
    });
  });
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}

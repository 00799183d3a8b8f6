/** How full list calls are: calls beside the least possible, the time they take, the oldest state, memory. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { MAIN } from '../support/connector.ts';
import { aCatalog, aStream } from '../support/messages.ts';
import { startStandin } from '../standin/server.ts';
import { count, decimals, print, type Bench } from './bench.ts';
import { USAGE } from './measure.ts';

const CALLS_PER_SECOND = 5;
const LATENCY_MS = 100;
const USERS_PER_CALL = 1_000;
/** Records between two states. */
const STATE_EVERY = 1_000;

interface Situation {
  readonly name: string;
  readonly users: number;
  /** The lists that user number n is on. */
  readonly listsOf: (n: number) => readonly string[];
}

/** Some lists of many, evenly spread, another mixture for each user. */
function spread(lists: number, of: number): (n: number) => string[] {
  return (n) => {
    const chosen = new Set<number>();
    for (let seed = n * 2_654_435_761; chosen.size < lists;) {
      seed = (Math.imul(seed ^ (seed >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
      chosen.add(seed % of);
    }
    return [...chosen].map((list) => `List ${list}`);
  };
}

const SITUATIONS: readonly Situation[] = [
  { name: '5,000 users on 2 of 10 lists', users: 5_000, listsOf: spread(2, 10) },
  { name: '5,000 on 3 of 10', users: 5_000, listsOf: spread(3, 10) },
  { name: '10,000 on 5 of 20', users: 10_000, listsOf: spread(5, 20) },
  { name: '20,000 on 5 of 50', users: 20_000, listsOf: spread(5, 50) },
  { name: '5,000 on one list each, of 5', users: 5_000, listsOf: (n) => [`List ${n % 5}`] },
  { name: '5,000 on the same three lists', users: 5_000, listsOf: () => ['A', 'B', 'C'] },
];
const LARGE: Situation = { name: '200,000 on 3 of 300', users: 200_000, listsOf: spread(3, 300) };

export async function fullCalls(bench: Bench, isFull: boolean): Promise<void> {
  const rows: string[][] = [];
  for (const situation of isFull ? [...SITUATIONS, LARGE] : SITUATIONS)
    rows.push(await measured(situation, bench));
  print(
    `List calls at ${CALLS_PER_SECOND} calls a second, answered after ${LATENCY_MS / 1000} s`,
    ['', 'calls', 'least', 'ratio', 'seconds', 'at the limit', 'oldest state', 'MB'],
    rows,
  );
}

async function measured({ name, users, listsOf }: Situation, bench: Bench): Promise<string[]> {
  const standin = await startStandin({ limitScale: Infinity, latencyMs: LATENCY_MS });
  const members = new Map<string, number>();
  for (let n = 0; n < users; n++)
    for (const list of listsOf(n)) members.set(list, (members.get(list) ?? 0) + 1);
  const least = [...members.values()].reduce((sum, size) => sum + Math.ceil(size / USERS_PER_CALL), 0);
  for (const list of members.keys()) standin.lists.create(list, undefined);
  const usageFile = bench.files.path('usage-full-calls.json');
  const config = bench.files.write('config.json', {
    api_url: standin.url,
    api_key: standin.apiKey,
    requests_per_second: CALLS_PER_SECOND,
    lists: [{ kind: 'names', source: 'lists' }],
    mappings: [{ source: 'email', target: 'email' }],
  });
  const catalog = bench.files.write('catalog.json', aCatalog(aStream({ name: 'users' })));
  const args = ['--import', USAGE, MAIN, 'write', '--config', config, '--catalog', catalog];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, BENCH_USAGE_FILE: usageFile },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const startedAt = performance.now();
  const sentAt = new Map<number, number>();
  let oldestMs = 0;
  const output = createInterface({ input: child.stdout });
  output.on('line', (line) => {
    if (!line.includes('"STATE"')) return;
    const number = Number(/"n":(\d+)/.exec(line)?.[1]);
    oldestMs = Math.max(oldestMs, performance.now() - (sentAt.get(number) ?? 0));
  });
  const ended = new Promise<number>((resolve) => {
    child.on('close', (code) => {
      resolve(code ?? -1);
    });
  });
  for (let n = 0; n < users; n++) {
    const data = { email: `user${n}@example.com`, lists: listsOf(n) };
    const record = { type: 'RECORD', record: { stream: 'users', data, emitted_at: 1 } };
    let chunk = `${JSON.stringify(record)}\n`;
    if ((n + 1) % STATE_EVERY === 0)
      chunk += `${JSON.stringify({ type: 'STATE', state: { type: 'LEGACY', data: { n } } })}\n`;
    if (!child.stdin.write(chunk)) await new Promise((resolve) => child.stdin.once('drain', resolve));
    if ((n + 1) % STATE_EVERY === 0) sentAt.set(n, performance.now());
  }
  child.stdin.end();
  if ((await ended) !== 0) throw new Error(`${name}: the sync failed`);
  const seconds = (performance.now() - startedAt) / 1000;
  const made = standin.requests.filter(({ path }) => path.endsWith('subscribe')).length;
  const { peakMb } = JSON.parse(readFileSync(usageFile, 'utf8')) as { peakMb: number };
  await standin.close();
  if (standin.unexpected.length > 0) throw new Error(standin.unexpected.join('\n'));
  return [
    name,
    count(made),
    count(least),
    decimals(made / least),
    decimals(seconds, 1),
    decimals(least / CALLS_PER_SECOND, 1),
    `${decimals(oldestMs / 1000, 1)} s`,
    count(peakMb),
  ];
}

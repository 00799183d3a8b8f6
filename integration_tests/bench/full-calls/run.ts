/** Runs the built program in one situation, and measures its calls, its time, its states and its memory. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { startStandin } from '../../standin/server.ts';
import { MAIN } from '../../support/connector.ts';
import { aCatalog, aRecord, aState, aStatus, aStream } from '../../support/messages.ts';
import type { Bench } from '../bench.ts';
import { USAGE } from '../measure.ts';
import type { Row, Situation } from './situation.ts';

export const CALLS_PER_SECOND = 5;
export const LATENCY_MS = 100;
/** Records between two states. */
const STATE_EVERY = 1_000;
/** So that a sync before the measured one takes no time. */
const NO_LIMIT = 10_000;

export interface Result {
  readonly calls: number;
  readonly least: number;
  readonly seconds: number;
  /** What the calls of the busiest endpoint take at its limit. Endpoints have a limit each, and are called side by side. */
  readonly leastSeconds: number;
  /** From the moment that a state was sent to the one that it was confirmed. */
  readonly oldestStateSeconds: number;
  readonly peakMb: number;
}

interface Sync {
  readonly rows: Iterable<Row>;
  readonly isSnapshot: boolean;
  readonly config: Readonly<Record<string, unknown>>;
}

export async function measured(situation: Situation, bench: Bench): Promise<Result> {
  const { before, rows, isSnapshot = false, least, others = [] } = situation;
  const standin = await startStandin({ limitScale: Infinity, latencyMs: LATENCY_MS });
  const config = {
    api_url: standin.url,
    api_key: standin.apiKey,
    ...(before
      ? { ledger: { type: 'sqlite', path: bench.files.path(`${standin.url.slice(-5)}.sqlite`) } }
      : {}),
    ...situation.config,
  };
  situation.prepare?.(standin);
  if (before)
    await run(bench, { rows: before(), isSnapshot, config: { ...config, requests_per_second: NO_LIMIT } });
  const callsBefore = standin.requests.length;
  const sync = { rows: rows(), isSnapshot, config: { ...config, requests_per_second: CALLS_PER_SECOND } };
  const times = await run(bench, sync);
  const counted = [...Object.keys(least), ...others];
  const calls = standin.requests
    .slice(callsBefore)
    .filter(({ method, path }) => counted.includes(`${method} ${path}`)).length;
  const faults = [...standin.unexpected, ...situation.faults(standin)];
  await standin.close();
  if (faults.length > 0) throw new Error(`${situation.name}:\n${faults.slice(0, 20).join('\n')}`);
  return {
    ...times,
    calls,
    least: Object.values(least).reduce((sum, count) => sum + count, 0),
    leastSeconds: Math.max(...Object.values(least)) / CALLS_PER_SECOND,
  };
}

async function run(
  { files }: Bench,
  { rows, isSnapshot, config }: Sync,
): Promise<Pick<Result, 'seconds' | 'oldestStateSeconds' | 'peakMb'>> {
  const usageFile = files.path('usage-full-calls.json');
  const catalog = aCatalog(
    aStream({
      primaryKey: [['id']],
      ...(isSnapshot ? { syncMode: 'full_refresh', destinationSyncMode: 'overwrite' } : {}),
    }),
  );
  const args = [
    ...['--import', USAGE, MAIN, 'write'],
    ...['--config', files.write('config.json', config)],
    ...['--catalog', files.write('catalog.json', catalog)],
  ];
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, BENCH_USAGE_FILE: usageFile },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const sentAt = new Map<number, number>();
  let oldestMs = 0;
  let lastLine = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    lastLine = line;
    if (!line.includes('"STATE"')) return;
    const cursor = Number(/"cursor":(\d+)/.exec(line)?.[1]);
    oldestMs = Math.max(oldestMs, performance.now() - (sentAt.get(cursor) ?? 0));
  });
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  const send = async (text: string) => {
    if (!child.stdin.write(text)) await new Promise((resolve) => child.stdin.once('drain', resolve));
  };
  let sent = 0;
  for (const row of rows) {
    await send(aRecord(row));
    if (++sent % STATE_EVERY > 0) continue;
    await send(aState(sent));
    sentAt.set(sent, performance.now());
  }
  await send(aStatus('COMPLETE'));
  child.stdin.end();
  if ((await ended) !== 0) throw new Error(`the sync failed: ${lastLine}`);
  const { peakMb } = JSON.parse(readFileSync(usageFile, 'utf8')) as { peakMb: number };
  return { seconds: (performance.now() - startedAt) / 1000, oldestStateSeconds: oldestMs / 1000, peakMb };
}

/** How full calls are: calls beside the least possible, the time they take, the oldest state, memory. */
import { count, decimals, print, type Bench } from './bench.ts';
import { largeListSituation, LIST_SITUATIONS } from './full-calls/lists.ts';
import { MOVE_SITUATIONS } from './full-calls/moves.ts';
import { CALLS_PER_SECOND, LATENCY_MS, measured } from './full-calls/run.ts';
import type { Situation } from './full-calls/situation.ts';
import { VERSION_SITUATIONS } from './full-calls/versions.ts';

export async function fullCalls(bench: Bench, isFull: boolean): Promise<void> {
  await tableOf('List calls', isFull ? [...LIST_SITUATIONS, largeListSituation()] : LIST_SITUATIONS, bench);
  await tableOf('Calls for users', [...MOVE_SITUATIONS, ...VERSION_SITUATIONS], bench);
}

async function tableOf(title: string, situations: readonly Situation[], bench: Bench): Promise<void> {
  const rows: string[][] = [];
  for (const situation of situations) {
    const { calls, least, seconds, leastSeconds, oldestStateSeconds, peakMb } = await measured(
      situation,
      bench,
    );
    rows.push([
      situation.name,
      count(calls),
      count(least),
      decimals(calls / least),
      decimals(seconds, 1),
      decimals(leastSeconds, 1),
      `${decimals(oldestStateSeconds, 1)} s`,
      count(peakMb),
    ]);
  }
  print(
    `${title} at ${CALLS_PER_SECOND} a second, answered after ${LATENCY_MS / 1000} s`,
    ['', 'calls', 'least', 'ratio', 'seconds', 'at the limit', 'oldest state', 'MB'],
    rows,
  );
}

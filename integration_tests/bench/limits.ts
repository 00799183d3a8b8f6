/** How much of Iterable's published limits is used, and whether they are exceeded. The stand-in enforces them. */
import { startStandin } from '../standin/server.ts';
import { count, decimals, print, type Bench } from './bench.ts';

const CALLS_PER_SECOND = 5;
const BATCH_SIZE = 1000;
const RECORDS = 160_000;
/** Excluded from the measurement, because a limit allows a burst of calls at first. */
const WARM_UP_MS = 4_000;

export async function limits(bench: Bench): Promise<void> {
  // About the latency of Iterable.
  const standin = await startStandin({ latencyMs: 300 });
  await bench.write(RECORDS, {
    api_url: standin.url,
    api_key: standin.apiKey,
    requests_per_second: CALLS_PER_SECOND,
  });
  await standin.close();
  if (standin.unexpected.length > 0) throw new Error(standin.unexpected.join('\n'));
  const calls = standin.calls('/bulkUpdate');
  const start = (calls[0]?.receivedAt ?? 0) + WARM_UP_MS;
  const steady = calls.filter(({ receivedAt }) => receivedAt >= start);
  const accepted = steady.filter(({ status }) => status === 200).slice(0, -1).length;
  const seconds = ((steady.at(-1)?.receivedAt ?? 0) - (steady[0]?.receivedAt ?? 0)) / 1000;
  print(
    `At ${CALLS_PER_SECOND} bulk calls a second of ${BATCH_SIZE} users, answered after 0.3 s`,
    ['steady for', 'calls/s', 'records/s', 'share of the limit', '429s after warm-up', '429s in all'],
    [
      [
        `${decimals(seconds, 1)} s`,
        decimals(accepted / seconds),
        count((accepted / seconds) * BATCH_SIZE),
        decimals(accepted / seconds / CALLS_PER_SECOND, 3),
        count(refused(steady)),
        count(refused(calls)),
      ],
    ],
  );
}

function refused(calls: readonly { readonly status?: number }[]): number {
  return calls.filter(({ status }) => status === 429).length;
}

/** How many calls 1,000 users need, for each kind of change. The calls that a run makes before its first record are not counted. */
import { startStandin, type Standin } from '../standin/server.ts';
import { count, print, type Bench } from './bench.ts';

const USERS = 1_000;

export async function calls(bench: Bench): Promise<void> {
  const standin = await startStandin({ limitScale: Infinity });
  const ledger = { type: 'sqlite', path: bench.files.path('calls.sqlite') };
  const members = { lists: [{ kind: 'all', list: 'Customers' }] };
  const rows: string[][] = [];
  const cases: [string, Record<string, unknown>][] = [
    ['create', { ledger }],
    ['unchanged, with a ledger', { ledger }],
    ['update', {}],
    ['update, and put on a list', members],
    ['enrich, all of them known', { sync_mode: 'enrich' }],
  ];
  for (const [name, config] of cases) {
    const before = standin.requests.length;
    await writeTo(standin, bench, config);
    rows.push([name, ...countsOf(standin, before)]);
  }
  await standin.close();
  print(
    `Calls for ${count(USERS)} users`,
    ['', 'in all', 'bulkUpdate', 'lists/subscribe', 'look-ups', 'exports'],
    rows,
  );
}

async function writeTo(standin: Standin, bench: Bench, config: Record<string, unknown>): Promise<void> {
  await bench.write(USERS, { api_url: standin.url, api_key: standin.apiKey, ...config });
  if (standin.unexpected.length > 0) throw new Error(standin.unexpected.join('\n'));
}

function countsOf(standin: Standin, before: number): string[] {
  const paths = standin.requests
    .slice(before)
    .map(({ path }) => path)
    .filter((path) => !['/api/users/getFields', '/api/lists'].includes(path));
  const ending = (pattern: RegExp) => count(paths.filter((path) => pattern.test(path)).length);
  return [
    count(paths.length),
    ending(/bulkUpdate$/),
    ending(/subscribe$/),
    ending(/users\/(?:getByEmail|byUserId)/),
    ending(/^\/api\/export/),
  ];
}

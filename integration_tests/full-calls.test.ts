/** List calls are nearly as few as possible, whatever puts users on lists or takes them off: at Iterable's pace, by a leaping clock. */
import { describe, expect, it } from '@jest/globals';
import { leastListCalls, range, spread, type Membership } from './bench/full-calls/situation.ts';
import { withHarness, type Plan } from './support/harness.ts';
import { runInProcess } from './support/in-process.ts';
import { LeapingClock } from './support/leaping-clock.ts';
import { seededRandom, seeds } from './support/random.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';

const USERS = 600;
const USERS_PER_CALL = 100;
/** More than a dry run, which keeps their values, has pending at a time. */
const MANY_USERS = 1_600;
const LISTS = 40;
const listsOf = spread(2, 10);
const NAMES = { lists: [{ kind: 'names', source: 'lists' }] };
const REMOVAL = { removal: 'remove_from_lists' };
const DELETED = { _ab_cdc_deleted_at: '2026-01-01' };

type Row = Readonly<Record<string, unknown>>;

interface Case {
  readonly projectType?: 'hybrid' | 'email' | 'user_id';
  readonly users?: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly hasLedger?: boolean;
  /** The records of a sync before, and of the one in question. */
  readonly before?: (n: number) => Row;
  readonly row: (n: number) => Row;
  /** What the sync in question changes. */
  readonly changes: (n: number) => readonly Membership[];
}

const rowOf = (n: number): Row => ({ id: n, email: `user${n}@x.com`, lists: listsOf(n) });
const byId = (n: number): Row => ({ id: n, userId: `u${n}`, lists: listsOf(n) });
const change = (isOn: boolean) => (n: number) => listsOf(n).map((list) => ({ list, isOn }));

async function callsOf({
  projectType = 'hybrid',
  users = USERS,
  config,
  hasLedger,
  before,
  row,
  changes,
}: Case) {
  const clock = new LeapingClock();
  const counts = { calls: 0, least: 0, planned: 0 };
  const options = {
    projectType,
    latencyMs: 100,
    now: () => clock.now(),
    sleep: (ms: number) => clock.sleep(ms),
    lists: [...range(LISTS)].map((list) => ({ name: `List ${list}`, listType: 'Standard' })),
  };
  await withHarness(options, async (harness) => {
    const ledger = hasLedger
      ? { type: 'sqlite', path: harness.files.path('ledger.sqlite') }
      : { type: 'none' };
    const catalog = aCatalog(aStream({ primaryKey: [['id']] }));
    const run = async (command: readonly string[], rows: (n: number) => Row, requestsPerSecond: number) => {
      const lines = [...range(users)].flatMap((n) => [
        aRecord(rows(n)),
        ...(n % 50 === 49 ? [aState(n)] : []),
      ]);
      const args = harness.args(command, {
        config: {
          ledger,
          batch_size: USERS_PER_CALL,
          requests_per_second: requestsPerSecond,
          ...config,
        },
        catalog,
      });
      // In one piece: the clock leaps while the event loop turns for nothing but the next piece.
      const { exitCode, errors, text } = await runInProcess(
        args,
        [lines.join('')],
        undefined,
        undefined,
        {},
        clock,
      );
      expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: [] });
      return text;
    };
    if (before) await run(['write'], before, 1_000);
    const plan = JSON.parse(await run(['plan', '--json'], row, 5)) as Plan;
    for (const { endpoint, calls } of plan.calls) if (/subscribe$/.test(endpoint)) counts.planned += calls;
    const callsBefore = harness.standin.calls('subscribe').length;
    await run(['write'], row, 5);
    counts.calls = harness.standin.calls('subscribe').length - callsBefore;
    const least = leastListCalls([...range(users)].flatMap(changes), USERS_PER_CALL);
    counts.least = Object.values(least).reduce((sum, calls) => sum + calls, 0);
  });
  return counts;
}

/** Two flags, on or off, and some lists by name. */
function someone(random: () => number): { row: Row; changes: Membership[] } {
  const flags = [...range(2)].map((list): Membership => ({ list: `List ${list}`, isOn: random() < 0.6 }));
  const names = [...range(LISTS - 2)].filter(() => random() < 0.04).map((list) => `List ${2 + list}`);
  const row = Object.fromEntries(flags.map(({ list, isOn }) => [list, isOn]));
  return {
    row: { ...row, names },
    changes: [...flags, ...names.map((list): Membership => ({ list, isOn: true }))],
  };
}

describe('a plan', () => {
  it('counts the list calls that a sync then makes, for random audiences', async () => {
    for (const seed of seeds(2, 40)) {
      const random = seededRandom(21_000 + seed);
      const people = Array.from({ length: MANY_USERS }, () => someone(random));
      const { calls, least, planned } = await callsOf({
        users: MANY_USERS,
        config: {
          lists: [
            ...[...range(2)].map((n) => ({ kind: 'flag', source: `List ${n}`, list: `List ${n}` })),
            { kind: 'names', source: 'names' },
          ],
        },
        hasLedger: seed % 2 === 0,
        row: (n) => ({ ...people[n]?.row, id: n, email: `user${n}@x.com` }),
        changes: (n) => people[n]?.changes ?? [],
      });
      expect({ seed, planned }).toEqual({ seed, planned: least });
      expect({ seed, calls: calls / least }).toEqual({ seed, calls: 1 });
    }
  }, 600_000);
});

describe('list calls are at most 1.25 times the least possible', () => {
  it.each<[string, Case]>([
    ['of users who join lists', { config: NAMES, row: rowOf, changes: change(true) }],
    [
      'of rows that are flagged as deleted',
      {
        config: { ...NAMES, ...REMOVAL },
        row: (n) => ({ ...rowOf(n), ...DELETED }),
        changes: change(false),
      },
    ],
    [
      'of such rows, with a ledger that knows the lists',
      {
        config: { ...NAMES, ...REMOVAL },
        hasLedger: true,
        before: rowOf,
        row: (n) => ({ id: n, email: `user${n}@x.com`, ...DELETED }),
        changes: change(false),
      },
    ],
    [
      'of such rows by user id',
      {
        projectType: 'user_id',
        config: { ...NAMES, ...REMOVAL, identify_by: 'user_id' },
        row: (n) => ({ ...byId(n), ...DELETED }),
        changes: change(false),
      },
    ],
  ])('%s', async (_name, given) => {
    const { calls, least, planned } = await callsOf(given);
    expect(planned).toBe(least);
    expect(calls / least).toBeLessThanOrEqual(1.25);
  });
});

/** List calls are nearly as few as possible, whatever puts users on lists or takes them off: at Iterable's pace, by a leaping clock. */
import { describe, expect, it } from '@jest/globals';
import { leastListCalls, range, spread, type Membership } from './bench/full-calls/situation.ts';
import { withHarness } from './support/harness.ts';
import { runInProcess } from './support/in-process.ts';
import { LeapingClock } from './support/leaping-clock.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';

const USERS = 600;
const USERS_PER_CALL = 100;
const listsOf = spread(2, 10);
const NAMES = { lists: [{ kind: 'names', source: 'lists' }] };
const REMOVAL = { removal: 'remove_from_lists' };
const DELETED = { _ab_cdc_deleted_at: '2026-01-01' };

type Row = Readonly<Record<string, unknown>>;

interface Case {
  readonly projectType?: 'hybrid' | 'email' | 'user_id';
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

async function callsOf({ projectType = 'hybrid', config, hasLedger, before, row, changes }: Case) {
  const clock = new LeapingClock();
  const counts = { calls: 0, least: 0 };
  const options = {
    projectType,
    latencyMs: 100,
    now: () => clock.now(),
    sleep: (ms: number) => clock.sleep(ms),
    lists: [...range(10)].map((list) => ({ name: `List ${list}`, listType: 'Standard' })),
  };
  await withHarness(options, async (harness) => {
    const ledger = hasLedger
      ? { type: 'sqlite', path: harness.files.path('ledger.sqlite') }
      : { type: 'none' };
    const catalog = aCatalog(aStream({ primaryKey: [['id']] }));
    const write = async (rows: (n: number) => Row, requestsPerSecond: number) => {
      const lines = [...range(USERS)].flatMap((n) => [
        aRecord(rows(n)),
        ...(n % 50 === 49 ? [aState(n)] : []),
      ]);
      const args = harness.args(['write'], {
        config: {
          ledger,
          batch_size: USERS_PER_CALL,
          requests_per_second: requestsPerSecond,
          ...config,
        },
        catalog,
      });
      // In one piece: the clock leaps while the event loop turns for nothing but the next piece.
      const { exitCode, errors } = await runInProcess(
        args,
        [lines.join('')],
        undefined,
        undefined,
        {},
        clock,
      );
      expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: [] });
    };
    if (before) await write(before, 1_000);
    const callsBefore = harness.standin.calls('subscribe').length;
    await write(row, 5);
    counts.calls = harness.standin.calls('subscribe').length - callsBefore;
    const least = leastListCalls([...range(USERS)].flatMap(changes), USERS_PER_CALL);
    counts.least = Object.values(least).reduce((sum, calls) => sum + calls, 0);
  });
  return counts;
}

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
    const { calls, least } = await callsOf(given);
    expect(calls).toBeGreaterThanOrEqual(least);
    expect(calls / least).toBeLessThanOrEqual(1.25);
  });
});

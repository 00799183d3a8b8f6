/** For random input: `write` does exactly what `plan` has predicted. */
import { describe, expect, it } from '@jest/globals';
import type { Harness, Plan, PlannedStream } from './support/harness.ts';
import { withHarness } from './support/harness.ts';
import { runInProcess, type InProcessResult } from './support/in-process.ts';
import { inParallel } from './support/in-parallel.ts';
import { SQLITE, withPostgres, type LedgerBackend } from './support/ledgers.ts';
import { aCatalog, aStream } from './support/messages.ts';
import { seededRandom, seeds } from './support/random.ts';
import { SnapshotWorld } from './support/snapshots.ts';

const ROUNDS = 4;

/** The counts of a stream, as in the summary of `write`. */
interface Counts {
  readonly received: number;
  readonly delivered: number;
  readonly unchanged: number;
  readonly removed: number;
  readonly notThere: number;
  readonly superseded: number;
  readonly skipped: number;
  readonly rejected: number;
  readonly absent: number;
  readonly missingNotThere: number;
  readonly changes: number;
}

function countsOfWrite(logs: readonly string[], stream: string): Counts {
  const line = logs.find((log) => log.startsWith(`Stream ${stream}: `) && log.includes(' received, ')) ?? '';
  const count = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(line)?.[1] ?? 0);
  return {
    received: count('received'),
    delivered: count('delivered'),
    unchanged: count('unchanged'),
    removed: count('removed(?! by)'),
    notThere: count('deleted but not in Iterable'),
    superseded: count('superseded'),
    skipped: count('skipped'),
    rejected: count('rejected'),
    absent: count('removed: missing from the snapshot'),
    missingNotThere: count('missing from the snapshot but not in Iterable'),
    changes: count('list changes'),
  };
}

function countsOfPlan(stream: PlannedStream, removal: string): Counts {
  const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0);
  // Users with missing rows may also leave lists, which the summary of `write` does not count.
  const leftByAbsence = removal === 'remove_from_lists' || stream.absent_but_staying > 0;
  return {
    received: stream.received,
    delivered: stream.new + stream.changed + stream.created_or_updated,
    unchanged: stream.unchanged,
    removed: stream.removed,
    notThere: stream.deleted_not_in_iterable,
    superseded: stream.superseded,
    skipped: sum(stream.skipped),
    rejected: sum(stream.rejected),
    absent: stream.removed_by_absence,
    missingNotThere: stream.absent_not_in_iterable,
    changes: leftByAbsence
      ? NaN
      : Object.values(stream.lists).reduce((all, { joins, leaves }) => all + joins + leaves, 0),
  };
}

type ListCounts = Record<string, { joins: number; leaves: number }>;

/** Counts the users of list calls by list name; the returned function stops counting and returns the counts. */
function watchLists({ standin }: Harness): () => ListCounts {
  const byId = new Map<number, { joins: number; leaves: number }>();
  standin.intercept = ({ path }) => {
    const way = path.endsWith('/lists/subscribe')
      ? 'joins'
      : path.endsWith('/unsubscribe')
        ? 'leaves'
        : undefined;
    if (way === undefined) return undefined;
    const { listId, subscribers } = JSON.parse(standin.lastBody) as {
      listId: number;
      subscribers: unknown[];
    };
    const counts = byId.get(listId) ?? { joins: 0, leaves: 0 };
    counts[way] += subscribers.length;
    byId.set(listId, counts);
    return undefined;
  };
  return () => {
    standin.intercept = undefined;
    const names = new Map(standin.lists.all().map(({ id, name }) => [id, name]));
    return Object.fromEntries([...byId].map(([id, counts]) => [names.get(id) ?? '', counts]));
  };
}

/** The planned list changes of all streams together. */
function plannedLists({ streams }: Plan): ListCounts {
  const sums: ListCounts = {};
  for (const { lists } of streams) {
    for (const [name, { joins, leaves }] of Object.entries(lists)) {
      const sum = (sums[name] ??= { joins: 0, leaves: 0 });
      sum.joins += joins;
      sum.leaves += leaves;
    }
  }
  return sums;
}

/**
 * Ignores leaving a list that the run creates: before its creation no call is needed, and when that happens depends on the order
 * of events.
 */
function comparable(counts: ListCounts, { created_lists: created }: Plan): ListCounts {
  return Object.fromEntries(
    Object.entries(counts)
      .map(
        ([name, { joins, leaves }]) =>
          [name, { joins, leaves: created.includes(name) ? 0 : leaves }] as const,
      )
      .filter(([, { joins, leaves }]) => joins + leaves > 0),
  );
}

/** Endpoint (method and path) → number of calls that write. */
function madeCalls(requests: Harness['standin']['requests']): Record<string, number> {
  const calls: Record<string, number> = {};
  for (const { method, path } of requests) {
    if (method === 'GET') continue;
    const name = method === 'DELETE' ? 'DELETE' : `POST ${path.replace('/api/', '')}`;
    calls[name] = (calls[name] ?? 0) + 1;
  }
  return calls;
}

/** Leaves out bulk calls: their number depends on the timing of answers, so only their users are compared. */
function withoutBulk(calls: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(calls).filter(([name]) => !/subscribe$|bulkUpdate$/.test(name)));
}

function plannedCalls({ calls: all }: Plan): Record<string, number> {
  const calls: Record<string, number> = {};
  for (const { method, endpoint, calls: count } of all) {
    if (method === 'GET') continue;
    const name = method === 'DELETE' ? 'DELETE' : `POST ${endpoint}`;
    calls[name] = (calls[name] ?? 0) + count;
  }
  return calls;
}

/** The error message of the run, without the line that counts the problems. */
function messageOf(messages: InProcessResult['messages']): string {
  const message = messages.find(({ trace }) => trace)?.trace?.error.message ?? '';
  return message.replace(/^\d+ problems:\n/, '');
}

/** Random options, and random ends of the input. */
function someRun(random: () => number, world: SnapshotWorld) {
  const pick = <Item>(...items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const isIncremental = random() < 0.15;
  return {
    lines: pick(
      () => world.lines(),
      () => world.lines(),
      () => world.lines('INCOMPLETE'),
      () => world.part(),
    )(),
    config: {
      max_removals_percent: pick(100, 100, 15),
      removal: pick('delete_user', 'delete_user', 'remove_from_lists'),
      sync_mode: pick('sync', 'sync', 'sync', 'additive', 'enrich'),
      resend_unchanged: random() < 0.1,
    },
    ...(isIncremental
      ? { catalog: aCatalog(...['users', 'crm'].map((name) => aStream({ name, primaryKey: [['id']] }))) }
      : { catalog: SnapshotWorld.catalog }),
  };
}

async function planThenWrite(seed: number, backend: LedgerBackend): Promise<void> {
  const random = seededRandom(11_000 + seed);
  const world = new SnapshotWorld(random);
  let passed = 0;
  const options = {
    projectType: seed % 3 === 0 ? 'email' : 'hybrid',
    now: () => Date.now() + passed,
  } as const;
  await withHarness(options, async (harness) => {
    const { standin } = harness;
    harness.addUser({ email: 'own@x.com' }, { own: 'yes' });
    const ledger = seed % 5 === 4 ? { type: 'none' } : backend.option(harness);
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) world.change();
      const { lines, config: more, catalog } = someRun(random, world);
      const config = { ...SnapshotWorld.config, ...more, ledger };
      const at = { seed, round, ...more };

      const ledgerBefore = await backend.contents(harness);
      const before = { users: standin.store.users(), requests: standin.requests.length };
      const planned = await runInProcess(harness.args(['plan', '--json'], { config, catalog }), lines);
      const plan = JSON.parse(planned.text) as Plan;
      expect({ ...at, made: madeCalls(standin.requests.slice(before.requests)) }).toEqual({
        ...at,
        made: {},
      });
      expect({ ...at, users: standin.store.users() }).toEqual({ ...at, users: before.users });
      expect({ ...at, ledger: await backend.contents(harness) }).toEqual({ ...at, ledger: ledgerBefore });
      expect(planned.text).not.toMatch(/p\d+@x/);

      const lists = watchLists(harness);
      const requests = standin.requests.length;
      const written = await runInProcess(harness.args(['write'], { config, catalog }), lines);
      passed += 120_000;
      expect({ ...at, exitCode: planned.exitCode, failure: plan.failure?.message ?? '' }).toEqual({
        ...at,
        exitCode: written.exitCode,
        failure: messageOf(written.messages),
      });
      for (const stream of plan.streams) {
        const planned = countsOfPlan(stream, more.removal);
        const expected = countsOfWrite(written.logs, stream.name);
        expect({ ...at, stream: stream.name, planned }).toEqual({
          ...at,
          stream: stream.name,
          planned: Number.isNaN(planned.changes) ? { ...expected, changes: NaN } : expected,
        });
      }
      const made = madeCalls(standin.requests.slice(requests));
      expect({ ...at, calls: withoutBulk(plannedCalls(plan)) }).toEqual({
        ...at,
        calls: withoutBulk(made),
      });
      expect({ ...at, lists: comparable(plannedLists(plan), plan) }).toEqual({
        ...at,
        lists: comparable(lists(), plan),
      });
    }
  });
}

describe('a dry run', () => {
  const postgres = withPostgres();
  const backendOf = (seed: number) => (seed % 2 === 0 ? postgres : SQLITE);

  it(
    'predicts what `write` then does',
    () => inParallel(seeds(10, 200), (seed) => planThenWrite(seed, backendOf(seed)), 4),
    3_600_000,
  );
});

/**
 * Random successive snapshots, with crashes and faults: the final contents of Iterable match the last snapshot, other users are
 * not changed, and unchanged rows cause no calls.
 */
import { describe, expect, it } from '@jest/globals';
import { randomStorm } from '../standin/faults.ts';
import { withHarness, type Harness } from '../support/harness.ts';
import { inParallel } from '../support/in-parallel.ts';
import { runInProcess } from '../support/in-process.ts';
import { SQLITE, withPostgres, type LedgerBackend } from '../support/ledgers.ts';
import { seededRandom, seeds } from '../support/random.ts';
import { SnapshotWorld } from '../support/snapshots.ts';

const ROUNDS = 5;

interface RunEnd {
  readonly exitCode: number | null;
  readonly errors: readonly unknown[];
}

/** Makes one run, which is ended at the request number `endAt`; Infinity lets it finish. */
type Runner = (harness: Harness, config: object, lines: string[], endAt: number) => Promise<RunEnd>;

/** A run that is killed must be a child process; one that finishes runs in this process, which is faster. */
const killed: Runner = async (harness, config, lines, endAt) => {
  if (endAt === Infinity) return stopped(harness, config, lines, endAt);
  let kill = () => undefined as unknown;
  const result = await harness.write(lines, {
    catalog: SnapshotWorld.catalog,
    config: config as Record<string, unknown>,
    onSpawn: (child) => {
      kill = () => child.kill('SIGKILL');
      atRequest(harness, endAt, () => void kill());
    },
  });
  return { exitCode: result.exitCode, errors: result.errors };
};

const stopped: Runner = (harness, config, lines, endAt) =>
  runInProcess(
    [
      'write',
      '--config',
      harness.files.write('config.json', harness.config(config as Record<string, unknown>)),
      '--catalog',
      harness.files.write('catalog.json', SnapshotWorld.catalog),
    ],
    lines,
    (stop) => {
      atRequest(harness, endAt, stop);
    },
  );

function atRequest(harness: Harness, number: number, then: () => void): void {
  let requests = 0;
  harness.standin.intercept = () => {
    if (++requests === number) then();
    return undefined;
  };
}

async function playSnapshots(seed: number, backend: LedgerBackend, run: Runner): Promise<void> {
  const random = seededRandom(7_000 + seed);
  const world = new SnapshotWorld(random);
  let passed = 0;
  const options = {
    latencyMs: 1,
    projectType: seed % 3 === 0 ? 'email' : 'hybrid',
    // Advances between two runs by more than the stand-in's default mixWindowMs.
    now: () => Date.now() + passed,
  } as const;
  await withHarness(options, async (harness) => {
    const { standin } = harness;
    harness.addUser({ email: 'own@x.com' }, { own: 'yes' });
    if (seed % 2 === 0) standin.faults.storm(randomStorm(random, 0.05));
    const config = {
      ...SnapshotWorld.config,
      ledger: backend.option(harness),
      batch_size: 1 + Math.floor(random() * 20),
      attempt_timeout_seconds: 1,
    };
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) world.change();
      for (let early = Math.floor(random() * 3); early > 0; early--) {
        const isPart = random() < 0.5;
        const lines = isPart ? world.part() : world.lines();
        const { exitCode } = await run(harness, config, lines, isPart ? Infinity : Math.ceil(random() * 25));
        if (exitCode !== 0) await backend.afterKill?.(harness);
        await standin.idle();
        passed += 120_000;
        if (random() < 0.7) world.changeAfterFailure();
      }
      const end = await run(harness, config, world.lines(), Infinity);
      await standin.idle();
      passed += 120_000;
      expect({ seed, round, exitCode: end.exitCode, errors: end.errors }).toEqual({
        seed,
        round,
        exitCode: 0,
        errors: [],
      });
      const { people } = world;
      expect({ seed, round, people: found(harness, people) }).toEqual({
        seed,
        round,
        people: { 'own@x.com': { fields: {}, lists: [] }, ...people },
      });
    }
    const rows = world.lines().filter((line) => !line.includes('_ab_cdc_deleted_at'));
    // Rows that hold a user together with a row that left are sent once more.
    await run(harness, config, rows, Infinity);
    // Nothing has changed, so nothing must be sent.
    const before = standin.requests.length;
    await run(harness, config, rows, Infinity);
    const calls = standin.requests.slice(before).filter(({ method }) => method !== 'GET');
    expect({ seed, calls: calls.map(({ path }) => path) }).toEqual({ seed, calls: [] });
  });
}

/** The users in Iterable, with only the fields of streams that still have the user: fields that other streams wrote may remain. */
function found(
  { standin }: Harness,
  people: SnapshotWorld['people'],
): Record<string, { fields: object; lists: string[] }> {
  const lists = standin.lists.all().map(({ name }) => name);
  return Object.fromEntries(
    standin.store.users().map(({ email = '', dataFields }) => {
      const fields = Object.fromEntries(
        Object.keys(people[email]?.fields ?? {}).map((name) => [name, dataFields[name]]),
      );
      return [email, { fields, lists: lists.filter((list) => standin.members(list).includes(email)).sort() }];
    }),
  );
}

describe('successive snapshots', () => {
  const postgres = withPostgres();
  const backendOf = (seed: number) => (seed % 2 === 0 ? postgres : SQLITE);

  it(
    'with runs that are killed and started again',
    () => inParallel(seeds(6, 100), (seed) => playSnapshots(seed, backendOf(seed), killed)),
    3_600_000,
  );

  it(
    'with runs that are stopped and started again, many times',
    () => inParallel(seeds(12, 300), (seed) => playSnapshots(10_000 + seed, backendOf(seed), stopped)),
    3_600_000,
  );
});

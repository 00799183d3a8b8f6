/**
 * No random scenario ever loses a user who should stay: random streams, senders, partial snapshots, failures, modes, and runs
 * that are cut off at any request as if killed.
 */
import { describe, expect, it } from '@jest/globals';
import { withHarness, type Harness } from '../support/harness.ts';
import { inParallel } from '../support/in-parallel.ts';
import { runInProcess } from '../support/in-process.ts';
import { LedgerImage } from '../support/ledger-image.ts';
import { SQLITE, withPostgres, type LedgerBackend } from '../support/ledgers.ts';
import { seededRandom, seeds } from '../support/random.ts';
import { RemovalWorld, type WorldRun } from '../support/removal-worlds.ts';

const RUNS = 7;

async function playWorld(seed: number, backend: LedgerBackend): Promise<void> {
  const world = new RemovalWorld(seededRandom(40_000 + seed));
  await withHarness({ projectType: seed % 3 === 0 ? 'email' : 'hybrid' }, async (harness) => {
    for (const email of world.known) harness.addUser({ email }, { own: 'yes' });
    for (let number = 0; number < RUNS; number++) {
      const run = world.run();
      await play({ seed, number, world, run, harness, backend });
      world.change();
    }
    for (let number = RUNS; number < RUNS + 2; number++)
      await play({ seed, number, world, run: world.wholeRun(), harness, backend });
    const { must, may } = world.expected;
    const there = addresses(harness);
    expect({ seed, missing: [...must].filter((address) => !there.has(address)) }).toEqual({
      seed,
      missing: [],
    });
    if (may === 'any') return;
    expect({ seed, left: [...there].filter((address) => !may.has(address)) }).toEqual({ seed, left: [] });
  });
}

interface Play {
  readonly seed: number;
  readonly number: number;
  readonly world: RemovalWorld;
  readonly run: WorldRun;
  readonly harness: Harness;
  readonly backend: LedgerBackend;
}

async function play({ seed, number, world, run, harness, backend }: Play): Promise<void> {
  const { standin, files } = harness;
  const before = addresses(harness);
  const config = harness.config({
    ...run.config,
    ledger: backend.option(harness),
    batch_size: 4,
  });
  const args = [
    '--config',
    files.write('config.json', config),
    '--catalog',
    files.write('catalog.json', run.catalog),
  ];
  const image = new LedgerImage(files.path('ledger.sqlite'));
  let requests = 0;
  let wasCutOff = false as boolean;
  const result = await runInProcess(['write', ...args], run.lines, (stop) => {
    standin.intercept = () => {
      if (++requests === run.cutOffAt) {
        wasCutOff = true;
        if (backend === SQLITE) image.take();
        stop();
      }
      // After the cut-off, no call takes effect, since a killed run makes no calls.
      return wasCutOff ? { reset: true } : undefined;
    };
  });
  await standin.idle();
  standin.intercept = undefined;
  if (wasCutOff && backend === SQLITE) image.restore();
  if (result.exitCode !== 0) await backend.afterKill?.(harness);
  const problems = world.note(run, {
    exitCode: result.exitCode,
    wasCutOff,
    before,
    after: addresses(harness),
  });
  expect({ seed, number, problems }).toEqual({ seed, number, problems: [] });
}

function addresses({ standin }: Harness): Set<string> {
  return new Set(standin.store.users().map(({ email = '' }) => email));
}

describe('a user who should stay', () => {
  const postgres = withPostgres();

  it(
    'is never removed for a missing row',
    () =>
      inParallel(
        seeds(60, 2_000),
        (seed) => playWorld(seed, seed % 5 === 0 ? postgres : SQLITE),
        // Many concurrently, because a run that is cut off mostly waits for calls in flight.
        24,
      ),
    3_600_000,
  );
});

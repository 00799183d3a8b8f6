/** Runs killed at random moments and resumed from the last state that was printed: the final result is as without a crash. */
import { describe, expect, it } from '@jest/globals';
import { randomStorm } from './standin/faults.ts';
import { withHarness, type WriteOptions } from './support/harness.ts';
import { inParallel } from './support/in-parallel.ts';
import { seededRandom, seeds } from './support/random.ts';
import { usersOf, World } from './support/world.ts';

const MAX_CRASHES = 4;

async function playCrashes(seed: number): Promise<void> {
  const random = seededRandom(1_000 + seed);
  const stateType = seed % 3 === 0 ? 'GLOBAL' : 'STREAM';
  const world = new World(random, { records: 400, people: 60, stateType });
  // Deletions take effect at once, because a new run can't know which deletions the killed run has begun.
  await withHarness({ latencyMs: 5 }, async (harness) => {
    World.prepare(harness.standin);
    if (seed % 2 === 0) harness.standin.faults.storm(randomStorm(random, 0.1));
    const batchSize = 1 + Math.floor(random() * 30);
    const acknowledged: string[] = [];
    const early: unknown[] = [];
    let crashes = 0;
    for (let isDone = false; !isDone;) {
      const before = harness.standin.requests.length;
      const killAfter = crashes < MAX_CRASHES ? 1 + Math.floor(random() * 25) : Infinity;
      let kill: () => void = () => undefined;
      harness.standin.intercept = () => {
        if (harness.standin.requests.length - before >= killAfter) kill();
        return undefined;
      };
      const options: WriteOptions = {
        catalog: World.catalog,
        config: { ...World.config, batch_size: batchSize, attempt_timeout_seconds: 1 },
        onLine: (line) => {
          if (!line.includes('"type":"STATE"')) return;
          const missing = world.missing(world.checkpointOf(line), harness.standin);
          if (missing.length > 0) early.push({ line, missing });
        },
        onSpawn: (child) => {
          kill = () => child.kill('SIGKILL');
        },
      };
      // A run that is killed must be a child process. Most of the others run in this process, which is faster.
      const result =
        killAfter === Infinity && seed % 5 !== 0
          ? await harness.writeInProcess(world.input(acknowledged), options)
          : await harness.write(world.input(acknowledged), options);
      // An incomplete last line does not count as a state.
      acknowledged.push(...result.states);
      if (result.signal === 'SIGKILL') crashes++;
      else {
        isDone = true;
        expect([seed, result.exitCode, result.errors]).toEqual([seed, 0, []]);
      }
    }
    expect({ seed, early, users: usersOf(harness.standin), members: harness.standin.members('VIP') }).toEqual(
      {
        seed,
        early: [],
        users: world.finalUsers(),
        members: world.finalMembers(),
      },
    );
    expect(world.input(acknowledged)).toEqual([]);
  });
}

describe('a connector that is killed again and again', () => {
  it(
    'loses nothing when it resumes from the last state',
    () => inParallel(seeds(15, 200), playCrashes),
    600_000,
  );
});

/** Random input with random faults: the final contents of Iterable match a simple model, and no state is returned too early. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { randomStorm } from './standin/faults.ts';
import { withHarness, type WriteOptions } from './support/harness.ts';
import { inParallel } from './support/in-parallel.ts';
import { seededRandom, seeds } from './support/random.ts';
import { usersOf, World } from './support/world.ts';

async function playStorm(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const stateType = seed % 3 === 0 ? 'GLOBAL' : 'STREAM';
  const world = new World(random, { records: 400, people: 60, stateType });
  await withHarness({ lookUpsUntilGone: 1, latencyMs: 5 }, async (harness) => {
    World.prepare(harness.standin);
    harness.standin.faults.storm(randomStorm(random, 0.2));
    const early: unknown[] = [];
    const options: WriteOptions = {
      catalog: World.catalog,
      config: {
        ...World.config,
        batch_size: 1 + Math.floor(random() * 30),
        attempt_timeout_seconds: 1,
        rejected_records: { type: 'file', path: harness.files.path('rejected.jsonl') },
      },
      onLine: (line) => {
        if (!line.includes('"type":"STATE"')) return;
        const checkpoint = world.checkpointOf(line);
        const missing = world.missing(checkpoint, harness.standin);
        const held = new Set(storedNumbers(harness.files.path('rejected.jsonl')));
        const unstored = world.bad.filter(
          (number) =>
            number <= checkpoint.after &&
            checkpoint.streams.includes(world.entries[number - 1]?.stream ?? '') &&
            !held.has(number),
        );
        if (missing.length + unstored.length > 0) early.push({ line, missing, unstored });
      },
    };
    const result =
      seed % 5 === 0
        ? await harness.write(world.input(), options)
        : await harness.writeInProcess(world.input(), options);
    const stored = storedNumbers(harness.files.path('rejected.jsonl'));
    expect({
      seed,
      early,
      exitCode: result.exitCode,
      errors: result.errors,
      users: usersOf(harness.standin),
      members: harness.standin.members('VIP'),
      rejected: stored.sort((a, b) => a - b),
      states: result.states.map((state) => world.checkpointOf(state).text).sort(),
      counted: sum(result.states.map(countOf)),
    }).toEqual({
      seed,
      early: [],
      exitCode: 0,
      errors: [],
      users: world.finalUsers(),
      members: world.finalMembers(),
      rejected: world.bad,
      states: world.checkpoints.map(({ text }) => text).sort(),
      counted: 400,
    });
  });
}

function storedNumbers(file: string): number[] {
  // Text after the last newline is an incomplete line.
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((text) => (JSON.parse(text) as { data: { number: number } }).data.number);
}

function countOf(state: string): number {
  const { recordCount, rejectedRecordCount = 0 } = (
    JSON.parse(state) as {
      state: { destinationStats: { recordCount: number; rejectedRecordCount?: number } };
    }
  ).state.destinationStats;
  return recordCount + rejectedRecordCount;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

describe('a storm of faults', () => {
  it(
    'leaves Iterable as the model predicts, with all states returned and none too early',
    () => inParallel(seeds(15, 200), playStorm),
    600_000,
  );
});

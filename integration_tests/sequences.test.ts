/**
 * Random sequences of updates, deletions, flags and address changes in all modes, with random faults: the final contents of
 * Iterable are those that a simple model predicts.
 */
import { describe, expect, it } from '@jest/globals';
import { randomStorm } from './standin/faults.ts';
import { withHarness, type Harness } from './support/harness.ts';
import { inParallel } from './support/in-parallel.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';
import { seededRandom, seeds } from './support/random.ts';

interface Step {
  readonly stream: 'plain' | 'rich';
  readonly id: number;
  readonly email: string;
  readonly was?: string;
  readonly n: number;
  readonly kind: 'upsert' | 'deletion' | 'bad';
  readonly vip?: boolean;
}

interface Rules {
  readonly syncMode: 'sync' | 'additive' | 'enrich';
  readonly removal: 'delete_user' | 'remove_from_lists';
}

interface Person {
  readonly fields: Record<string, unknown>;
  vip: boolean;
  /** The row that last wrote the address in this sync. */
  owner?: string;
}

const PEOPLE = 14;

function randomSteps(random: () => number, count: number): Step[] {
  const someone = () => Math.floor(random() * PEOPLE);
  return Array.from({ length: count }, (_, n) => {
    const dice = random();
    return {
      stream: random() < 0.7 ? 'plain' : 'rich',
      id: someone(),
      email: `p${someone()}@x.com`,
      n,
      kind: dice < 0.15 ? 'deletion' : dice < 0.2 ? 'bad' : 'upsert',
      ...(random() < 0.35 && dice >= 0.2 ? { was: `p${someone()}@x.com` } : {}),
      ...(random() < 0.4 ? { vip: random() < 0.6 } : {}),
    };
  });
}

/** Applies the records to the model one after the other, as the documentation promises. */
function play(steps: readonly Step[], people: Map<string, Person>, { syncMode, removal }: Rules): void {
  for (const { stream, id, email, was, n, kind, vip } of steps) {
    const mode = stream === 'rich' ? 'enrich' : syncMode;
    const owner = `${stream} ${id}`;
    if (kind === 'bad') continue;
    if (kind === 'deletion') {
      if (mode !== 'sync') continue;
      const person = people.get(email);
      if (removal === 'delete_user') people.delete(email);
      else if (person && vip !== undefined) person.vip = false;
      continue;
    }
    const previous = was === undefined ? undefined : people.get(was);
    if (was !== undefined && previous && !people.has(email) && (previous.owner ?? owner) === owner) {
      people.delete(was);
      people.set(email, previous);
    }
    let person = people.get(email);
    if (!person && mode === 'enrich') continue;
    person ??= { fields: {}, vip: false };
    people.set(email, person);
    person.fields.n = n;
    person.fields[`f${n % 3}`] = n;
    person.owner = owner;
    if (vip !== undefined) person.vip = vip;
  }
}

function recordOf({ stream, id, email, was, n, kind, vip }: Step): string {
  return aRecord(
    {
      id,
      email,
      n,
      [`f${n % 3}`]: n,
      ...(was === undefined ? {} : { was }),
      ...(vip === undefined ? {} : { vip }),
      ...(kind === 'deletion' ? { _ab_cdc_deleted_at: '2026-01-01' } : {}),
      ...(kind === 'bad' ? { level: 'high' } : {}),
    },
    { stream },
  );
}

function found(harness: Harness): Record<string, unknown> {
  const vips = new Set(harness.standin.members('VIP'));
  return Object.fromEntries(
    harness.standin.store
      .users()
      .map(({ email = '', dataFields }): [string, unknown] => [
        email,
        { ...dataFields, vip: vips.has(email) },
      ]),
  );
}

async function playSeed(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const projectType = pick(['hybrid', 'email'] as const);
  const rules: Rules = {
    syncMode: pick(['sync', 'sync', 'additive', 'enrich']),
    removal: pick(['delete_user', 'remove_from_lists']),
  };
  const steps = randomSteps(random, 160);
  const people = new Map<string, Person>();
  await withHarness(
    {
      projectType,
      lookUpsUntilGone: 1,
      latencyMs: 3,
      lists: [{ name: 'VIP', listType: 'Standard' }],
      refuseMixing: 'both',
      // The program's wait of a minute takes three seconds in this process.
      mixWindowMs: 1_500,
    },
    async (harness) => {
      const { standin } = harness;
      standin.store.fields.types.set('level', 'long');
      for (let n = 0; n < PEOPLE; n += 2) {
        harness.addUser({ email: `p${n}@x.com` }, { origin: `p${n}` });
        people.set(`p${n}@x.com`, { fields: { origin: `p${n}` }, vip: false });
      }
      standin.faults.storm(randomStorm(random, 0.15));
      play(steps, people, rules);
      const result = await harness.writeInProcess([...steps.map(recordOf), aState(1, 'plain')], {
        catalog: aCatalog(
          aStream({ name: 'plain', primaryKey: [['id']] }),
          aStream({ name: 'rich', primaryKey: [['id']], destinationSyncMode: 'update' }),
        ),
        config: {
          mappings: ['email', 'n', 'f0', 'f1', 'f2', 'level'].map((name) => ({ source: name, target: name })),
          lists: [{ kind: 'flag', source: 'vip', list: 'VIP' }],
          previous_email_column: 'was',
          sync_mode: rules.syncMode,
          removal: rules.removal,
          batch_size: 1 + Math.floor(random() * 30),
          attempt_timeout_seconds: 1,
        },
      });
      expect({ seed, errors: result.errors, states: result.states.length, people: found(harness) }).toEqual({
        seed,
        errors: [],
        states: 1,
        people: Object.fromEntries(
          [...people].map(([email, { fields, vip }]) => [email, { ...fields, vip }]),
        ),
      });
    },
  );
}

describe('a random sequence of records', () => {
  it(
    'has the effect of its records applied one after the other',
    () => inParallel(seeds(20, 500), playSeed, 20),
    900_000,
  );
});

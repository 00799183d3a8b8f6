/** Every fault at every endpoint: transient ones are retried and nothing is lost, permanent ones stop the sync at once. */
import { describe, expect, it } from '@jest/globals';
import { PERMANENT_FAULTS, TRANSIENT_FAULTS, WRONG_HOST_FAULTS, type Fault } from './standin/faults.ts';
import type { StandinOptions } from './standin/server.ts';
import { withHarness, type Harness } from './support/harness.ts';
import { inParallel } from './support/in-parallel.ts';
import { aRecord, aState } from './support/messages.ts';

interface Scene {
  /** The name of the route in the stand-in. */
  readonly route: string;
  readonly standin?: StandinOptions;
  /** Adds users before the run. */
  readonly before?: (harness: Harness) => void;
  readonly config?: Record<string, unknown>;
  readonly input: string;
  /** The users after a run without a fault. */
  readonly after: readonly string[];
}

const gone = { _ab_cdc_deleted_at: '2026-01-01' };

/** For each endpoint, a sync that calls it. */
const WRITES: readonly Scene[] = [
  ...['getLists', 'createList', 'subscribe'].map((route) => ({
    route,
    config: { lists: [{ kind: 'all', list: 'Everyone' }] },
    input: aRecord({ email: 'a@x.com' }),
    after: ['a@x.com'],
  })),
  {
    route: 'unsubscribe',
    standin: { lists: [{ name: 'VIP', listType: 'Standard' }] },
    config: { lists: [{ kind: 'flag', source: 'vip', list: 'VIP' }] },
    input: aRecord({ email: 'a@x.com', vip: false }),
    after: ['a@x.com'],
  },
  { route: 'getFields', input: aRecord({ email: 'a@x.com' }), after: ['a@x.com'] },
  {
    route: 'bulkUpdate',
    input: aRecord({ email: 'a@x.com' }) + aRecord({ email: 'b@x.com' }),
    after: ['a@x.com', 'b@x.com'],
  },
  {
    route: 'deleteByEmail',
    before: (harness) => {
      harness.addUser({ email: 'old@x.com' });
    },
    input: aRecord({ email: 'a@x.com' }) + aRecord({ email: 'old@x.com', ...gone }),
    after: ['a@x.com'],
  },
  {
    route: 'getByEmail',
    standin: { lookUpsUntilGone: 1 },
    input: aRecord({ email: 'a@x.com', ...gone }) + aRecord({ email: 'a@x.com', n: 1 }),
    after: ['a@x.com'],
  },
  {
    route: 'deleteByUserId',
    standin: { projectType: 'user_id' },
    before: (harness) => {
      harness.addUser({ userId: 'old' });
    },
    input: aRecord({ userId: 'a' }) + aRecord({ userId: 'old', ...gone }),
    after: ['a'],
  },
  {
    route: 'getByUserId',
    standin: { projectType: 'email' },
    before: (harness) => {
      harness.addUser({ email: 'old@x.com' }, { userId: 'old' });
    },
    input: aRecord({ email: 'a@x.com' }) + aRecord({ userId: 'old', ...gone }),
    after: ['a@x.com'],
  },
  {
    route: 'exportData',
    standin: { projectType: 'email' },
    before: (harness) => {
      harness.addUser({ email: 'old@x.com' }, { userId: 'old' });
    },
    input: aRecord({ email: 'a@x.com' }) + aRecord({ userId: 'old', ...gone }),
    after: ['a@x.com'],
  },
  ...['updateEmail', 'update'].map((route) => ({
    route,
    standin: { projectType: 'email' } as const,
    before: (harness: Harness) => {
      harness.addUser({ email: 'old@x.com' });
    },
    config: { previous_email_column: 'was' },
    input: aRecord({ email: 'a@x.com', was: 'old@x.com', n: 1 }),
    after: ['a@x.com'],
  })),
];

/** Runs a scene with a fault at its endpoint; returns the relevant parts of the outcome. */
async function play(scene: Scene, fault: Fault, times: number, config: Record<string, unknown> = {}) {
  let outcome: Outcome | undefined;
  await withHarness(scene.standin ?? {}, async (harness) => {
    scene.before?.(harness);
    harness.standin.faults.order({ route: scene.route, fault, times });
    // In this process, since there are hundreds of these runs.
    const result = await harness.writeInProcess([scene.input, aState(1)], {
      config: { ...scene.config, ...config },
    });
    outcome = {
      users: names(harness),
      states: result.states.length,
      failures: result.errors.map(({ failure_type }) => failure_type),
      exitCode: result.exitCode,
      retries: result.logs.filter((log) => log.includes('Trying again in')).length,
    };
  });
  return outcome;
}

interface Outcome {
  readonly users: (string | undefined)[];
  readonly states: number;
  readonly failures: string[];
  readonly exitCode: number | null;
  readonly retries: number;
}

const passing = Object.entries<Fault>(TRANSIENT_FAULTS);
const lasting = Object.entries<Fault>(PERMANENT_FAULTS);
const wrongHost = Object.entries<Fault>(WRONG_HOST_FAULTS);

const names = (harness: Harness) =>
  harness.standin.store
    .users()
    .map(({ email, userId }) => email ?? userId)
    .sort();

describe.each(WRITES)('at $route', (scene) => {
  it('a transient fault is retried, and nothing is lost', () =>
    inParallel(
      passing,
      async ([name, fault]) => {
        const { after: users } = scene;
        // Short, so that the run soon gives up waiting for an answer that never comes.
        const outcome = await play(scene, fault, 1, { attempt_timeout_seconds: 1 });
        expect([name, outcome]).toMatchObject([name, { users, states: 1, failures: [], exitCode: 0 }]);
        // At least, because a busy machine may cause further retries.
        if (fault.delayMs === undefined) expect(outcome?.retries).toBeGreaterThanOrEqual(1);
      },
      passing.length,
    ));

  it('a permanent fault stops the sync at once with a config_error, and no state is returned', () =>
    inParallel(lasting, async ([name, fault]) => {
      expect([name, await play(scene, fault, 1)]).toMatchObject([
        name,
        { states: 0, failures: ['config_error'], exitCode: 1, retries: 0 },
      ]);
    }));

  it('the answer of a wrong host stops the sync if it is the first answer, and is retried later', () =>
    inParallel(wrongHost, async ([name, fault]) => {
      const outcome = await play(scene, fault, 1);
      const { after: users } = scene;
      expect([name, outcome]).toMatchObject([
        name,
        scene.route === 'getFields'
          ? { states: 0, failures: ['config_error'], exitCode: 1, retries: 0 }
          : { users, states: 1, failures: [], exitCode: 0 },
      ]);
      if (scene.route !== 'getFields') expect(outcome?.retries).toBeGreaterThanOrEqual(1);
    }));

  it('a transient fault that does not end is a transient_error once the budget is used up', async () => {
    const fault = TRANSIENT_FAULTS['a 503 without a body'];
    expect(await play(scene, fault, Infinity, { retry_minutes: 0.01 })).toMatchObject({
      states: 0,
      failures: ['transient_error'],
      exitCode: 1,
    });
  });
});

describe('check', () => {
  it.each(['getFields', 'getLists'])('retries a transient fault at %s', (route) =>
    inParallel(Object.entries<Fault>(TRANSIENT_FAULTS), ([name, fault]) =>
      withHarness({}, async (harness) => {
        // check uses a longer timeout per attempt.
        if (fault.hang === true || fault.stall === true) return;
        harness.standin.faults.order({ route, fault, times: 1 });
        const result = await harness.checkInProcess();
        expect([name, result.exitCode, result.messages.at(-1)?.connectionStatus?.status]).toEqual([
          name,
          0,
          'SUCCEEDED',
        ]);
      }),
    ),
  );

  it('answers FAILED to the answer of a wrong host', () =>
    inParallel(wrongHost, ([name, fault]) =>
      withHarness({}, async (harness) => {
        harness.standin.faults.order({ fault, times: Infinity });
        const result = await harness.checkInProcess();
        const { status, message } = result.messages.at(-1)?.connectionStatus ?? {};
        expect([name, result.exitCode, status]).toEqual([name, 0, 'FAILED']);
        expect(message).toMatch(/^The answer to .* Check api_url, if it is set, and data_center\.$/);
      }),
    ));

  it.each(['getFields', 'getLists'])('answers FAILED to a permanent fault at %s', (route) =>
    inParallel(Object.entries<Fault>(PERMANENT_FAULTS), ([name, fault]) =>
      withHarness({}, async (harness) => {
        harness.standin.faults.order({ route, fault, times: 1 });
        const result = await harness.checkInProcess();
        expect([name, result.exitCode, result.messages.at(-1)?.connectionStatus?.status]).toEqual([
          name,
          0,
          'FAILED',
        ]);
      }),
    ),
  );
});

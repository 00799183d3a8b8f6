/** Endpoints for which Iterable publishes no limit: the rate is tried out, and settles just under what a 429 shows. */
import { describe, expect, it } from '@jest/globals';
import type { LoggedRequest } from './standin/server.ts';
import { withHarness } from './support/harness.ts';
import { runInProcess } from './support/in-process.ts';
import { LeapingClock } from './support/leaping-clock.ts';
import { aCatalog, aRecord } from './support/messages.ts';

const HIDDEN_LIMIT = 20;
/** Where the program begins. */
const FIRST_RATE = 5;
const USERS_PER_CALL = 10;
const LISTS = ['A', 'B', 'C', 'D', 'E', 'F'];

/** What the stand-in saw, by the clock that it shares with the program. */
class Calls {
  readonly accepted: number;
  readonly refused: number;
  /** Of the accepted calls: seconds after the first call. */
  readonly #times: readonly number[];

  constructor(requests: readonly LoggedRequest[]) {
    const startedAt = requests[0]?.receivedAt ?? 0;
    const accepted = requests.filter(({ status }) => status === 200);
    this.#times = accepted.map(({ receivedAt }) => (receivedAt - startedAt) / 1000);
    this.accepted = accepted.length;
    this.refused = requests.filter(({ status }) => status === 429).length;
  }

  /** The most that were accepted in so many seconds on end, by the given second. */
  most(seconds: number, { by = Infinity }: { readonly by?: number } = {}): number {
    const times = this.#times.filter((time) => time <= by);
    return Math.max(
      ...times.map((start) => times.filter((time) => time >= start && time < start + seconds).length),
    );
  }

  /** Accepted calls a second, from then on. */
  rateFrom(second: number): number {
    const times = this.#times.filter((time) => time >= second);
    return (times.length - 1) / ((times.at(-1) ?? 0) - (times[0] ?? 0));
  }
}

interface Series {
  readonly path: string;
  readonly lines: readonly string[];
  readonly config: Record<string, unknown>;
  readonly projectType?: 'email';
  readonly users?: readonly string[];
  /** Of the published limits. */
  readonly limitScale?: number;
}

async function callsOf({
  path,
  lines,
  config,
  projectType,
  users = [],
  limitScale = 1,
}: Series): Promise<Calls> {
  const clock = new LeapingClock();
  let calls: Calls | undefined;
  const options = {
    limitScale,
    hiddenLimit: HIDDEN_LIMIT,
    now: () => clock.now(),
    sleep: (ms: number) => clock.sleep(ms),
    latencyMs: 100,
    lists: LISTS.map((name) => ({ name, listType: 'Standard' })),
    ...(projectType ? { projectType } : {}),
  };
  await withHarness(options, async (harness) => {
    for (const email of users) harness.addUser({ email });
    const args = harness.args(['write'], {
      // Without a rate of the operator, unless the case has one.
      config: { requests_per_second: undefined, batch_size: USERS_PER_CALL, ...config },
      catalog: aCatalog(),
    });
    const { exitCode, errors } = await runInProcess(args, lines, undefined, undefined, {}, clock);
    expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: [] });
    const requests = harness.standin.calls(path);
    // Published limits are not exceeded.
    expect(
      harness.standin.requests.filter(({ status, path: of }) => status === 429 && !of.endsWith(path)),
    ).toEqual([]);
    calls = new Calls(requests);
  });
  if (!calls) throw new Error('the stand-in saw nothing');
  return calls;
}

/** Each call puts, or takes, ten users on a list of six. */
function listCalls(calls: number, isOn: boolean): readonly string[] {
  const users = (calls * USERS_PER_CALL) / LISTS.length;
  const flags = Object.fromEntries(LISTS.map((list) => [list, isOn]));
  return Array.from({ length: users }, (_, n) => aRecord({ email: `user${n}@x.com`, ...flags }));
}
const FLAGS = { lists: LISTS.map((list) => ({ kind: 'flag', source: list, list })) };

const SUBSCRIBE = { path: '/lists/subscribe', lines: listCalls(1_620, true), config: FLAGS };
const MOVES = 1_620;

describe('with a hidden limit of 20 calls a second', () => {
  it.each<[string, Series]>([
    ['lists/subscribe', SUBSCRIBE],
    ['lists/unsubscribe', { ...SUBSCRIBE, path: '/lists/unsubscribe', lines: listCalls(1_620, false) }],
    [
      'users/updateEmail',
      {
        path: '/users/updateEmail',
        projectType: 'email',
        users: Array.from({ length: MOVES }, (_, n) => `old${n}@x.com`),
        lines: Array.from({ length: MOVES }, (_, n) =>
          aRecord({ email: `new${n}@x.com`, was: `old${n}@x.com` }),
        ),
        config: { previous_email_column: 'was' },
      },
    ],
  ])(
    '%s is four times as fast as at first within a minute, and settles just under the limit',
    async (_name, series) => {
      const calls = await callsOf(series);
      expect(calls.accepted).toBe(1_620);
      // The stand-in takes a burst of 20 calls.
      expect(calls.most(5, { by: 15 })).toBeLessThan(5 * 2 * FIRST_RATE);
      expect(calls.most(5, { by: 60 })).toBeGreaterThanOrEqual(5 * 4 * FIRST_RATE);
      expect(calls.rateFrom(60)).toBeGreaterThan(0.85 * HIDDEN_LIMIT);
      expect(calls.refused).toBeGreaterThan(0);
      expect(calls.refused / calls.accepted).toBeLessThan(0.01);
    },
    120_000,
  );

  it('no more calls a second are made than requests_per_second allows', async () => {
    const calls = await callsOf({
      ...SUBSCRIBE,
      lines: listCalls(420, true),
      config: { ...FLAGS, requests_per_second: 8 },
      // That rate is the one of all endpoints behind another api_url.
      limitScale: 2,
    });
    expect(calls).toMatchObject({ accepted: 420, refused: 0 });
    expect(calls.most(10)).toBeLessThanOrEqual(81);
    expect(calls.rateFrom(0)).toBeGreaterThan(7);
  });
});

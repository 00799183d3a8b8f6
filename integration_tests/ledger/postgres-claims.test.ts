/** Which run may write to a stream of a Postgres ledger, in process: a run that died is waited for, one that is alive is not. */
import { expect, it } from '@jest/globals';
import pg from 'pg';
import type { Clock } from '../../src/clock.ts';
import { TransientError } from '../../src/errors.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { Seam, withSeam, type SeamOptions } from '../support/ledger-seam.ts';
import { withPostgres } from '../support/ledgers.ts';
import { aCatalog, aStream } from '../support/messages.ts';
import { withHarness } from '../support/harness.ts';

const backend = withPostgres();
const BUSY =
  'Another run writes the stream users in this ledger, and one at a time may. Run again when that one has ended.';
/** Longer than the waits between two looks at a claim; shorter than those between renewals, and for the end of a connection. */
const MAX_BETWEEN_LOOKS_MS = 2_000;

/** Waits between looks end at once, and the time passes for the claims in the database as well. No claim is renewed. */
class ClaimsClock implements Clock {
  waitedMs = 0;
  readonly #seam: Seam;
  readonly #onWaited: (waitedMs: number) => Promise<void>;

  constructor(seam: Seam, onWaited: (waitedMs: number) => Promise<void> = () => Promise.resolve()) {
    this.#seam = seam;
    this.#onWaited = onWaited;
  }

  now = () => this.waitedMs;
  random = () => 0.5;

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (delayMs > MAX_BETWEEN_LOOKS_MS) return untilAborted(signal);
    signal?.throwIfAborted();
    this.waitedMs += delayMs;
    await backend.query(
      this.#seam,
      (table) =>
        `UPDATE ${table('stream')} SET claimed_until = claimed_until - make_interval(secs => ${delayMs / 1000})`,
    );
    await this.#onWaited(this.waitedMs);
    signal?.throwIfAborted();
  }
}

function untilAborted(signal?: AbortSignal): Promise<void> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}

const play = (test: (seam: Seam) => Promise<void>) => withSeam(backend, test);

interface Waiting {
  readonly clock: ClaimsClock;
  readonly notices: readonly string[];
  /** The ledger, or why it was not opened. */
  readonly opened: Promise<Ledger | Error>;
}

/** Opens the ledger for another run. */
function open(
  seam: Seam,
  {
    onWaited,
    stop,
    ...options
  }: SeamOptions & { onWaited?: (waitedMs: number) => Promise<void>; stop?: AbortSignal } = {},
): Waiting {
  const clock = new ClaimsClock(seam, onWaited);
  const notices: string[] = [];
  const opened = seam
    .open({
      ...options,
      retry: {
        clock,
        retryBudgetMs: 600_000,
        onRetry: (message) => notices.push(message),
        ...(stop ? { stop } : {}),
      },
    })
    .catch((error: unknown) => error as Error);
  return { clock, notices, opened };
}

const isOpen = (opened: Ledger | Error) => !(opened instanceof Error);
const asRefused = { code: 'ledger_busy', message: BUSY };

it('a run that died is waited for until its claim has expired, and that is said once', () =>
  play(async (seam) => {
    await open(seam).opened;
    const { clock, notices, opened } = open(seam);
    expect(isOpen(await opened)).toBe(true);
    // Real time passes, too.
    expect(clock.waitedMs).toBeGreaterThan(35_000);
    expect(clock.waitedMs).toBeLessThan(60_000);
    expect(notices).toEqual([
      expect.stringMatching(
        /^Another run has claimed the stream users in this ledger\. Waiting in case it has died: then its claim ends within [34]\d s\.$/,
      ),
    ]);
  }));

it('a run that died has lost its claim to the next one, and writes nothing more', () =>
  play(async (seam) => {
    const dead = (await open(seam).opened) as Ledger;
    const next = (await open(seam).opened) as Ledger;
    const [stream = 0] = Seam.ids(next);
    await expect(dead.commit({ states: [{ stream, state: 'late' }] })).rejects.toMatchObject({
      code: 'ledger_claim_lost',
    });
    await next.commit({ states: [{ stream, state: 'next' }] });
    expect((await next.streams()).map(({ state }) => state)).toEqual(['next']);
  }));

it('a run that renews its claim is alive: the next one fails at once', () =>
  play(async (seam) => {
    const alive = (await open(seam).opened) as Ledger;
    const [stream = 0] = Seam.ids(alive);
    const { clock, opened } = open(seam, {
      onWaited: async (waitedMs) => {
        if (waitedMs > 10_000) await alive.commit({ states: [{ stream, state: 's' }] });
      },
    });
    expect(await opened).toBeInstanceOf(TransientError);
    expect(await opened).toMatchObject(asRefused);
    expect(clock.waitedMs).toBeGreaterThan(10_000);
    expect(clock.waitedMs).toBeLessThan(12_000);
    await alive.commit({ states: [{ stream, state: 's' }] });
  }));

it('a run that ends meanwhile is followed at once, by a run that begins with its states', () =>
  play(async (seam) => {
    const first = (await open(seam).opened) as Ledger;
    const [stream = 0] = Seam.ids(first);
    const { clock, opened } = open(seam, {
      onWaited: async (waitedMs) => {
        if (waitedMs < 5_000) return;
        await first.commit({ states: [{ stream, state: 'its last' }] });
        await first.close();
      },
    });
    expect(((await opened) as Ledger).own.map(({ state }) => state)).toEqual(['its last']);
    expect(clock.waitedMs).toBeLessThan(7_000);
  }));

it('of two runs that wait for the same dead one, one goes on, and the other fails since that one is alive', () =>
  play(async (seam) => {
    const streams = Array.from({ length: 20 }, (_, index) => ({ name: `users ${index}` }));
    await open(seam, { streams }).opened;
    const both = [open(seam, { streams }), open(seam, { streams: [...streams].reverse() })];
    const opened = await Promise.all(both.map((run) => run.opened));
    expect(opened.filter(isOpen)).toHaveLength(1);
    expect(opened.filter((result) => !isOpen(result))).toMatchObject([{ code: 'ledger_busy' }]);
    for (const { clock } of both) expect(clock.waitedMs).toBeLessThan(60_000);
  }));

it('a run that is stopped while it waits ends at once', () =>
  play(async (seam) => {
    await open(seam).opened;
    const stop = new AbortController();
    const reason = new TransientError('stopped', 'The run was stopped.');
    const { clock, opened } = open(seam, {
      stop: stop.signal,
      onWaited: (waitedMs) => {
        if (waitedMs > 3_000) stop.abort(reason);
        return Promise.resolve();
      },
    });
    expect(await opened).toBe(reason);
    expect(clock.waitedMs).toBeLessThan(5_000);
  }));

it('a run waits for a minute at most, whatever the claim says', () =>
  play(async (seam) => {
    await (await seam.open()).close();
    await backend.query(
      seam,
      (table) => `UPDATE ${table('stream')} SET claimed_by = 'x', claimed_until = now() + interval '1 day'`,
    );
    const { clock, opened } = open(seam);
    expect(await opened).toMatchObject(asRefused);
    expect(clock.waitedMs).toBeGreaterThan(59_000);
    expect(clock.waitedMs).toBeLessThan(62_000);
  }));

it('a run waits for a minute at most where a connection that hangs has the claim locked', () =>
  play(async (seam) => {
    await (await seam.open()).close();
    const client = new pg.Client(backend.url());
    await client.connect();
    try {
      const { schema } = backend.option(seam);
      await client.query(`BEGIN; SELECT 1 FROM "${String(schema)}".iterable_ledger_stream FOR UPDATE`);
      const waited: number[] = [];
      // Not the clock that changes claims: that would wait for the lock.
      const clock: Clock = {
        now: () => waited.reduce((sum, ms) => sum + ms, 0),
        random: () => 0.5,
        sleep: (delayMs, signal) => {
          if (delayMs > MAX_BETWEEN_LOOKS_MS) return untilAborted(signal);
          waited.push(delayMs);
          return Promise.resolve();
        },
      };
      await expect(seam.open({ retry: { clock, retryBudgetMs: 600_000 } })).rejects.toMatchObject(asRefused);
      expect(clock.now()).toBeGreaterThan(59_000);
      expect(clock.now()).toBeLessThan(62_000);
    } finally {
      await client.end();
    }
  }));

it('while a run waits for one of its streams, it has claimed none of them', () =>
  play(async (seam) => {
    const [a, b] = [{ name: 'a' }, { name: 'b' }];
    await open(seam, { streams: [b] }).opened;
    const stop = new AbortController();
    let third: Ledger | undefined;
    const { notices, opened } = open(seam, {
      streams: [a, b],
      stop: stop.signal,
      onWaited: async () => {
        third ??= await seam.open({ streams: [a] });
        stop.abort(new TransientError('stopped', 'The run was stopped.'));
      },
    });
    expect(await opened).toMatchObject({ code: 'stopped' });
    expect(notices).toEqual([expect.stringContaining('has claimed the stream b in this ledger')]);
    await third?.commit({ states: [{ stream: third.own[0]?.id ?? 0, state: 's' }] });
  }));

it('writes to some streams go on while the claims on all of them are renewed', () =>
  play(async (seam) => {
    const streams = Array.from({ length: 40 }, (_, index) => ({ name: `users ${index}` }));
    const notices: string[] = [];
    let renewals = 0;
    const clock: Clock = {
      now: () => 0,
      random: () => 0.5,
      // Claims are renewed again and again.
      sleep: async (_delayMs, signal) => {
        renewals++;
        await new Promise(setImmediate);
        signal?.throwIfAborted();
      },
    };
    const ledger = await seam.open({
      streams,
      retry: { clock, retryBudgetMs: 600_000, onRetry: (message) => notices.push(message) },
    });
    const ids = Seam.ids(ledger);
    const writes = Array.from({ length: 100 }, (_, index) => {
      const some = ids.filter((_id, at) => (at * 7 + index) % 3 === 0).reverse();
      return ledger.commit({ states: some.map((stream) => ({ stream, state: `${index}` })) });
    });
    await Promise.all(writes);
    await ledger.close();
    expect(renewals).toBeGreaterThan(1);
    // Neither a deadlock nor a lost claim.
    expect(notices).toEqual([]);
  }));

it('SIGTERM ends a program that waits at once; check does not wait, and plan neither', () =>
  withHarness({}, async (harness) => {
    const catalog = aCatalog(aStream());
    const config = { ledger: backend.option(harness) };
    expect((await harness.write('', { config, catalog })).errors).toEqual([]);
    await backend.query(
      harness,
      (table) => `UPDATE ${table('stream')} SET claimed_by = 'x', claimed_until = now() + interval '1 hour'`,
    );
    let stop = (): void => undefined;
    const stopped = await harness.write('', {
      config,
      catalog,
      onSpawn: (child) => {
        stop = () => child.kill('SIGTERM');
      },
      onLine: (line) => {
        if (line.includes('Waiting in case it has died')) stop();
      },
      deadlineMs: 20_000,
    });
    expect(stopped.exitCode).toBe(143);
    expect(stopped.errors).toMatchObject([{ message: expect.stringContaining('SIGTERM') }]);
    const check = await harness.checkInProcess(config);
    expect(check.messages.at(-1)?.connectionStatus).toEqual({
      status: 'SUCCEEDED',
      message: expect.stringContaining('a sync has it open just now'),
    });
    const { plan } = await harness.planJsonInProcess([], { config, catalog });
    expect(plan.failure).toBeNull();
  }));

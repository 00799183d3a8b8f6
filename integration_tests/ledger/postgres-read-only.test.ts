/** A Postgres ledger on a server that accepts no writes: a replica, or the former primary after a failover. */
import { describe, expect, it } from '@jest/globals';
import type { Clock } from '../../src/clock.ts';
import { ConfigError } from '../../src/errors.ts';
import type { Seam } from '../support/ledger-seam.ts';
import { withSeam } from '../support/ledger-seam.ts';
import { withPostgres } from '../support/ledgers.ts';
import { aCatalog, aRecord, aState, aStream } from '../support/messages.ts';
import { withSyncs, type Syncs } from '../support/syncs.ts';

const backend = withPostgres();
const row = (id: number, name = 'A') => ({ id, email: `${id}@x.com`, name });
const READ_ONLY =
  /^ledger: the database is read-only \(cannot execute .* in a read-only transaction\), as a replica is\. Name the primary server in the URL/;

/** Makes the database read-only or writable, over a connection to another database, which stays writable. */
async function setReadOnly(isReadOnly: boolean): Promise<void> {
  const server = backend.server();
  const database = new URL(backend.url()).pathname.slice(1);
  const change = isReadOnly
    ? 'SET default_transaction_read_only = on'
    : 'RESET default_transaction_read_only';
  await server.query(server.url('postgres'), `ALTER DATABASE "${database}" ${change}`);
}

/** Closes all connections to the database, as a failover does. */
async function closeConnections(): Promise<void> {
  const server = backend.server();
  await server.query(
    server.url('postgres'),
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1',
    [new URL(backend.url()).pathname.slice(1)],
  );
}

async function whileReadOnly(test: () => Promise<void>): Promise<void> {
  await setReadOnly(true);
  try {
    await test();
  } finally {
    await setReadOnly(false);
  }
}

/** A clock whose waits end at once; it advances by their full duration. */
class LeapingClock implements Clock {
  waitedMs = 0;
  now = () => this.waitedMs;
  random = () => 0.5;

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    this.waitedMs += delayMs;
    return Promise.resolve();
  }
}

function untilAborted(signal?: AbortSignal): Promise<void> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}

describe('a read-only Postgres ledger', () => {
  const play = (test: (syncs: Syncs) => Promise<void>, config = {}) => withSyncs(backend, config, test);

  it('is reported by check, and by write before anything is sent', () =>
    play(async (syncs) => {
      await syncs.sync([row(1)]);
      const ledger = backend.option(syncs.harness);
      await whileReadOnly(async () => {
        const check = await syncs.harness.checkInProcess({ ledger });
        expect(check.messages.at(-1)?.connectionStatus).toEqual({
          status: 'FAILED',
          message: expect.stringMatching(READ_ONLY),
        });
        const { errors, calls, logs } = await syncs.run([row(2)], { config: { retry_minutes: 0.01 } });
        expect(errors).toMatchObject([
          {
            failure_type: 'config_error',
            message: expect.stringMatching(READ_ONLY),
            internal_message: expect.stringMatching(/^ledger_unusable/),
          },
        ]);
        expect(calls).toEqual([]);
        expect(logs.join('\n')).toContain("WARN The ledger's database is read-only (");
      });
    }));

  it('makes a run wait, and the run continues when it is writable again', () =>
    play(async (syncs) => {
      const result = await runAround(syncs, { onReadOnly: () => setReadOnly(false) });
      expect(result.errors).toEqual([]);
      expect(result.states).toHaveLength(2);
      expect((await syncs.sync([row(1), row(2)])).calls).toEqual([]);
    }));

  it('that stays read-only fails a run with a config_error', () =>
    play(async (syncs) => {
      const result = await runAround(syncs, { config: { retry_minutes: 0.01 } });
      expect(result.exitCode).toBe(1);
      expect(result.errors).toMatchObject([
        { failure_type: 'config_error', message: expect.stringMatching(READ_ONLY) },
      ]);
      expect(result.states).toHaveLength(1);
    }));

  it('is sufficient for a dry run, with entries and while it is empty', () =>
    play(async (syncs) => {
      await whileReadOnly(async () => {
        const { plan } = await syncs.plan([row(1)]);
        expect([plan.failure, plan.streams[0]?.new]).toEqual([null, 1]);
      });
      await syncs.sync([row(1), row(2)]);
      await whileReadOnly(async () => {
        const { plan } = await syncs.plan([row(1), row(2, 'B'), row(3)]);
        const [stream] = plan.streams;
        expect([plan.failure, stream?.unchanged, stream?.changed, stream?.new]).toEqual([null, 1, 1, 1]);
      });
    }));

  /** Runs a sync in which the server becomes read-only after a first record was delivered and acknowledged. */
  async function runAround(
    { harness }: Syncs,
    { onReadOnly, config = {} }: { onReadOnly?: () => Promise<void>; config?: Record<string, unknown> },
  ) {
    let acknowledge = (): void => undefined;
    const isAcknowledged = new Promise<void>((resolve) => (acknowledge = resolve));
    let isReported = false;
    const input = (async function* () {
      yield [aRecord(row(1)), aState(1)].join('');
      await isAcknowledged;
      await setReadOnly(true);
      await closeConnections();
      yield [aRecord(row(2)), aState(2)].join('');
    })();
    const running = harness.write(input, {
      catalog: aCatalog(aStream({ primaryKey: [['id']] })),
      config: { ledger: backend.option(harness), batch_size: 1, ...config },
      onSpawn: (child) => child.on('close', acknowledge),
      onLine: (line) => {
        if (line.includes('"STATE"')) acknowledge();
        if (isReported || !line.includes("The ledger's database is read-only")) return;
        isReported = true;
        void onReadOnly?.();
      },
    });
    const result = await running.finally(() => setReadOnly(false));
    expect(isReported).toBe(true);
    return result;
  }
});

describe('a Postgres ledger that can’t be opened', () => {
  const opened = (seam: Seam, clock: Clock) =>
    seam.open({ retry: { clock, retryBudgetMs: 1_800_000 } }).catch((error: unknown) => error);

  it('because it is read-only is waited for, for at most two minutes', () =>
    withSeam(backend, async (seam) => {
      const clock = new LeapingClock();
      await whileReadOnly(async () => {
        const error = await opened(seam, clock);
        expect(error).toBeInstanceOf(ConfigError);
        expect((error as ConfigError).message).toMatch(READ_ONLY);
      });
      expect(clock.waitedMs).toBeGreaterThan(60_000);
      expect(clock.waitedMs).toBeLessThan(130_000);
    }));

  it('because the server has reached its connection limit is waited for, for at most two minutes, to read it as well', () =>
    withSeam(backend, async (seam) => {
      await backend.server().query(backend.url(), "CREATE ROLE crowd LOGIN PASSWORD 'pw' CONNECTION LIMIT 0");
      const url = backend.url().replace(/\/\/[^@]*@/, '//crowd:pw@');
      for (const access of ['write', 'read'] as const) {
        const clock = new LeapingClock();
        const retry = { clock, retryBudgetMs: 1_800_000 };
        await expect(seam.open({ option: { url }, access, retry })).rejects.toMatchObject({
          code: 'ledger_unavailable',
        });
        expect([access, clock.waitedMs > 60_000, clock.waitedMs < 130_000]).toEqual([access, true, true]);
      }
    }));

  it('at first is used as soon as it accepts writes', () =>
    withSeam(backend, async (seam) => {
      await setReadOnly(true);
      /** Makes the database writable after five seconds of waiting; waits that begin later, such as those between renewals, last. */
      class WakingClock extends LeapingClock {
        override async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
          if (this.waitedMs > 5_000) return untilAborted(signal);
          await super.sleep(delayMs, signal);
          if (this.waitedMs > 5_000) await setReadOnly(false);
        }
      }
      const ledger = await opened(seam, new WakingClock()).finally(() => setReadOnly(false));
      expect(ledger).not.toBeInstanceOf(Error);
    }));
});

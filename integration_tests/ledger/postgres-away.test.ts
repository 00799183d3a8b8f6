/** A Postgres ledger that becomes unavailable in the middle of a run, or is taken over by another run. */
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { RunOptions, RunResult } from '../support/connector.ts';
import { withPostgres } from '../support/ledgers.ts';
import { aCatalog, aRecord, aState, aStream } from '../support/messages.ts';
import { withSyncs, type Syncs } from '../support/syncs.ts';

const backend = withPostgres();
const row = (id: number, name = 'A') => ({ id, email: `${id}@x.com`, name });
const AWAY = "The ledger's database is away";

/** Runs a sync in which `happens` is called between a first record, already acknowledged, and the rest of the input. */
function runAround(
  { harness }: Syncs,
  happens: () => Promise<void>,
  rest: readonly string[],
  { extra, onLine, ...options }: Partial<RunOptions> & { readonly extra?: Record<string, unknown> } = {},
): Promise<RunResult> {
  let acknowledge = (): void => undefined;
  const isAcknowledged = new Promise<void>((resolve) => (acknowledge = resolve));
  const onState = onceLine('"STATE"', () => {
    acknowledge();
  });
  const input = (async function* () {
    yield [aRecord(row(1)), aState(1)].join('');
    await isAcknowledged;
    await happens();
    yield rest.join('');
  })();
  return harness.write(input, {
    catalog: aCatalog(aStream({ primaryKey: [['id']] })),
    config: { ledger: backend.option(harness), batch_size: 1, ...extra },
    onLine: (line) => {
      onState(line);
      onLine?.(line);
    },
    ...options,
  });
}

/** Calls `then` once, for the first line that contains the text. */
function onceLine(text: string, then: () => void): (line: string) => void {
  let isDone = false;
  return (line) => {
    if (isDone || !line.includes(text)) return;
    isDone = true;
    then();
  };
}

const keysIn = async (syncs: Syncs) =>
  (await backend.query(syncs.harness, (table) => `SELECT key FROM ${table('entry')} ORDER BY key`)).map(
    ({ key }) => key,
  );

describe('a run with a Postgres ledger', () => {
  const play = (test: (syncs: Syncs) => Promise<void>) => withSyncs(backend, {}, test);

  it('survives lost connections in the middle of a transaction', () =>
    play(async (syncs) => {
      await syncs.sync([row(1)]);
      const client = new pg.Client(backend.url());
      await client.connect();
      try {
        const { schema } = backend.option(syncs.harness);
        // Reads are possible, writes wait.
        await client.query(`BEGIN; LOCK TABLE "${String(schema)}".iterable_ledger_entry IN SHARE MODE`);
        const running = syncs.run([row(1, 'B'), row(2)]);
        await until(async () => (await others('pid', "wait_event_type = 'Lock'")).length > 0);
        const [holder] = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows;
        await others('pg_terminate_backend(pid)', `pid <> ${holder?.pid ?? 0}`);
        await client.query('COMMIT');
        const result = await running;
        expect(result.errors).toEqual([]);
        expect(result.states).toHaveLength(1);
        expect(result.logs.join('\n')).toContain(AWAY);
        expect((await syncs.sync([row(1, 'B'), row(2)])).calls).toEqual([]);
      } finally {
        await client.end();
      }
    }));

  it('survives a server that is stopped and started again', () =>
    play(async (syncs) => {
      let onAway = (): void => undefined;
      const isAway = new Promise<void>((resolve) => (onAway = resolve));
      const server = backend.server();
      const result = await runAround(
        syncs,
        () => server.pause(),
        [aRecord(row(2)), aRecord(row(3)), aState(2)],
        {
          onLine: onceLine(AWAY, () => {
            onAway();
            void server.resume();
          }),
        },
      );
      await isAway;
      expect(result.errors).toEqual([]);
      expect(result.states).toHaveLength(2);
      expect(await keysIn(syncs)).toEqual(['[1]', '[2]', '[3]']);
    }));

  it('fails with a transient_error if the server stays unavailable; the next run sends the unrecorded row again', () =>
    play(async (syncs) => {
      const server = backend.server();
      const result = await runAround(syncs, () => server.pause(), [aRecord(row(2)), aState(2)], {
        extra: { retry_minutes: 0.01 },
      }).finally(() => server.resume());
      expect(result.exitCode).toBe(1);
      expect(result.errors).toMatchObject([
        {
          failure_type: 'transient_error',
          message: expect.stringContaining("The ledger's database could not be reached for too long"),
          internal_message: expect.stringMatching(/^ledger_unavailable/),
        },
      ]);
      expect(result.states).toHaveLength(1);
      await backend.afterKill?.(syncs.harness);
      expect((await syncs.sync([row(1), row(2)])).calls).toEqual(['bulkUpdate']);
    }));

  it('stops on a signal although the server is unavailable', () =>
    play(async (syncs) => {
      const server = backend.server();
      let stop = (): void => undefined;
      const result = await runAround(syncs, () => server.pause(), [aRecord(row(2)), aState(2)], {
        onSpawn: (child) => {
          stop = () => child.kill('SIGTERM');
        },
        onLine: onceLine(AWAY, () => {
          stop();
        }),
        deadlineMs: 60_000,
      }).finally(() => server.resume());
      expect(result.exitCode).toBe(143);
      expect(result.errors).toMatchObject([
        { failure_type: 'transient_error', message: expect.stringContaining('SIGTERM') },
      ]);
      expect(result.states).toHaveLength(1);
    }));

  it('fails when another run has taken over its claim, and writes nothing more', () =>
    play(async (syncs) => {
      const { harness } = syncs;
      const takeOver = async () => {
        await backend.query(
          harness,
          (table) =>
            `UPDATE ${table('stream')} SET claimed_by = 'another', claimed_until = now() + interval '1 hour'`,
        );
      };
      const result = await runAround(syncs, takeOver, [
        aRecord(row(2)),
        aState(2),
        aRecord(row(3)),
        aState(3),
      ]);
      expect(result.errors).toMatchObject([
        {
          failure_type: 'transient_error',
          message: expect.stringContaining('Another run has taken over a stream of this one'),
          internal_message: 'ledger_claim_lost',
        },
      ]);
      expect(result.states).toHaveLength(1);
      expect(await keysIn(syncs)).toEqual(['[1]']);
      // The claim of the other run is not changed.
      expect(await backend.query(harness, (table) => `SELECT claimed_by FROM ${table('stream')}`)).toEqual([
        { claimed_by: 'another' },
      ]);
    }));

  it('does not interfere with runs of other streams', () =>
    play(async (syncs) => {
      const other = {
        stream: 'crm',
        catalog: aCatalog(aStream({ name: 'crm', primaryKey: [['id']] })),
      };
      const first = await runAround(syncs, async () => {
        await syncs.sync([row(9)], other);
      }, [aRecord(row(2)), aState(2)]);
      expect(first.errors).toEqual([]);
      expect(Object.keys(syncs.users).sort()).toEqual(['1@x.com', '2@x.com', '9@x.com']);
    }));
});

/** Queries the other connections to the ledger's database, over a new connection each time, outside any transaction. */
function others(columns: string, condition: string): Promise<pg.QueryResultRow[]> {
  const sql = `SELECT ${columns} FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND ${condition}`;
  return backend.server().query(backend.url(), sql);
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 20));
}

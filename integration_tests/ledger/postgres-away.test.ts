/** A Postgres ledger that goes away in the middle of a run, or passes to another run. */
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { RunOptions, RunResult } from '../support/connector.ts';
import { withPostgres } from '../support/ledgers.ts';
import { aCatalog, aRecord, aState, aStream } from '../support/messages.ts';
import { withSyncs, type Syncs } from '../support/syncs.ts';

const backend = withPostgres();
const row = (id: number, name = 'A') => ({ id, email: `${id}@x.com`, name });
const AWAY = "The ledger's database is away";

/** One run: a first record is delivered and acknowledged, something happens, the rest comes. */
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

/** Calls `then` once with the first line that holds the text. */
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

  it('rides out lost connections in the middle of a transaction', () =>
    play(async (syncs) => {
      await syncs.sync([row(1)]);
      const client = new pg.Client(backend.url());
      await client.connect();
      try {
        const { schema } = backend.option(syncs.harness);
        // Reads pass, writes wait.
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

  it('rides out a server that is stopped and started again', () =>
    play(async (syncs) => {
      let wentAway = (): void => undefined;
      const isAway = new Promise<void>((resolve) => (wentAway = resolve));
      const server = backend.server();
      const result = await runAround(
        syncs,
        () => server.pause(),
        [aRecord(row(2)), aRecord(row(3)), aState(2)],
        {
          onLine: onceLine(AWAY, () => {
            wentAway();
            void server.resume();
          }),
        },
      );
      await isAway;
      expect(result.errors).toEqual([]);
      expect(result.states).toHaveLength(2);
      expect(await keysIn(syncs)).toEqual(['[1]', '[2]', '[3]']);
    }));

  it('that stays away ends as transient; the record that was not kept comes again', () =>
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

  it('that is away keeps no signal waiting', () =>
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

  it('whose claim passed to another run ends, and writes nothing more', () =>
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
      // The other one's claim is left as it is.
      expect(await backend.query(harness, (table) => `SELECT claimed_by FROM ${table('stream')}`)).toEqual([
        { claimed_by: 'another' },
      ]);
    }));

  it('leaves runs of other streams alone', () =>
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

/** Connections to the ledger's database, but for the one that asks; each time from without a transaction. */
function others(columns: string, condition: string): Promise<pg.QueryResultRow[]> {
  const sql = `SELECT ${columns} FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND ${condition}`;
  return backend.server().query(backend.url(), sql);
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 20));
}

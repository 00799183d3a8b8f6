/** The ledger in a Postgres database, shared by many machines, so that containers can be disposable. A stream has one run at a time. */
import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import { emptyLedger } from '../empty.ts';
import type {
  PendingDeletion,
  HeldEntry,
  Ledger,
  LedgerChanges,
  LedgerOpening,
  LedgerStream,
} from '../ledger.ts';
import { heldBy } from '../ledger.ts';
import { countMissing, decideDeletions, nextPendingDeletions, cancelDeletions, unseen } from './absence.ts';
import { withMovedKeys } from '../old-keys.ts';
import { PostgresConnection, type PostgresOptions, type RetryOptions } from './connection.ts';
import { toStream, type Enrolled, type StreamRow } from '../enrolled.ts';
import { claimStreams, extendClaims, renewClaims } from './claims.ts';
import { enrol, lookUp } from './enrol.ts';
import { noteDeleted, noteFree, recentlyDeleted } from './deleted.ts';
import { EntryTable } from './entries.ts';
import { movedKeys, moveOldKeys, streamsWithOldKeys } from './keys.ts';
import { entriesOf, migrate, MIGRATIONS, schemaVersion } from './schema.ts';

const RENEW_EVERY_MS = 15_000;
/** How long to wait for the server when a run begins. Short, since a run that fails before reading any input loses nothing. */
const MAX_OPENING_MS = 120_000;

/** Opens the ledger in this database. Throws ConfigError, or TransientError if another run that is alive has claimed one of the streams. */
export async function openPostgresLedger(
  options: PostgresOptions,
  opening: LedgerOpening,
  retry: RetryOptions,
): Promise<Ledger> {
  const connection = await PostgresConnection.create(options, retry);
  /** When to give up an attempt to reach the server that begins now. */
  const until = () => retry.clock.now() + Math.min(retry.retryBudgetMs, MAX_OPENING_MS);
  try {
    return opening.access === 'read'
      ? await openToRead(connection, opening, until())
      : await openToWrite(connection, opening, { retry, until });
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function openToRead(
  connection: PostgresConnection,
  opening: LedgerOpening,
  until: number,
): Promise<Ledger> {
  const found = await connection.transaction(async (client) => {
    const version = await schemaVersion(client);
    if (version === 0) return undefined;
    const enrolled = await lookUp(client, opening);
    const old = await streamsWithOldKeys(client, version, enrolled.own);
    return { version, enrolled, moved: await movedKeys(client, old) };
  }, until);
  if (found) {
    const { version, enrolled, moved } = found;
    return withMovedKeys(new PostgresLedger(connection, enrolled, { run: undefined, version }), moved);
  }
  await connection.close();
  return emptyLedger(opening);
}

async function openToWrite(
  connection: PostgresConnection,
  opening: LedgerOpening,
  { retry, until }: { readonly retry: RetryOptions; readonly until: () => number },
): Promise<Ledger> {
  const run = randomUUID();
  const reachedUntil = until();
  await connection.transaction((client) => migrate(client, connection.quotedSchema), reachedUntil);
  const enrolled = await connection.transaction((client) => enrol(client, opening), reachedUntil);
  const claimed = await claimStreams({
    streams: enrolled.own.map(({ id }) => id),
    run,
    retry,
    transaction: (task) => connection.transaction(task, until()),
  });
  const rows = new Map(claimed.map((row) => [row.id, row]));
  // The states are those of the moment of the claim: the run that was waited for may have changed them.
  const own = enrolled.own.map((stream) => toStream(rows.get(stream.id) as StreamRow));
  const ledger = new PostgresLedger(connection, { ...enrolled, own }, { run, version: MIGRATIONS.length });
  try {
    const old = await connection.transaction(
      async (client) => streamsWithOldKeys(client, await schemaVersion(client), own),
      until(),
    );
    if (old.length > 0) await ledger.moveOldKeys(old);
  } catch (error) {
    await ledger.close();
    throw error;
  }
  ledger.keepClaims(retry);
  return ledger;
}

class PostgresLedger implements Ledger {
  readonly own: readonly LedgerStream[];
  readonly #connection: PostgresConnection;
  readonly #entries: EntryTable;
  readonly #project: number;
  /** Of the tables. */
  readonly #version: number;
  /** The id of this run, for its claims; undefined if the ledger is only read. */
  readonly #run: string | undefined;
  readonly #closing = new AbortController();
  /** Why the claims are no longer renewed: no write may follow, not even to a stream whose claim is still held. */
  #renewalFailure: Error | undefined;

  constructor(
    connection: PostgresConnection,
    { project, own }: Enrolled,
    { run, version }: { readonly run: string | undefined; readonly version: number },
  ) {
    this.#connection = connection;
    this.#entries = new EntryTable(connection, version);
    this.#version = version;
    this.#project = project;
    this.#run = run;
    this.own = own;
  }

  /**
   * Converts the keys of these streams. They must already be claimed, so that no older version of the program writes to them.
   * To be called before anything is read.
   */
  moveOldKeys(streams: readonly number[]): Promise<void> {
    return this.#write(streams, async (client) => {
      await moveOldKeys(client, this.#entries.written, streams);
      await extendClaims(client, streams);
    });
  }

  /** Renews all claims in the background until the ledger is closed. In addition, each write checks and renews those of its streams. */
  keepClaims({ clock }: RetryOptions): void {
    const renew = async (): Promise<void> => {
      while (!this.#closing.signal.aborted) {
        await clock.sleep(RENEW_EVERY_MS, this.#closing.signal);
        const streams = this.own.map(({ id }) => id);
        await this.#write(streams, () => Promise.resolve());
      }
    };
    renew().catch((error: unknown) => {
      if (!this.#closing.signal.aborted) this.#renewalFailure = error as Error;
    });
  }

  streams(): Promise<readonly LedgerStream[]> {
    return this.#connection.transaction(async (client) => {
      const { rows } = await client.query<StreamRow>(
        'SELECT id, scope, namespace, name, state FROM iterable_ledger_stream WHERE project = $1 ORDER BY id',
        [this.#project],
      );
      return rows.map(toStream);
    });
  }

  find(stream: number, keys: readonly string[]): Promise<ReadonlyMap<string, HeldEntry>> {
    return this.#entries.find(stream, keys);
  }

  fieldHashes(stream: number, keys: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    return this.#entries.fieldHashes(stream, keys);
  }

  holders(people: Parameters<Ledger['holders']>[0]): Promise<readonly HeldEntry[]> {
    return this.#entries.holders(this.#project, people);
  }

  count(stream: number): Promise<number> {
    return this.#entries.count(stream);
  }

  async commit(changes: LedgerChanges): Promise<void> {
    const prepared = await this.#entries.prepare(changes);
    try {
      await this.#write(streamsOf(changes), async (client) => {
        await this.#entries.write(client, prepared);
        await setStates(client, changes.states ?? []);
        await noteFree(client, this.#project, changes.free ?? []);
        await noteDeleted(client, this.#project, changes.deleted ?? []);
      });
    } catch (error) {
      this.#entries.forgetPrepared();
      throw error;
    }
  }

  countMissing(stream: number, snapshot: number): Promise<{ upserted: number; enriched: number }> {
    return countMissing(this.#connection, stream, snapshot);
  }

  async unseen(
    ...[stream, snapshot, after, limit]: Parameters<Ledger['unseen']>
  ): ReturnType<Ledger['unseen']> {
    const rows = await this.#connection.transaction((client) =>
      unseen(client, entriesOf(this.#version), { stream, snapshot, after, limit }),
    );
    return this.#entries.toEntries(rows);
  }

  decideDeletions(
    ...[snapshots, accept]: Parameters<Ledger['decideDeletions']>
  ): ReturnType<Ledger['decideDeletions']> {
    const streams = snapshots.map(({ stream }) => stream);
    return this.#write(streams, async (client) => {
      await client.query('SAVEPOINT decision');
      const decided = await decideDeletions(client, this.#project, snapshots);
      if (accept(decided)) await setStates(client, snapshots);
      else await client.query('ROLLBACK TO SAVEPOINT decision');
      await extendClaims(client, streams);
      return decided;
    });
  }

  async nextPendingDeletions(streams: readonly number[], limit: number): Promise<readonly PendingDeletion[]> {
    const rows = await this.#connection.transaction((client) =>
      nextPendingDeletions(client, entriesOf(this.#version), this.#project, { streams, limit }),
    );
    const entries = await this.#entries.toEntries(rows);
    return entries.map((entry, index) => ({
      ...entry,
      heldBy: heldBy({ isHeld: rows[index]?.held === true, isNamed: rows[index]?.is_named === true }),
    }));
  }

  cancelDeletions(streams: readonly number[]): Promise<number> {
    return this.#write(streams, (client) => cancelDeletions(client, streams));
  }

  recentlyDeleted(ms: number): ReturnType<Ledger['recentlyDeleted']> {
    return recentlyDeleted(this.#connection, this.#project, ms);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new Error('closed'));
    // Errors are ignored: a claim that can't be released expires by itself.
    const release = (client: PoolClient) =>
      client.query(
        'UPDATE iterable_ledger_stream SET claimed_by = NULL, claimed_until = NULL WHERE claimed_by = $1',
        [this.#run],
      );
    await this.#connection.close(this.#run === undefined ? undefined : release);
  }

  /** Runs `task`, which writes to these streams, in a transaction that also checks and renews this run's claims on them. */
  #write<Result>(streams: Iterable<number>, task: (client: PoolClient) => Promise<Result>): Promise<Result> {
    if (this.#renewalFailure) return Promise.reject(this.#renewalFailure);
    const ids = [...new Set(streams)];
    return this.#connection.transaction(async (client) => {
      await renewClaims(client, ids, this.#run ?? '');
      return task(client);
    });
  }
}

/** The streams that these changes concern. */
function* streamsOf({
  entries = [],
  dropped = [],
  named = [],
  present = [],
  states = [],
}: LedgerChanges): Generator<number> {
  for (const changes of [entries, dropped, named, present, states])
    for (const { stream } of changes) yield stream;
}

async function setStates(
  client: PoolClient,
  states: readonly { readonly stream: number; readonly state: string }[],
): Promise<void> {
  if (states.length === 0) return;
  await client.query(
    `UPDATE iterable_ledger_stream AS stream SET state = own.state
     FROM unnest($1::int[], $2::text[]) AS own (id, state) WHERE stream.id = own.id`,
    [states.map(({ stream }) => stream), states.map(({ state }) => state)],
  );
}

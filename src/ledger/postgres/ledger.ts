/** The ledger in a Postgres database, shared by many machines, so that containers can be disposable. A stream has one run at a time. */
import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import { TransientError } from '../../errors.ts';
import { emptyLedger } from '../empty.ts';
import type {
  PendingDeletion,
  HeldEntry,
  Ledger,
  LedgerChanges,
  LedgerOpening,
  LedgerStream,
  ProvenSnapshot,
} from '../ledger.ts';
import { countMissing, decideDeletions, nextPendingDeletions, cancelDeletions, unseen } from './absence.ts';
import { withMovedKeys } from '../old-keys.ts';
import { PostgresConnection, type PostgresOptions, type RetryOptions } from './connection.ts';
import { toStream, type Enrolled, type StreamRow } from '../enrolled.ts';
import { CLAIM_SECONDS, enrol, lookUp } from './enrol.ts';
import { EntryTable } from './entries.ts';
import { movedKeys, moveOldKeys, streamsWithOldKeys } from './keys.ts';
import { migrate, schemaVersion } from './schema.ts';

/** The first version of the tables with the column `field_hashes`. */
const VERSION_OF_FIELD_HASHES = 3;
const RENEW_EVERY_MS = 15_000;
/** How long to wait for the server when a run begins. Short, since a run that fails before reading any input loses nothing. */
const MAX_OPENING_MS = 120_000;

/** Opens the ledger in this database. Throws ConfigError, or TransientError if another run has claimed one of the streams. */
export async function openPostgresLedger(
  options: PostgresOptions,
  opening: LedgerOpening,
  retry: RetryOptions,
): Promise<Ledger> {
  const connection = await PostgresConnection.create(options, retry);
  const until = retry.clock.now() + Math.min(retry.retryBudgetMs, MAX_OPENING_MS);
  try {
    if (opening.access === 'read') {
      const found = await connection.transaction(async (client) => {
        const version = await schemaVersion(client);
        if (version === 0) return undefined;
        const enrolled = await lookUp(client, opening);
        const old = await streamsWithOldKeys(client, version, enrolled.own);
        return { enrolled, version, moved: await movedKeys(client, old) };
      }, until);
      if (found)
        return withMovedKeys(
          new PostgresLedger(connection, found.enrolled, undefined, found.version),
          found.moved,
        );
      await connection.close();
      return emptyLedger(opening);
    }
    const run = randomUUID();
    await connection.transaction((client) => migrate(client, connection.quotedSchema), until);
    const { enrolled, version, old } = await connection.transaction(async (client) => {
      const enrolled = await enrol(client, opening, run);
      const version = await schemaVersion(client);
      return { enrolled, version, old: await streamsWithOldKeys(client, version, enrolled.own) };
    }, until);
    const ledger = new PostgresLedger(connection, enrolled, run, version);
    if (old.length > 0) await ledger.moveOldKeys(old);
    ledger.keepClaims(retry);
    return ledger;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

class PostgresLedger implements Ledger {
  readonly own: readonly LedgerStream[];
  readonly #connection: PostgresConnection;
  readonly #entries: EntryTable;
  readonly #project: number;
  /** The id of this run, for its claims; undefined if the ledger is only read. */
  readonly #run: string | undefined;
  readonly #closing = new AbortController();
  readonly #hasFieldHashes: boolean;

  /** @param version of the tables: a ledger that is only read may have older ones */
  constructor(
    connection: PostgresConnection,
    { project, own }: Enrolled,
    run: string | undefined,
    version: number,
  ) {
    this.#hasFieldHashes = version >= VERSION_OF_FIELD_HASHES;
    this.#connection = connection;
    this.#entries = new EntryTable(connection);
    this.#project = project;
    this.#run = run;
    this.own = own;
  }

  /**
   * Converts the keys of these streams. They must already be claimed, so that no older version of the program writes to them.
   * To be called before anything is read.
   */
  moveOldKeys(streams: readonly number[]): Promise<void> {
    return this.#write(async (client) => {
      await moveOldKeys(client, this.#entries.written, streams);
      await extendClaims(client, this.own);
    });
  }

  /** Renews the claims in the background until the ledger is closed. In addition, each write checks and renews them. */
  keepClaims({ clock }: RetryOptions): void {
    const renew = async (): Promise<void> => {
      while (!this.#closing.signal.aborted) {
        await clock.sleep(RENEW_EVERY_MS, this.#closing.signal);
        await this.#write(() => Promise.resolve());
      }
    };
    // The next write will fail with the same error.
    renew().catch(() => undefined);
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

  async fieldHashes(stream: number, keys: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    return this.#hasFieldHashes ? this.#entries.fieldHashes(stream, keys) : new Map();
  }

  holders(people: Parameters<Ledger['holders']>[0]): Promise<readonly HeldEntry[]> {
    return this.#entries.holders(this.#project, people);
  }

  async count(stream: number): Promise<number> {
    const [row] = await this.#connection.read<{ number: number }>(
      `SELECT count(*)::int AS number FROM ${this.#connection.quotedSchema}.iterable_ledger_entry WHERE stream = $1`,
      [stream],
    );
    return row?.number ?? 0;
  }

  async commit(changes: LedgerChanges): Promise<void> {
    const prepared = await this.#entries.prepare(changes);
    try {
      await this.#write(async (client) => {
        await this.#entries.write(client, prepared);
        await setStates(client, changes.states ?? []);
      });
    } catch (error) {
      this.#entries.forgetPrepared();
      throw error;
    }
  }

  countMissing(stream: number, snapshot: number): Promise<{ upserted: number; enriched: number }> {
    return this.#connection.transaction((client) => countMissing(client, stream, snapshot));
  }

  async unseen(
    ...[stream, snapshot, after, limit]: Parameters<Ledger['unseen']>
  ): ReturnType<Ledger['unseen']> {
    const rows = await this.#connection.transaction((client) =>
      unseen(client, { stream, snapshot, after, limit }),
    );
    return this.#entries.toEntries(rows);
  }

  decideDeletions(snapshots: readonly ProvenSnapshot[]): ReturnType<Ledger['decideDeletions']> {
    return this.#write(async (client) => {
      await setStates(client, snapshots);
      const decided = await decideDeletions(client, this.#project, snapshots);
      await extendClaims(client, this.own);
      return decided;
    });
  }

  async nextPendingDeletions(streams: readonly number[], limit: number): Promise<readonly PendingDeletion[]> {
    const rows = await this.#connection.transaction((client) =>
      nextPendingDeletions(client, this.#project, { streams, limit }),
    );
    const entries = await this.#entries.toEntries(rows);
    return entries.map((entry, index) => ({ ...entry, isHeld: rows[index]?.held === true }));
  }

  cancelDeletions(streams: readonly number[]): Promise<number> {
    return this.#write((client) => cancelDeletions(client, streams));
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

  /** Runs `task` in a transaction that also checks and renews this run's claims. */
  #write<Result>(task: (client: PoolClient) => Promise<Result>): Promise<Result> {
    return this.#connection.transaction(async (client) => {
      const ids = this.own.map(({ id }) => id);
      const { rowCount } = await client.query(
        `UPDATE iterable_ledger_stream SET claimed_until = now() + make_interval(secs => ${CLAIM_SECONDS})
         WHERE id = ANY($1::int[]) AND claimed_by = $2`,
        [ids, this.#run ?? ''],
      );
      if (rowCount !== ids.length) {
        throw new TransientError(
          'ledger_claim_lost',
          'Another run has taken over a stream of this one in the ledger, since this one was away for too long. Run again when the other one has ended.',
        );
      }
      return task(client);
    });
  }
}

/** For transactions that may take long: their claims must not have expired when they commit. */
async function extendClaims(client: PoolClient, streams: readonly LedgerStream[]): Promise<void> {
  await client.query(
    `UPDATE iterable_ledger_stream SET claimed_until = clock_timestamp() + make_interval(secs => ${CLAIM_SECONDS})
     WHERE id = ANY($1::int[])`,
    [streams.map(({ id }) => id)],
  );
}

async function setStates(
  client: PoolClient,
  states: readonly { readonly stream: number; readonly state: string }[],
): Promise<void> {
  for (const { stream, state } of states)
    await client.query('UPDATE iterable_ledger_stream SET state = $1 WHERE id = $2', [state, stream]);
}

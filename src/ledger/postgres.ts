/** The ledger in a Postgres database, for many machines: containers are disposable then, and a stream has one run at a time. */
import { createHash, randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import { TransientError } from '../errors.ts';
import { emptyLedger } from './empty.ts';
import type {
  DoomedEntry,
  HeldEntry,
  Ledger,
  LedgerChanges,
  LedgerOpening,
  LedgerStream,
  ProvenSnapshot,
} from './ledger.ts';
import { PostgresConnection, type PostgresOptions, type RetryOptions } from './postgres-connection.ts';
import { CLAIM_SECONDS, enrol, lookUp, toStream, type Enrolled, type StreamRow } from './postgres-enrol.ts';
import { hasTables, migrate } from './postgres-schema.ts';
import { parseWritten, writtenText, type Written } from './written.ts';

const RENEW_EVERY_MS = 15_000;
/** Kept to give entries that are alike the same objects; more distinct ones are read again. */
const MAX_KEPT = 20_000;

/** Opens the ledger in this database. Throws ConfigError, or TransientError when another run has one of the streams. */
export async function openPostgresLedger(
  options: PostgresOptions,
  opening: LedgerOpening,
  retry: RetryOptions,
): Promise<Ledger> {
  const connection = await PostgresConnection.create(options, retry);
  try {
    if (opening.access === 'read') {
      const enrolled = await connection.transaction(async (client) =>
        (await hasTables(client)) ? lookUp(client, opening) : undefined,
      );
      if (enrolled) return new PostgresLedger(connection, enrolled, undefined);
      await connection.close();
      return emptyLedger(opening);
    }
    const run = randomUUID();
    await connection.transaction((client) => migrate(client, connection.quotedSchema));
    const enrolled = await connection.transaction((client) => enrol(client, opening, run));
    const ledger = new PostgresLedger(connection, enrolled, run);
    ledger.keepClaims(retry);
    return ledger;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

interface EntryRow {
  readonly stream: number;
  readonly key: string;
  readonly email: string | null;
  readonly user_id: string | null;
  readonly values_hash: string;
  readonly written: number;
  readonly seen: number;
  readonly doomed: boolean;
}

const ENTRY_COLUMNS = 'stream, key, email, user_id, values_hash, written, seen, doomed';
const OF_PROJECT = 'stream IN (SELECT id FROM iterable_ledger_stream WHERE project = $1)';
/** Whether an entry that is not doomed is about the person of `entry`. $1: project. */
const IS_HELD_BY_ANOTHER = `(
    EXISTS (SELECT 1 FROM iterable_ledger_entry AS other WHERE NOT other.doomed AND other.email = entry.email AND other.${OF_PROJECT})
    OR EXISTS (SELECT 1 FROM iterable_ledger_entry AS other WHERE NOT other.doomed AND other.user_id = entry.user_id AND other.${OF_PROJECT})
  )`;

class PostgresLedger implements Ledger {
  readonly own: readonly LedgerStream[];
  readonly #connection: PostgresConnection;
  readonly #project: number;
  /** Undefined for one who only reads. */
  readonly #run: string | undefined;
  readonly #writtenById = new Map<number, Written>();
  readonly #idOfWritten = new Map<string, number>();
  readonly #closing = new AbortController();

  constructor(connection: PostgresConnection, { project, own }: Enrolled, run: string | undefined) {
    this.#connection = connection;
    this.#project = project;
    this.#run = run;
    this.own = own;
  }

  /** Renews the claims until the ledger is closed; each write makes sure of them itself. */
  keepClaims({ clock }: RetryOptions): void {
    const renew = async (): Promise<void> => {
      while (!this.#closing.signal.aborted) {
        await clock.sleep(RENEW_EVERY_MS, this.#closing.signal);
        await this.#write(() => Promise.resolve());
      }
    };
    // What is wrong is told by the next write.
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
    return this.#connection.transaction(async (client) => {
      const { rows } = await client.query<EntryRow>(
        `SELECT ${ENTRY_COLUMNS} FROM iterable_ledger_entry WHERE stream = $1 AND key = ANY($2::text[])`,
        [stream, keys],
      );
      return new Map((await this.#toEntries(client, rows)).map((entry) => [entry.key, entry]));
    });
  }

  holders({ emails, userIds }: Parameters<Ledger['holders']>[0]): Promise<readonly HeldEntry[]> {
    return this.#connection.transaction(async (client) => {
      const { rows } = await client.query<EntryRow>(
        `SELECT ${ENTRY_COLUMNS} FROM iterable_ledger_entry
         WHERE (email = ANY($2::text[]) OR user_id = ANY($3::text[])) AND ${OF_PROJECT}`,
        [this.#project, emails.map(storable), userIds.map(storable)],
      );
      return this.#toEntries(client, rows);
    });
  }

  count(stream: number): Promise<number> {
    return this.#connection.transaction((client) =>
      number(client, 'SELECT count(*)::int AS number FROM iterable_ledger_entry WHERE stream = $1', [stream]),
    );
  }

  async commit({ entries = [], dropped = [], present = [], states = [] }: LedgerChanges): Promise<void> {
    await this.#write(async (client) => {
      if (entries.length > 0) await this.#writeEntries(client, entries);
      if (dropped.length > 0) {
        await client.query(
          `DELETE FROM iterable_ledger_entry AS entry USING unnest($1::int[], $2::text[]) AS gone (stream, key)
           WHERE entry.stream = gone.stream AND entry.key = gone.key`,
          [dropped.map(({ stream }) => stream), dropped.map(({ key }) => key)],
        );
      }
      for (const { stream, snapshot, keys } of present) {
        await client.query(
          `UPDATE iterable_ledger_entry SET seen = $1, doomed = FALSE
           WHERE stream = $2 AND key = ANY($3::text[]) AND (seen <> $1 OR doomed)`,
          [snapshot, stream, keys],
        );
      }
      for (const { stream, state } of states) await setState(client, stream, state);
    });
  }

  countAbsent(stream: number, snapshot: number): Promise<{ upserted: number; enriched: number }> {
    return this.#connection.transaction(async (client) => {
      const count = (origin: string) =>
        number(
          client,
          `SELECT count(*)::int AS number FROM iterable_ledger_entry AS entry
           JOIN iterable_ledger_written AS written ON written.id = entry.written
           WHERE stream = $1 AND seen < $2 AND origin = $3`,
          [stream, snapshot, origin],
        );
      return { upserted: await count('upsert'), enriched: await count('enrich') };
    });
  }

  unseen(...[stream, snapshot, after, limit]: Parameters<Ledger['unseen']>): ReturnType<Ledger['unseen']> {
    return this.#connection.transaction(async (client) => {
      const { rows } = await client.query<EntryRow>(
        `SELECT ${ENTRY_COLUMNS} FROM iterable_ledger_entry
         WHERE stream = $1 AND key > $2 AND (seen < $3 OR doomed) ORDER BY key LIMIT $4`,
        [stream, after, snapshot, limit],
      );
      return this.#toEntries(client, rows);
    });
  }

  doomAbsent(snapshots: readonly ProvenSnapshot[]): ReturnType<Ledger['doomAbsent']> {
    return this.#write(async (client) => {
      for (const { stream, snapshot, state } of snapshots) {
        await client.query(
          'UPDATE iterable_ledger_entry SET doomed = TRUE WHERE stream = $1 AND seen < $2 AND NOT doomed',
          [stream, snapshot],
        );
        await setState(client, stream, state);
      }
      const ids = snapshots.map(({ stream }) => stream);
      // Only when all are doomed can be told whom an entry holds that is not.
      const { rows } = await client.query<{ stream: number; doomed: number; staying: number }>(
        `SELECT stream, count(*)::int AS doomed,
           (count(*) FILTER (WHERE written.origin = 'enrich' OR ${IS_HELD_BY_ANOTHER}))::int AS staying
         FROM iterable_ledger_entry AS entry JOIN iterable_ledger_written AS written ON written.id = entry.written
         WHERE stream = ANY($2::int[]) AND doomed GROUP BY stream`,
        [this.#project, ids],
      );
      return ids.map((stream) => {
        const { doomed = 0, staying = 0 } = rows.find((row) => row.stream === stream) ?? {};
        return { stream, removed: doomed - staying, staying };
      });
    });
  }

  nextDoomed(streams: readonly number[], limit: number): Promise<readonly DoomedEntry[]> {
    return this.#connection.transaction(async (client) => {
      const { rows } = await client.query<EntryRow & { held: boolean }>(
        `SELECT ${ENTRY_COLUMNS}, ${IS_HELD_BY_ANOTHER} AS held FROM iterable_ledger_entry AS entry
         WHERE stream = ANY($2::int[]) AND doomed LIMIT $3`,
        [this.#project, streams, limit],
      );
      const entries = await this.#toEntries(client, rows);
      return entries.map((entry, index) => ({ ...entry, isHeld: rows[index]?.held === true }));
    });
  }

  pardon(streams: readonly number[]): Promise<number> {
    return this.#write(async (client) => {
      const { rowCount } = await client.query(
        'UPDATE iterable_ledger_entry SET doomed = FALSE WHERE stream = ANY($1::int[]) AND doomed',
        [streams],
      );
      return rowCount ?? 0;
    });
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new Error('closed'));
    try {
      if (this.#run !== undefined) {
        await this.#connection.transaction((client) =>
          client.query(
            'UPDATE iterable_ledger_stream SET claimed_by = NULL, claimed_until = NULL WHERE claimed_by = $1',
            [this.#run],
          ),
        );
      }
    } catch {
      // The claim expires by itself; a run that went well does not fail for that.
    } finally {
      await this.#connection.close();
    }
  }

  /** In one transaction with the proof that the streams are still this run's. */
  #write<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
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
      return work(client);
    });
  }

  async #writeEntries(client: PoolClient, entries: NonNullable<LedgerChanges['entries']>): Promise<void> {
    const written = await this.#idsOf(client, entries);
    await client.query(
      `INSERT INTO iterable_ledger_entry (${ENTRY_COLUMNS})
       SELECT stream, key, email, user_id, values_hash, written, seen, FALSE
       FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[])
         AS fresh (stream, key, email, user_id, values_hash, written, seen)
       ON CONFLICT (stream, key) DO UPDATE SET email = excluded.email, user_id = excluded.user_id,
         values_hash = excluded.values_hash, written = excluded.written, seen = excluded.seen, doomed = FALSE`,
      [
        entries.map(({ stream }) => stream),
        entries.map(({ key }) => key),
        entries.map(({ email }) => (email === undefined ? null : storable(email))),
        entries.map(({ userId }) => (userId === undefined ? null : storable(userId))),
        entries.map(({ valuesHash }) => valuesHash),
        written,
        entries.map(({ seen }) => seen),
      ],
    );
  }

  /** Interns what the entries have in common; one number for each. */
  async #idsOf(client: PoolClient, entries: readonly Written[]): Promise<number[]> {
    const texts = entries.map(writtenText);
    const unknown = new Map<string, { readonly text: string; readonly origin: string }>();
    for (const [index, text] of texts.entries())
      if (!this.#idOfWritten.has(text))
        unknown.set(hashOf(text), { text, origin: entries[index]?.origin ?? 'upsert' });
    if (unknown.size > 0) {
      const hashes = [...unknown.keys()];
      const values = [...unknown.values()];
      await client.query(
        `INSERT INTO iterable_ledger_written (hash, content, origin)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING`,
        [hashes, values.map(({ text }) => text), values.map(({ origin }) => origin)],
      );
      const { rows } = await client.query<{ id: number; hash: string }>(
        'SELECT id, hash FROM iterable_ledger_written WHERE hash = ANY($1::text[])',
        [hashes],
      );
      // Kept although the transaction may fail: the sequence gives no number twice, and `find` would see.
      const ids = new Map(rows.map(({ id, hash }) => [hash, id]));
      return texts.map((text) => this.#idOfWritten.get(text) ?? ids.get(hashOf(text)) ?? 0);
    }
    return texts.map((text) => this.#idOfWritten.get(text) ?? 0);
  }

  async #toEntries(client: PoolClient, rows: readonly EntryRow[]): Promise<HeldEntry[]> {
    const missing = [...new Set(rows.map(({ written }) => written))].filter(
      (id) => !this.#writtenById.has(id),
    );
    if (this.#writtenById.size > MAX_KEPT) this.#writtenById.clear();
    const read = missing.length > 0 ? missing : [];
    if (read.length > 0) {
      const found = await client.query<{ id: number; content: string }>(
        'SELECT id, content FROM iterable_ledger_written WHERE id = ANY($1::int[])',
        [[...new Set(rows.map(({ written }) => written))]],
      );
      for (const { id, content } of found.rows) {
        this.#writtenById.set(id, parseWritten(content));
        // What was read was committed.
        if (this.#idOfWritten.size > MAX_KEPT) this.#idOfWritten.clear();
        this.#idOfWritten.set(content, id);
      }
    }
    return rows.map((row) => toEntry(row, this.#writtenById.get(row.written) ?? NOTHING_WRITTEN));
  }
}

const NOTHING_WRITTEN: Written = { origin: 'upsert', targets: [], lists: new Map() };

function toEntry(row: EntryRow, { origin, targets, lists }: Written): HeldEntry {
  return {
    stream: row.stream,
    key: row.key,
    ...(row.email === null ? {} : { email: row.email }),
    ...(row.user_id === null ? {} : { userId: row.user_id }),
    valuesHash: row.values_hash,
    origin,
    targets,
    lists,
    seen: row.seen,
    isDoomed: row.doomed,
  };
}

async function setState(client: PoolClient, stream: number, state: string): Promise<void> {
  await client.query('UPDATE iterable_ledger_stream SET state = $1 WHERE id = $2', [state, stream]);
}

async function number(client: PoolClient, sql: string, values: readonly unknown[]): Promise<number> {
  const { rows } = await client.query<{ number: number }>(sql, [...values]);
  return rows[0]?.number ?? 0;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** Postgres takes no NUL in a text. */
function storable(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\u2400') : text;
}

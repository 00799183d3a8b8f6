/** Rows missing from a snapshot, in the Postgres ledger: counting, marking as pending deletion, reading page by page, cancelling. */
import type { PoolClient } from 'pg';
import type { Ledger, ProvenSnapshot } from '../ledger.ts';
import { ENTRY_COLUMNS, type EntryRow } from './entries.ts';
import type { PostgresConnection } from './connection.ts';
import { isAbsent } from './presence.ts';

const OF_PROJECT = 'stream IN (SELECT id FROM iterable_ledger_stream WHERE project = $1)';
/** Whether another entry of the project ($1), not pending deletion, holds the address or user id of `entry`. */
const IS_HELD_BY_ANOTHER = `(
    EXISTS (SELECT 1 FROM iterable_ledger_entry AS other WHERE NOT other.doomed AND other.email = entry.email AND other.${OF_PROJECT})
    OR EXISTS (SELECT 1 FROM iterable_ledger_entry AS other WHERE NOT other.doomed AND other.user_id = entry.user_id AND other.${OF_PROJECT})
  )`;

/** One round trip, since there may be thousands of streams. */
export async function countMissing(
  connection: PostgresConnection,
  stream: number,
  snapshot: number,
): Promise<{ upserted: number; enriched: number }> {
  const prefix = `${connection.quotedSchema}.`;
  const rows = await connection.read<{ origin: string; number: number }>(
    `SELECT origin, count(*)::int AS number FROM ${prefix}iterable_ledger_entry AS entry
     JOIN ${prefix}iterable_ledger_written AS written ON written.id = entry.written
     WHERE stream = $1 AND ${isAbsent('$2', prefix)} GROUP BY origin`,
    [stream, snapshot],
  );
  const count = (origin: string) => rows.find((row) => row.origin === origin)?.number ?? 0;
  return { upserted: count('upsert'), enriched: count('enrich') };
}

export async function unseen(
  client: PoolClient,
  {
    stream,
    snapshot,
    after,
    limit,
  }: {
    readonly stream: number;
    readonly snapshot: number;
    readonly after: string;
    readonly limit: number;
  },
): Promise<EntryRow[]> {
  const { rows } = await client.query<EntryRow>(
    `SELECT ${ENTRY_COLUMNS} FROM iterable_ledger_entry AS entry
     WHERE stream = $1 AND key > $2 AND (doomed OR ${isAbsent('$3')}) ORDER BY key LIMIT $4`,
    [stream, after, snapshot, limit],
  );
  return rows;
}

export async function decideDeletions(
  client: PoolClient,
  project: number,
  snapshots: readonly ProvenSnapshot[],
): Promise<Awaited<ReturnType<Ledger['decideDeletions']>>> {
  const ids = snapshots.map(({ stream }) => stream);
  await client.query(
    `UPDATE iterable_ledger_entry AS entry SET doomed = TRUE
     FROM unnest($1::int[], $2::int[]) AS proven (stream, snapshot)
     WHERE entry.stream = proven.stream AND ${isAbsent('proven.snapshot')} AND NOT doomed`,
    [ids, snapshots.map(({ snapshot }) => snapshot)],
  );
  // A user stays if another entry, not pending deletion, holds it; that is known only after all entries are marked.
  const { rows } = await client.query<{ stream: number; doomed: number; staying: number }>(
    `SELECT stream, count(*)::int AS doomed,
       (count(*) FILTER (WHERE written.origin = 'enrich' OR ${IS_HELD_BY_ANOTHER}))::int AS staying
     FROM iterable_ledger_entry AS entry JOIN iterable_ledger_written AS written ON written.id = entry.written
     WHERE stream = ANY($2::int[]) AND doomed GROUP BY stream`,
    [project, ids],
  );
  const counts = new Map(rows.map((row) => [row.stream, row]));
  return ids.map((stream) => {
    const { doomed = 0, staying = 0 } = counts.get(stream) ?? {};
    return { stream, removed: doomed - staying, staying };
  });
}

export async function nextPendingDeletions(
  client: PoolClient,
  project: number,
  { streams, limit }: { readonly streams: readonly number[]; readonly limit: number },
): Promise<(EntryRow & { readonly held: boolean })[]> {
  const { rows } = await client.query<EntryRow & { held: boolean }>(
    `SELECT ${ENTRY_COLUMNS}, ${IS_HELD_BY_ANOTHER} AS held FROM iterable_ledger_entry AS entry
     WHERE stream = ANY($2::int[]) AND doomed LIMIT $3`,
    [project, streams, limit],
  );
  return rows;
}

/** Returns the number of cancelled deletions. */
export async function cancelDeletions(client: PoolClient, streams: readonly number[]): Promise<number> {
  const { rowCount } = await client.query(
    `UPDATE iterable_ledger_entry SET doomed = FALSE, values_hash = '' WHERE stream = ANY($1::int[]) AND doomed`,
    [streams],
  );
  return rowCount ?? 0;
}

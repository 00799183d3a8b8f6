/** Rows missing from a snapshot, in the Postgres ledger: counting, marking as pending deletion, reading page by page, cancelling. */
import type { PoolClient } from 'pg';
import type { DecidedDeletions, ProvenSnapshot } from '../ledger.ts';
import { ENTRY_COLUMNS, countOf, type EntryRow } from './entries.ts';
import type { PostgresConnection } from './connection.ts';
import { isAbsent } from './presence.ts';

const OF_PROJECT = 'stream IN (SELECT id FROM iterable_ledger_stream WHERE project = $1)';
/** Whether a column of another entry of the project ($1), not pending deletion, has the same value as one of `entry`. */
const isInAnother = (column: string, ofEntry: string, entries = 'iterable_ledger_entry') => `EXISTS (
    SELECT 1 FROM ${entries} AS other WHERE NOT other.doomed AND other.${column} = entry.${ofEntry} AND other.${OF_PROJECT}
  )`;
const IS_HELD_BY_ANOTHER = `(${isInAnother('email', 'email')} OR ${isInAnother('user_id', 'user_id')})`;
const isNamedByAnother = (entries?: string) =>
  `(${isInAnother('named_email', 'email', entries)} OR ${isInAnother('named_user_id', 'user_id', entries)})`;

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

/** @param entries SQL for all entries */
export async function unseen(
  client: PoolClient,
  entries: string,
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
    `SELECT ${ENTRY_COLUMNS} FROM ${entries} AS entry
     WHERE stream = $1 AND key > $2 AND (doomed OR ${isAbsent('$3')}) ORDER BY key LIMIT $4`,
    [stream, after, snapshot, limit],
  );
  return rows;
}

export async function decideDeletions(
  client: PoolClient,
  project: number,
  snapshots: readonly ProvenSnapshot[],
): Promise<DecidedDeletions[]> {
  const ids = snapshots.map(({ stream }) => stream);
  // Few: those of earlier runs are carried out before more are decided, unless a rejected record names their users.
  const { rows: before } = await client.query<{ id: string }>(
    'SELECT id FROM iterable_ledger_entry WHERE stream = ANY($1::int[]) AND doomed',
    [ids],
  );
  await client.query(
    `UPDATE iterable_ledger_entry AS entry SET doomed = TRUE
     FROM unnest($1::int[], $2::int[]) AS proven (stream, snapshot)
     WHERE entry.stream = proven.stream AND ${isAbsent('proven.snapshot')} AND NOT doomed`,
    [ids, snapshots.map(({ snapshot }) => snapshot)],
  );
  // A user stays if another entry, not pending deletion, holds it; that is known only after all entries are marked.
  const earlier = before.map(({ id }) => id);
  const fresh = await countPending(client, project, { streams: ids, before: earlier });
  const decided: DecidedDeletions[] = [];
  for (const stream of ids) {
    const { removed = 0, staying = 0 } = fresh.get(stream) ?? {};
    const entries = removed > 0 ? await countEntries(client, stream) : 0;
    decided.push({ stream, removed, staying, entries });
  }
  // The next snapshot decides anew, and the guard with it.
  await client.query(
    `UPDATE iterable_ledger_entry AS entry SET doomed = FALSE
     WHERE stream = ANY($2::int[]) AND doomed AND NOT entry.id = ANY($3::bigint[])
       AND NOT ${IS_HELD_BY_ANOTHER} AND ${isNamedByAnother()}`,
    [project, ids, earlier],
  );
  return decided;
}

async function countEntries(client: PoolClient, stream: number): Promise<number> {
  const { rows } = await client.query<{ number: number }>(countOf('iterable_ledger_entry'), [stream]);
  return rows[0]?.number ?? 0;
}

/** Leaves out the entries with the ids `before`. */
async function countPending(
  client: PoolClient,
  project: number,
  { streams, before }: { readonly streams: readonly number[]; readonly before: readonly string[] },
): Promise<Map<number, { readonly removed: number; readonly staying: number }>> {
  const { rows } = await client.query<{ stream: number; doomed: number; staying: number }>(
    `SELECT stream, count(*)::int AS doomed,
       (count(*) FILTER (
         WHERE written.origin = 'enrich' OR ${IS_HELD_BY_ANOTHER} OR ${isNamedByAnother()}
       ))::int AS staying
     FROM iterable_ledger_entry AS entry JOIN iterable_ledger_written AS written ON written.id = entry.written
     WHERE stream = ANY($2::int[]) AND doomed AND NOT entry.id = ANY($3::bigint[]) GROUP BY stream`,
    [project, streams, before],
  );
  return new Map(rows.map(({ stream, doomed, staying }) => [stream, { removed: doomed - staying, staying }]));
}

/** @param entries SQL for all entries */
export async function nextPendingDeletions(
  client: PoolClient,
  entries: string,
  project: number,
  { streams, limit }: { readonly streams: readonly number[]; readonly limit: number },
): Promise<(EntryRow & { readonly held: boolean; readonly is_named: boolean })[]> {
  const { rows } = await client.query<EntryRow & { held: boolean; is_named: boolean }>(
    `SELECT ${ENTRY_COLUMNS}, ${IS_HELD_BY_ANOTHER} AS held, ${isNamedByAnother(entries)} AS is_named FROM ${entries} AS entry
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

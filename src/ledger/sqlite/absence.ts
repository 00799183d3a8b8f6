/** Rows missing from a snapshot, in the SQLite ledger: counting, marking as pending deletion, reading page by page, cancelling. */
import {
  heldBy,
  type DecidedDeletions,
  type HeldEntry,
  type PendingDeletion,
  type ProvenSnapshot,
} from '../ledger.ts';
import { ENTRY_COLUMNS, type EntryRow, type EntryTable } from './entries.ts';
import type { Statements } from './statements.ts';

/** How many ids one statement covers: SQLite frees the arguments of a function only when its statement ends. */
const RANGE_IDS = 50_000;
/** The `+` keeps SQLite from using the index of keys: every entry is examined, and they are stored in id order. */
const IS_IN_RANGE = 'entry.id BETWEEN :first AND :last AND +stream = :stream';
/** Whether an entry was last present before a snapshot. */
const IS_ABSENT = 'seen < :snapshot AND NOT is_marked(stream, :snapshot, entry.id)';
/** Whether a column of another entry of the project, not pending deletion, has the same value as one of `entry`. */
const isInAnother = (column: string, ofEntry: string) => `EXISTS (
    SELECT 1 FROM entry AS other JOIN stream ON stream.id = other.stream
    WHERE stream.project = :project AND other.doomed = 0 AND other.${column} = entry.${ofEntry}
  )`;
const IS_HELD_BY_ANOTHER = `(${isInAnother('email', 'email')} OR ${isInAnother('user_id', 'user_id')})`;
/** Leaves out the entries with the ids `:ids`. */
const IS_FRESH = 'NOT entry.id IN (SELECT value FROM json_each(:ids))';
const IS_NAMED_BY_ANOTHER = `(${isInAnother('named_email', 'email')} OR ${isInAnother('named_user_id', 'user_id')})`;

export function countMissing(
  statements: Statements,
  stream: number,
  snapshot: number,
): { upserted: number; enriched: number } {
  const select = statements.prepare(
    `SELECT origin, count(*) AS number FROM entry JOIN written ON written.id = entry.written
     WHERE ${IS_IN_RANGE} AND ${IS_ABSENT} GROUP BY origin`,
  );
  const counts = { upserted: 0, enriched: 0 };
  for (const range of idRanges(statements, stream)) {
    const rows = select.all({ ...range, stream, snapshot }) as { origin: string; number: number }[];
    for (const { origin, number } of rows) counts[origin === 'upsert' ? 'upserted' : 'enriched'] += number;
  }
  return counts;
}

/** Ranges of ids that together cover every entry of the stream: of few entries, few ids, since they mostly came together. */
function* idRanges(
  statements: Statements,
  stream: number,
): Generator<{ readonly first: number; readonly last: number }> {
  const ofStream = (value: string) =>
    statements.number(`SELECT ${value} AS number FROM entry WHERE stream = ?`, stream);
  if (ofStream('count(*)') === 0) return;
  const end = ofStream('max(id)');
  for (let first = ofStream('min(id)'); first <= end; first += RANGE_IDS)
    yield { first, last: Math.min(first + RANGE_IDS - 1, end) };
}

export function unseen(
  statements: Statements,
  {
    table,
    ...page
  }: {
    readonly stream: number;
    readonly snapshot: number;
    readonly after: string;
    readonly limit: number;
    readonly table: EntryTable;
  },
): HeldEntry[] {
  const rows = statements
    .prepare(
      `SELECT ${ENTRY_COLUMNS} FROM entry WHERE stream = :stream AND key > :after AND (doomed = 1 OR (${IS_ABSENT}))
       ORDER BY key LIMIT :limit`,
    )
    .all(page) as unknown as EntryRow[];
  return rows.map((row) => table.toEntry(row, row.key));
}

/** To be called within the transaction that also sets the states of the streams. */
export function decideDeletions(
  statements: Statements,
  project: number,
  snapshots: readonly ProvenSnapshot[],
): DecidedDeletions[] {
  const pendingBefore = new Map(snapshots.map(({ stream }) => [stream, pendingIds(statements, stream)]));
  const doom = statements.prepare(
    `UPDATE entry SET doomed = 1 WHERE ${IS_IN_RANGE} AND ${IS_ABSENT} AND doomed = 0`,
  );
  for (const { stream, snapshot } of snapshots)
    for (const range of idRanges(statements, stream)) doom.run({ ...range, stream, snapshot });
  // A user stays if another entry, not pending deletion, holds it; that is known only after all entries are marked.
  const decided = snapshots.map(({ stream }) => {
    const counts = countPending(statements, stream, project, pendingBefore.get(stream) ?? []);
    return { stream, ...counts, entries: counts.removed > 0 ? countEntries(statements, stream) : 0 };
  });
  // The next snapshot decides anew, and the guard with it.
  const spare = statements.prepare(
    `UPDATE entry SET doomed = 0 WHERE stream = :stream AND doomed = 1 AND ${IS_FRESH}
     AND NOT ${IS_HELD_BY_ANOTHER} AND ${IS_NAMED_BY_ANOTHER}`,
  );
  for (const { stream } of snapshots)
    spare.run({ stream, project, ids: JSON.stringify(pendingBefore.get(stream) ?? []) });
  return decided;
}

/** The number of entries of the stream that hold a user. */
export function countEntries(statements: Statements, stream: number): number {
  const all = statements.number('SELECT count(*) AS number FROM entry WHERE stream = ?', stream);
  const holdingNone = statements.number(
    `SELECT count(*) AS number FROM entry
     WHERE (named_email IS NOT NULL OR named_user_id IS NOT NULL) AND +stream = ? AND email IS NULL AND user_id IS NULL`,
    stream,
  );
  return all - holdingNone;
}

/** Few: those of earlier runs are carried out before more are decided, unless a rejected record names their users. */
function pendingIds(statements: Statements, stream: number): number[] {
  return statements
    .all<{ id: number }>('SELECT id FROM entry WHERE stream = ? AND doomed = 1', stream)
    .map(({ id }) => id);
}

/** Leaves out the entries with the ids `before`. */
function countPending(
  statements: Statements,
  stream: number,
  project: number,
  before: readonly number[],
): { removed: number; staying: number } {
  const ids = JSON.stringify(before);
  const [all] = statements
    .prepare(`SELECT count(*) AS number FROM entry WHERE stream = :stream AND doomed = 1 AND ${IS_FRESH}`)
    .all({ stream, ids }) as { number: number }[];
  const [row] = statements
    .prepare(
      `SELECT count(*) AS number FROM entry JOIN written ON written.id = entry.written
       WHERE stream = :stream AND doomed = 1 AND ${IS_FRESH} AND (origin = 'enrich' OR ${IS_HELD_BY_ANOTHER} OR ${IS_NAMED_BY_ANOTHER})`,
    )
    .all({ stream, project, ids }) as { number: number }[];
  const staying = row?.number ?? 0;
  return { removed: (all?.number ?? 0) - staying, staying };
}

export function nextPendingDeletions(
  statements: Statements,
  project: number,
  {
    streams,
    limit,
    table,
  }: { readonly streams: readonly number[]; readonly limit: number; readonly table: EntryTable },
): PendingDeletion[] {
  const rows: (EntryRow & { readonly held: number; readonly is_named: number })[] = [];
  const select = statements.prepare(
    `SELECT ${ENTRY_COLUMNS}, ${IS_HELD_BY_ANOTHER} AS held, ${IS_NAMED_BY_ANOTHER} AS is_named
     FROM entry WHERE stream = :stream AND doomed = 1 LIMIT :limit`,
  );
  for (const stream of streams) {
    const left = limit - rows.length;
    if (left <= 0) break;
    rows.push(...(select.all({ stream, project, limit: left }) as unknown as typeof rows));
  }
  return rows.map((row) => ({
    ...table.toEntry(row, row.key),
    heldBy: heldBy({ isHeld: row.held === 1, isNamed: row.is_named === 1 }),
  }));
}

/** To be called within a transaction. Returns the number of cancelled deletions. */
export function cancelDeletions(statements: Statements, streams: readonly number[]): number {
  let cancelled = 0;
  for (const stream of streams)
    cancelled += statements.exec(
      "UPDATE entry SET doomed = 0, values_hash = '' WHERE stream = ? AND doomed = 1",
      stream,
    );
  return cancelled;
}

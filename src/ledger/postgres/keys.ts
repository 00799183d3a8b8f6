/** Converts keys of an older version in the Postgres ledger. */
import type { PoolClient } from 'pg';
import { BY_VALUE, moveToKeysByValue, type KeyedEntry, type KeyTable } from '../keys.ts';
import type { LedgerStream } from '../ledger.ts';
import { MovedKeys } from '../old-keys.ts';
import { LAST_SEEN } from './presence.ts';
import type { WrittenTable } from './written.ts';
import { parseWritten } from '../written.ts';

/** The first version of the tables with the column `key_form` for each stream. */
const VERSION_OF_FORM = 2;
/** Matches keys with a text that may be a number, or with a number that has a point, an exponent, a minus zero or many digits. */
const MAY_BE_OLD = `key LIKE '[%' AND (
    key ~ '"-?[0-9][0-9.e+-]*"'
    OR key ~ '[[,:]-?[0-9]' AND (key ~ '[0-9][.eE]' OR key LIKE '%-0%' OR length(key) > 60)
  )`;

/** The ids of those streams whose keys may contain numbers in another notation. */
export async function streamsWithOldKeys(
  client: PoolClient,
  version: number,
  streams: readonly LedgerStream[],
): Promise<number[]> {
  const ids = streams.map(({ id }) => id);
  if (version < VERSION_OF_FORM) return ids;
  const { rows } = await client.query<{ id: number }>(
    'SELECT id FROM iterable_ledger_stream WHERE id = ANY($1::int[]) AND key_form < $2',
    [ids, BY_VALUE],
  );
  return rows.map(({ id }) => id);
}

/**
 * Makes the planner read pages by the index of keys until the transaction ends. It can only guess how many keys match the
 * pattern, and might scan the whole table for each page, which takes minutes.
 */
async function readByIndex(client: PoolClient): Promise<void> {
  for (const way of ['seqscan', 'bitmapscan', 'sort']) await client.query(`SET LOCAL enable_${way} TO off`);
}

/** How a sync would convert the keys of these streams. Uses the current transaction of the client. */
export async function movedKeys(
  client: PoolClient,
  streams: readonly number[],
): Promise<MovedKeys | undefined> {
  if (streams.length > 0) await readByIndex(client);
  return MovedKeys.of(streams, (stream) => readKeys(client, stream));
}

/** Converts the keys of these streams, within the current transaction of the client. */
export async function moveOldKeys(
  client: PoolClient,
  written: WrittenTable,
  streams: readonly number[],
): Promise<void> {
  await readByIndex(client);
  for (const stream of streams) await moveToKeysByValue(keyTable(client, written, stream));
  await client.query('UPDATE iterable_ledger_stream SET key_form = $1 WHERE id = ANY($2::int[])', [
    BY_VALUE,
    streams,
  ]);
}

function keyTable(client: PoolClient, table: WrittenTable, stream: number): KeyTable {
  return {
    ...readKeys(client, stream),
    move: async (moves) => {
      const texts = moves.map(({ written }) => written);
      const changed = texts.filter((text) => text !== undefined);
      const ids = await table.idsOf(client, changed.map(parseWritten));
      let next = 0;
      await client.query(
        `UPDATE iterable_ledger_entry AS entry SET key = move.fresh,
           values_hash = CASE WHEN move.in_doubt THEN '' ELSE values_hash END, written = COALESCE(move.written, entry.written)
         FROM unnest($2::text[], $3::text[], $4::boolean[], $5::int[]) AS move (old, fresh, in_doubt, written)
         WHERE entry.stream = $1 AND entry.key = move.old`,
        [
          stream,
          moves.map(({ from }) => from),
          moves.map(({ to }) => to),
          moves.map(({ clearsHash }) => clearsHash),
          texts.map((text) => (text === undefined ? null : ids[next++])),
        ],
      );
    },
    drop: async (keys) => {
      await client.query('DELETE FROM iterable_ledger_entry WHERE stream = $1 AND key = ANY($2::text[])', [
        stream,
        keys,
      ]);
    },
  };
}

/** The read operations on the keys of a stream. */
function readKeys(client: PoolClient, stream: number): Pick<KeyTable, 'next' | 'having'> {
  const read = async (condition: string, values: readonly unknown[]) => {
    const { rows } = await client.query<KeyedEntry>(
      `SELECT entry.id::float8 AS id, key, ${LAST_SEEN} AS seen, email, user_id AS "userId", doomed AS "isPendingDeletion",
         written.content AS written
       FROM iterable_ledger_entry AS entry JOIN iterable_ledger_written AS written ON written.id = entry.written
       WHERE stream = $1 AND ${condition}`,
      [stream, ...values],
    );
    return rows;
  };
  return {
    next: (after, limit) => read(`key > $2 AND ${MAY_BE_OLD} ORDER BY key LIMIT $3`, [after, limit]),
    having: (keys) => read('key = ANY($2::text[])', [keys]),
  };
}

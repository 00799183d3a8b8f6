/** Keys of an older version in the Postgres ledger. */
import type { PoolClient } from 'pg';
import { BY_VALUE, moveToKeysByValue, type KeyedEntry, type KeyTable } from './keys.ts';
import type { LedgerStream } from './ledger.ts';
import { MovedKeys } from './old-keys.ts';
import { LAST_SEEN } from './postgres-presence.ts';

/** The first version of the tables that says of each stream which form its keys have. */
const VERSION_OF_FORM = 2;
/** A text that may be a number, or a number with a point, an exponent, a minus zero, or many digits. */
const MAY_BE_OLD = `key LIKE '[%' AND (
    key ~ '"-?[0-9][0-9.e+-]*"'
    OR key ~ '[[,:]-?[0-9]' AND (key ~ '[0-9][.eE]' OR key LIKE '%-0%' OR length(key) > 60)
  )`;

/** Those of the streams whose keys may have numbers in another notation. */
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
 * Until the transaction ends, pages are read by the index of keys: how many keys a pattern matches the planner can only guess, and a page
 * that is looked for in the whole table takes minutes.
 */
async function readByIndex(client: PoolClient): Promise<void> {
  for (const way of ['seqscan', 'bitmapscan', 'sort']) await client.query(`SET LOCAL enable_${way} TO off`);
}

/** What a sync would make of the keys of these streams, within the transaction that the client is in. */
export async function movedKeys(
  client: PoolClient,
  streams: readonly number[],
): Promise<MovedKeys | undefined> {
  if (streams.length > 0) await readByIndex(client);
  return MovedKeys.of(streams, (stream) => keyTable(client, stream));
}

/** Moves the keys of these streams, within the transaction that the client is in. */
export async function moveOldKeys(client: PoolClient, streams: readonly number[]): Promise<void> {
  await readByIndex(client);
  for (const stream of streams) await moveToKeysByValue(keyTable(client, stream));
  await client.query('UPDATE iterable_ledger_stream SET key_form = $1 WHERE id = ANY($2::int[])', [
    BY_VALUE,
    streams,
  ]);
}

function keyTable(client: PoolClient, stream: number): KeyTable {
  const read = async (condition: string, values: readonly unknown[]) => {
    const { rows } = await client.query<KeyedEntry>(
      `SELECT entry.id::float8 AS id, key, ${LAST_SEEN} AS seen FROM iterable_ledger_entry AS entry WHERE stream = $1 AND ${condition}`,
      [stream, ...values],
    );
    return rows;
  };
  return {
    next: (after, limit) => read(`key > $2 AND ${MAY_BE_OLD} ORDER BY key LIMIT $3`, [after, limit]),
    having: (keys) => read('key = ANY($2::text[])', [keys]),
    move: async (moves) => {
      await client.query(
        `UPDATE iterable_ledger_entry AS entry SET key = move.fresh,
           values_hash = CASE WHEN move.in_doubt THEN '' ELSE values_hash END
         FROM unnest($2::text[], $3::text[], $4::boolean[]) AS move (old, fresh, in_doubt)
         WHERE entry.stream = $1 AND entry.key = move.old`,
        [
          stream,
          moves.map(({ from }) => from),
          moves.map(({ to }) => to),
          moves.map(({ isInDoubt }) => isInDoubt),
        ],
      );
    },
  };
}

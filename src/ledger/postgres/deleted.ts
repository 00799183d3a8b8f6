/** Who was deleted lately, in the Postgres ledger. */
import type { PoolClient } from 'pg';
import type { DeletedIdentity } from '../../model.ts';
import { DELETED_KEPT_MS, type Ledger } from '../ledger.ts';
import type { PostgresConnection } from './connection.ts';
import { storable } from './entries.ts';

/** To be called within a transaction. */
export async function noteDeleted(
  client: PoolClient,
  project: number,
  deleted: readonly DeletedIdentity[],
): Promise<void> {
  if (deleted.length === 0) return;
  await client.query('DELETE FROM iterable_ledger_deleted WHERE at < now() - make_interval(secs => $1)', [
    DELETED_KEPT_MS / 1000,
  ]);
  const byIdentity = new Map(deleted.map(({ identity, isNamed }) => [storable(identity), isNamed]));
  await client.query(
    `INSERT INTO iterable_ledger_deleted (project, identity, is_named)
     SELECT $1, * FROM unnest($2::text[], $3::boolean[])
     ON CONFLICT (project, identity) DO UPDATE SET is_named = excluded.is_named, at = now()`,
    [project, [...byIdentity.keys()], [...byIdentity.values()]],
  );
}

/** No deleted user has these identities any longer. To be called within a transaction. */
export async function noteFree(
  client: PoolClient,
  project: number,
  identities: readonly string[],
): Promise<void> {
  if (identities.length > 0)
    await client.query(
      'DELETE FROM iterable_ledger_deleted WHERE project = $1 AND identity = ANY($2::text[])',
      [project, identities.map(storable)],
    );
}

export async function recentlyDeleted(
  connection: PostgresConnection,
  project: number,
  ms: number,
): ReturnType<Ledger['recentlyDeleted']> {
  const rows = await connection.read<{ identity: string; is_named: boolean; ago: number }>(
    `SELECT identity, is_named, (extract(epoch FROM now() - at) * 1000)::float8 AS ago
     FROM ${connection.quotedSchema}.iterable_ledger_deleted
     WHERE project = $1 AND at > now() - make_interval(secs => $2) ORDER BY at`,
    [project, ms / 1000],
  );
  return rows.map(({ identity, is_named, ago }) => ({
    identity,
    isNamed: is_named,
    agoMs: Math.max(0, ago),
  }));
}

/** Checks that a sync could use the Postgres ledger: makes the same changes in a transaction that is rolled back. */
import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { LedgerOpening, LedgerUse } from '../ledger.ts';
import { PostgresConnection, type PostgresOptions, type RetryOptions } from './connection.ts';
import { lookUp } from './enrol.ts';
import { migrate } from './schema.ts';

/** Throws ConfigError or TransientError like opening it would. */
export async function checkPostgresLedger(
  options: PostgresOptions,
  opening: LedgerOpening,
  retry: RetryOptions,
): Promise<LedgerUse> {
  const connection = await PostgresConnection.create(options, retry);
  try {
    return await connection.dryRun(async (client) => {
      await migrate(client, connection.quotedSchema);
      await lookUp(client, opening);
      await writeAndDelete(client);
      const { rowCount } = await client.query(
        `SELECT 1 FROM iterable_ledger_stream JOIN iterable_ledger_project AS project ON project.id = project
         WHERE project.name = $1 AND scope = $2 AND claimed_until > now()`,
        [opening.project.name, opening.scope],
      );
      return rowCount === 0 ? 'free' : 'in use';
    });
  } finally {
    await connection.close();
  }
}

/** Uses separate rows in each table, so that no rows of other runs are locked. */
async function writeAndDelete(client: PoolClient): Promise<void> {
  const name = `check ${randomUUID()}`;
  await client.query(
    `WITH project AS (
       INSERT INTO iterable_ledger_project (name, data_center, project_type) VALUES ($1, '', '') RETURNING id
     ), stream AS (
       INSERT INTO iterable_ledger_stream (project, scope, namespace, name) SELECT id, '', '', '' FROM project RETURNING id
     ), written AS (
       INSERT INTO iterable_ledger_written (hash, content, origin) VALUES ($1, '', '') RETURNING id
     )
     INSERT INTO iterable_ledger_entry (stream, key, values_hash, written, seen)
     SELECT stream.id, '', '', written.id, 0 FROM stream, written`,
    [name],
  );
  const ownStream =
    'SELECT stream.id FROM iterable_ledger_stream AS stream JOIN iterable_ledger_project AS project ON project.id = project WHERE project.name = $1';
  await client.query(`UPDATE iterable_ledger_stream SET state = 's' WHERE id IN (${ownStream})`, [name]);
  await client.query(`UPDATE iterable_ledger_entry SET seen = 1 WHERE stream IN (${ownStream})`, [name]);
  await client.query(`DELETE FROM iterable_ledger_entry WHERE stream IN (${ownStream})`, [name]);
}

/** A run's project and streams in the Postgres ledger. */
import type { PoolClient } from 'pg';
import { missingStreams } from '../empty.ts';
import { streamText, toStream, type Enrolled, type StreamRow } from '../enrolled.ts';
import { BY_VALUE } from '../keys.ts';
import type { LedgerOpening } from '../ledger.ts';
import { refuseOtherProject } from '../project.ts';

/** Returns the ids of project and streams, and creates the missing ones. */
export async function enrol(client: PoolClient, opening: LedgerOpening): Promise<Enrolled> {
  const { project, scope, streams } = opening;
  await client.query(
    'INSERT INTO iterable_ledger_project (name, data_center, project_type) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
    [project.name, project.dataCenter, project.projectType],
  );
  const id = (await knownProject(client, opening)) ?? 0;
  await client.query(
    `INSERT INTO iterable_ledger_stream (project, scope, namespace, name, key_form)
     SELECT $1, $2, namespace, name, ${BY_VALUE} FROM unnest($3::text[], $4::text[]) AS own (namespace, name)
     ON CONFLICT DO NOTHING`,
    [id, scope, streams.map(({ namespace = '' }) => namespace), streams.map(({ name }) => name)],
  );
  return lookUp(client, opening);
}

/** Like {@link enrol}, but writes nothing: missing streams get ids that are not in use. */
export async function lookUp(client: PoolClient, opening: LedgerOpening): Promise<Enrolled> {
  const project = (await knownProject(client, opening)) ?? 0;
  const { rows } = await client.query<StreamRow>(
    'SELECT id, scope, namespace, name, state FROM iterable_ledger_stream WHERE project = $1 AND scope = $2',
    [project, opening.scope],
  );
  const known = new Map(rows.map(toStream).map((row) => [streamText(row.stream), row]));
  const own = missingStreams(opening).map((missing) => known.get(streamText(missing.stream)) ?? missing);
  return { project, own };
}

async function knownProject(client: PoolClient, { project }: LedgerOpening): Promise<number | undefined> {
  const { rows } = await client.query<{ id: number; data_center: string; project_type: string }>(
    'SELECT id, data_center, project_type FROM iterable_ledger_project WHERE name = $1',
    [project.name],
  );
  const [known] = rows;
  if (known) refuseOtherProject(project, { dataCenter: known.data_center, projectType: known.project_type });
  return known?.id;
}

/** A run's project and streams in the Postgres ledger, and its claims (exclusive leases) on the streams. */
import type { PoolClient } from 'pg';
import { TransientError } from '../../errors.ts';
import { missingStreams } from '../empty.ts';
import { toStream, type Enrolled, type StreamRow } from '../enrolled.ts';
import { BY_VALUE } from '../keys.ts';
import type { LedgerOpening, LedgerStream } from '../ledger.ts';
import { refuseOtherProject } from '../project.ts';

/** A claim expires after this time unless it is renewed, so a run that died loses its claims. By the database's clock. */
export const CLAIM_SECONDS = 45;

/** Returns the ids of project and streams, creates the missing ones, and claims the streams for this run. */
export async function enrol(client: PoolClient, opening: LedgerOpening, run: string): Promise<Enrolled> {
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
  const own: LedgerStream[] = [];
  // Claimed in the same order by all runs, so that no two can deadlock.
  const sorted = [...streams].sort((a, b) => (sortText(a) < sortText(b) ? -1 : 1));
  for (const { namespace = '', name } of sorted) {
    const { rows } = await client.query<StreamRow>(
      `UPDATE iterable_ledger_stream
       SET claimed_by = $5, claimed_until = now() + make_interval(secs => ${CLAIM_SECONDS})
       WHERE project = $1 AND scope = $2 AND namespace = $3 AND name = $4
         AND (claimed_by IS NULL OR claimed_by = $5 OR claimed_until < now())
       RETURNING id, scope, namespace, name, state`,
      [id, scope, namespace, name, run],
    );
    const [row] = rows;
    if (!row) {
      throw new TransientError(
        'ledger_busy',
        `Another run writes the stream ${name} in this ledger, and one at a time may. Run again when that one has ended; if it died, that is a minute later.`,
      );
    }
    own.push(toStream(row));
  }
  const inOrder = streams.map((stream) =>
    own.find(({ stream: found }) => sortText(found) === sortText(stream)),
  );
  return { project: id, own: inOrder.filter((stream) => stream !== undefined) };
}

/** Like {@link enrol}, but writes nothing: missing streams get ids that are not in use. */
export async function lookUp(client: PoolClient, opening: LedgerOpening): Promise<Enrolled> {
  const project = (await knownProject(client, opening)) ?? 0;
  const { rows } = await client.query<StreamRow>(
    'SELECT id, scope, namespace, name, state FROM iterable_ledger_stream WHERE project = $1 AND scope = $2',
    [project, opening.scope],
  );
  const known = rows.map(toStream);
  const own = missingStreams(opening).map(
    (missing) => known.find(({ stream }) => sortText(stream) === sortText(missing.stream)) ?? missing,
  );
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

function sortText({ namespace = '', name }: LedgerStream['stream']): string {
  return JSON.stringify([namespace, name]);
}

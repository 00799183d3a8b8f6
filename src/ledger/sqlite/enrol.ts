/** A run's project and streams in the SQLite ledger. */
import type { DatabaseSync } from 'node:sqlite';
import { missingStreams } from '../empty.ts';
import { toStream, type Enrolled, type StreamRow } from '../enrolled.ts';
import { BY_VALUE } from '../keys.ts';
import type { LedgerOpening, LedgerStream } from '../ledger.ts';
import { refuseOtherProject } from '../project.ts';

const SELECT_PROJECT = 'SELECT id, data_center, project_type FROM project WHERE name = ?';
const SELECT_STREAM =
  'SELECT id, scope, namespace, name, state FROM stream WHERE project = ? AND scope = ? AND namespace = ? AND name = ?';

interface ProjectRow {
  readonly id: number;
  readonly data_center: string;
  readonly project_type: string;
}

/** Returns the ids of project and streams; creates the missing ones. */
export function enrol(database: DatabaseSync, { project, scope, streams }: LedgerOpening): Enrolled {
  database.exec('BEGIN IMMEDIATE');
  try {
    database
      .prepare(
        'INSERT INTO project (name, data_center, project_type) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      )
      .run(project.name, project.dataCenter, project.projectType);
    const id = knownProject(database, project) ?? 0;
    const insert = database.prepare(
      `INSERT INTO stream (project, scope, namespace, name, key_form) VALUES (?, ?, ?, ?, ${BY_VALUE}) ON CONFLICT DO NOTHING`,
    );
    const select = database.prepare(SELECT_STREAM);
    const own = streams.map(({ namespace = '', name }) => {
      insert.run(id, scope, namespace, name);
      return toStream(select.get(id, scope, namespace, name) as unknown as StreamRow);
    });
    database.exec('COMMIT');
    return { project: id, own };
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** Like {@link enrol}, but creates nothing: missing streams get ids that are not in use. */
export function lookUp(database: DatabaseSync, opening: LedgerOpening): Enrolled {
  const { project, scope, streams } = opening;
  const id = knownProject(database, project) ?? 0;
  const select = database.prepare(SELECT_STREAM);
  const missing = missingStreams(opening);
  const own = streams.map(({ namespace = '', name }, index) => {
    const row = select.get(id, scope, namespace, name) as StreamRow | undefined;
    return row ? toStream(row) : (missing[index] as LedgerStream);
  });
  return { project: id, own };
}

function knownProject(database: DatabaseSync, project: LedgerOpening['project']): number | undefined {
  const known = database.prepare(SELECT_PROJECT).get(project.name) as ProjectRow | undefined;
  if (known) {
    refuseOtherProject(project, { dataCenter: known.data_center, projectType: known.project_type });
  }
  return known?.id;
}

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Names a folder in which the run's first Postgres server leaves its fresh data folder, for the others to copy. */
export default function namePostgresTemplate() {
  process.env.POSTGRES_TEMPLATE = mkdtempSync(path.join(tmpdir(), 'iterable-postgres-template-'));
}

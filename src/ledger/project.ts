/** Checks that the ledger belongs to the configured project, and to no newer version of the connector. */
import { ConfigError } from '../errors.ts';
import type { LedgerOpening } from './ledger.ts';

/** Throws ConfigError `ledger_project_mismatch` when the ledger has another project under the configured name. */
export function refuseOtherProject(
  { name, isNamed, dataCenter, projectType }: LedgerOpening['project'],
  known: { readonly dataCenter: string; readonly projectType: string },
): void {
  if (!isNamed) return;
  const problems: string[] = [];
  if (known.dataCenter !== dataCenter)
    problems.push(`data_center ${known.dataCenter}, and not ${dataCenter}`);
  if (known.projectType !== projectType)
    problems.push(`project_type ${known.projectType}, and not ${projectType}`);
  if (problems.length === 0) return;
  throw new ConfigError(
    [
      `ledger: the project ${name} is known in it with ${problems.join(' and ')}. Fix the configuration, or give this project a name of its own.`,
    ],
    { code: 'ledger_project_mismatch' },
  );
}

/** Throws ConfigError `ledger_too_new` when the tables have a newer version than this connector knows. */
export function refuseNewer(version: number, known: number): void {
  if (version <= known) return;
  throw new ConfigError(
    [
      `ledger: it was written by a newer version of this connector (its tables have version ${version}, this one knows ${known}). Use that version, or a ledger of its own.`,
    ],
    { code: 'ledger_too_new' },
  );
}

/** Checks that a sync could use the SQLite ledger, without changing anything. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { TransientError } from '../../errors.ts';
import type { LedgerOpening, LedgerUse } from '../ledger.ts';
import { explain, loadSqlite } from './open.ts';

/** Throws ConfigError or TransientError like opening it would. Creates no file. */
export async function checkSqliteLedger(path: string, opening: LedgerOpening): Promise<LedgerUse> {
  // Loaded explicitly, because without a file the rest of the check does not need it.
  await loadSqlite();
  try {
    await refuseUnwritable(path);
  } catch (error) {
    throw explain(path, error);
  }
  const { openSqliteLedger } = await import('./ledger.ts');
  try {
    await (await openSqliteLedger({ path }, { ...opening, access: 'read' })).close();
    return 'free';
  } catch (error) {
    if (error instanceof TransientError && error.code === 'ledger_busy') return 'in use';
    throw error;
  }
}

/** Checks the folder as well: SQLite creates temporary files beside its own. */
async function refuseUnwritable(path: string): Promise<void> {
  await access(dirname(resolve(path)), constants.W_OK | constants.X_OK);
  try {
    if ((await stat(path)).isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
    await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

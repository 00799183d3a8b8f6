/** Proves that a sync could use the SQLite ledger, and leaves everything as it was. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { TransientError } from '../../errors.ts';
import type { LedgerOpening, LedgerUse } from '../ledger.ts';
import { explain, loadSqlite } from './open.ts';

/** Throws ConfigError or TransientError like opening it would. Creates no file. */
export async function checkSqliteLedger(path: string, opening: LedgerOpening): Promise<LedgerUse> {
  // Where there is no file yet, nothing else would need it.
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

/** SQLite writes files beside its own while it works. */
async function refuseUnwritable(path: string): Promise<void> {
  await access(dirname(resolve(path)), constants.W_OK | constants.X_OK);
  try {
    if ((await stat(path)).isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
    await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

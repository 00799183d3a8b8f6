/** Who was deleted lately, in the SQLite ledger. */
import type { DeletedIdentity } from '../../model.ts';
import { DELETED_KEPT_MS, type Ledger } from '../ledger.ts';
import type { Statements } from './statements.ts';

/** To be called within a transaction. */
export function noteDeleted(
  statements: Statements,
  project: number,
  deleted: readonly DeletedIdentity[],
): void {
  if (deleted.length === 0) return;
  const now = Date.now();
  statements.exec('DELETE FROM deleted WHERE at < ?', now - DELETED_KEPT_MS);
  for (const { identity, isNamed } of deleted)
    statements.exec(
      'INSERT OR REPLACE INTO deleted VALUES (?, ?, ?, ?)',
      project,
      identity,
      isNamed ? 1 : 0,
      now,
    );
}

/** No deleted user has these identities any longer. To be called within a transaction. */
export function noteFree(statements: Statements, project: number, identities: readonly string[]): void {
  for (const identity of identities)
    statements.exec('DELETE FROM deleted WHERE project = ? AND identity = ?', project, identity);
}

export function recentlyDeleted(
  statements: Statements,
  project: number,
  ms: number,
): Awaited<ReturnType<Ledger['recentlyDeleted']>> {
  const now = Date.now();
  return statements
    .all<{ identity: string; is_named: number; at: number }>(
      'SELECT identity, is_named, at FROM deleted WHERE project = ? AND at > ? ORDER BY at, rowid',
      project,
      now - ms,
    )
    .map(({ identity, is_named, at }) => ({
      identity,
      isNamed: is_named === 1,
      agoMs: Math.max(0, now - at),
    }));
}

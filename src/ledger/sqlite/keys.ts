/** Converts keys of an older version in the SQLite ledger. */
import { BY_VALUE, moveToKeysByValue, type KeyedEntry, type KeyTable } from '../keys.ts';
import type { LedgerStream } from '../ledger.ts';
import type { EntryTable } from './entries.ts';
import { jsonTexts, type Statements } from './statements.ts';
import { parseWritten } from '../written.ts';

/** The first version of the tables with the column `key_form` for each stream. */
const VERSION_OF_FORM = 2;
/**
 * Matches keys with a text that may be a number, or with a number that has a point, an exponent, a minus zero or many digits.
 * Keys of rows without a primary key begin with other characters.
 */
const MAY_BE_OLD = `key < '\\' AND (
    key GLOB '*"[-0-9]*' AND key GLOB '*[0-9]"*'
    OR key GLOB '*[[,:][-0-9]*' AND (key GLOB '*[0-9][.eE]*' OR key GLOB '*-0*' OR length(key) > 60)
  )`;

const COLUMNS =
  'entry.id AS id, key, seen, email, user_id AS userId, doomed AS isPendingDeletion, written.content AS written';

type KeyedRow = Omit<KeyedEntry, 'isPendingDeletion'> & { readonly isPendingDeletion: number };

/** The ids of those streams whose keys may contain numbers in another notation. */
export function streamsWithOldKeys(
  statements: Statements,
  version: number,
  streams: readonly LedgerStream[],
): number[] {
  const ids = streams.map(({ id }) => id);
  if (version < VERSION_OF_FORM) return ids;
  const select = statements.prepare('SELECT key_form FROM stream WHERE id = ?');
  return ids.filter((id) => {
    const row = select.get(id) as { key_form: number } | undefined;
    return row !== undefined && row.key_form < BY_VALUE;
  });
}

/** Converts the keys of these streams, each stream in one transaction. */
export async function moveOldKeys(
  statements: Statements,
  entries: EntryTable,
  streams: readonly number[],
): Promise<void> {
  for (const stream of streams) {
    statements.database.exec('BEGIN IMMEDIATE');
    try {
      await moveToKeysByValue(keyTable(statements, entries, stream));
      statements.exec('UPDATE stream SET key_form = ? WHERE id = ?', BY_VALUE, stream);
      statements.database.exec('COMMIT');
    } catch (error) {
      if (statements.database.isTransaction) statements.database.exec('ROLLBACK');
      throw error;
    }
  }
}

export function keyTable(statements: Statements, entries: EntryTable, stream: number): KeyTable {
  const read = (sql: string, ...values: (string | number)[]) =>
    statements.all<KeyedRow>(sql, ...values).map(({ isPendingDeletion, ...row }): KeyedEntry => ({
      ...row,
      seen: entries.presence.seenOf(stream, row.id, row.seen),
      isPendingDeletion: isPendingDeletion === 1,
    }));
  return {
    next: (after, limit) =>
      statements.run(() =>
        read(
          `SELECT ${COLUMNS} FROM entry JOIN written ON written.id = entry.written
           WHERE stream = ? AND key > ? AND ${MAY_BE_OLD} ORDER BY key LIMIT ?`,
          stream,
          // A separate condition on '[' would make SQLite start each page there.
          after === '' ? '[' : after,
          limit,
        ),
      ),
    having: (keys) =>
      statements.run(() =>
        read(
          `SELECT ${COLUMNS} FROM (SELECT DISTINCT value FROM json_each(?)) AS wanted
           CROSS JOIN entry ON entry.stream = ? AND entry.key = wanted.value
           JOIN written ON written.id = entry.written`,
          jsonTexts(keys),
          stream,
        ),
      ),
    move: (moves) =>
      statements.run(() => {
        for (const { from, to, clearsHash, written } of moves) {
          statements.exec(
            `UPDATE entry SET key = ?, values_hash = ${clearsHash ? "''" : 'values_hash'} WHERE stream = ? AND key = ?`,
            to,
            stream,
            from,
          );
          if (written !== undefined)
            statements.exec(
              'UPDATE entry SET written = ? WHERE stream = ? AND key = ?',
              entries.written.idOf(parseWritten(written)),
              stream,
              to,
            );
        }
      }),
    drop: (keys) =>
      statements.run(() => {
        for (const key of keys)
          statements.exec('DELETE FROM entry WHERE stream = ? AND key = ?', stream, key);
      }),
  };
}

import { DatabaseSync } from 'node:sqlite';
import { expect, it } from '@jest/globals';
import { countMissing, decideDeletions } from '../../../src/ledger/sqlite/absence.ts';
import { EntryTable } from '../../../src/ledger/sqlite/entries.ts';
import { migrate } from '../../../src/ledger/sqlite/schema.ts';
import { Statements } from '../../../src/ledger/sqlite/statements.ts';

const USERS = 1;
const OTHERS = 2;

/** A ledger of two streams. There are large gaps between the ids, as after years of insertions and deletions. */
function aLedger(...entries: { stream: number; key: string; origin?: 'upsert' | 'enrich' }[]) {
  const database = new DatabaseSync(':memory:');
  migrate(database);
  database.exec(`INSERT INTO project VALUES (1, 'p', 'US', 'hybrid');
    INSERT INTO stream (id, project, scope, namespace, name) VALUES (1, 1, '', '', 'users'), (2, 1, '', '', 'others')`);
  const statements = new Statements(database, (error) => error as Error);
  const table = new EntryTable(statements);
  for (const { stream, key, origin = 'upsert' } of entries) {
    const entry = {
      stream,
      key,
      origin,
      valuesHash: 'h',
      targets: [],
      lists: new Map<string, boolean>(),
      seen: 1,
    };
    table.change({ entries: [entry] });
    database.exec("UPDATE sqlite_sequence SET seq = seq + 70000 WHERE name = 'entry'");
  }
  return { statements, table };
}

it('finds the missing rows of the stream alone, however large the gaps between their ids', () => {
  const { statements, table } = aLedger(
    { stream: USERS, key: 'a' },
    { stream: OTHERS, key: 'b' },
    { stream: USERS, key: 'c' },
    { stream: USERS, key: 'd', origin: 'enrich' },
    { stream: USERS, key: 'e' },
  );
  table.change({ present: [{ stream: USERS, snapshot: 2, rows: [{ key: 'c' }] }] });
  expect(countMissing(statements, USERS, 2)).toEqual({ upserted: 2, enriched: 1 });
  expect(decideDeletions(statements, 1, [{ stream: USERS, snapshot: 2, state: '' }])).toEqual([
    { stream: USERS, removed: 2, staying: 1, entries: 4 },
  ]);
  const isPendingDeletion = [...table.find(USERS, ['a', 'c', 'd', 'e']).values()].map((entry) => [
    entry.key,
    entry.isPendingDeletion,
  ]);
  expect(Object.fromEntries(isPendingDeletion)).toEqual({ a: true, c: false, d: true, e: true });
  expect(table.find(OTHERS, ['b']).get('b')?.isPendingDeletion).toBe(false);
});

it('finds no rows in a ledger without entries', () => {
  expect(countMissing(aLedger().statements, USERS, 2)).toEqual({ upserted: 0, enriched: 0 });
});

/** A sync of 2,000 streams with a ledger. */
import { expect, it } from '@jest/globals';
import type { Harness } from '../support/harness.ts';
import { describeLedgers } from '../support/ledgers.ts';
import { aCatalog, aRecord, aState, aStatus, aStream } from '../support/messages.ts';
import { withSyncs } from '../support/syncs.ts';

const NAMES = Array.from({ length: 2_000 }, (_, index) => `stream_${index}`);
const MAPPINGS = ['email', 'plan', 'city'].map((field) => ({ source: field, target: field }));
const FULL = { syncMode: 'full_refresh', destinationSyncMode: 'overwrite' };

type Row = Record<string, unknown>;

/** Two users of each stream. */
const rowsOf = (index: number): Row[] =>
  [1, 2].map((id) => ({ id, email: `user${id}.${index}@x.com`, plan: 'free', city: 'Rome' }));

/** Runs one sync; gives the numbers of users in bulk calls, and of deletions. */
async function sync(
  harness: Harness,
  config: Row,
  options: { readonly rows: (index: number) => readonly Row[]; readonly isFull?: boolean },
): Promise<{ readonly sent: number; readonly deletions: number }> {
  const before = harness.standin.requests.length;
  const result = await harness.writeInProcess(
    [
      ...NAMES.flatMap((stream, index) => [
        ...options.rows(index).map((row) => aRecord(row, { stream })),
        aState(index, stream),
      ]),
      ...NAMES.map((name) => aStatus('COMPLETE', name)),
    ],
    {
      config,
      catalog: aCatalog(
        ...NAMES.map((name) =>
          aStream({ name, primaryKey: [['id']], ...(options.isFull === true ? FULL : {}) }),
        ),
      ),
    },
  );
  expect(result.errors).toEqual([]);
  expect(result.states).toHaveLength(NAMES.length);
  const requests = harness.standin.requests.slice(before);
  const bulk = requests.filter(({ path }) => path.endsWith('/bulkUpdate'));
  return {
    sent: bulk.reduce((sum, { users }) => sum + users, 0),
    deletions: requests.filter(({ method }) => method === 'DELETE').length,
  };
}

describeLedgers('thousands of streams', (backend) => {
  it(
    'are sent once, then what changed of them, and lose whom their snapshots lack',
    () =>
      withSyncs(backend, {}, async ({ harness }) => {
        const config = { ledger: backend.option(harness), mappings: MAPPINGS, max_removals_percent: 100 };
        expect(await sync(harness, config, { rows: rowsOf })).toEqual({
          sent: 2 * NAMES.length,
          deletions: 0,
        });
        const changed = (index: number) =>
          rowsOf(index).map((row) => (index === 7 || index === 1_999 ? { ...row, plan: 'pro' } : row));
        expect(await sync(harness, config, { rows: changed })).toEqual({ sent: 4, deletions: 0 });
        const isPro = harness.standin.store.users().filter(({ dataFields }) => dataFields.plan === 'pro');
        expect(isPro.map(({ email }) => email).sort()).toEqual(
          ['user1.1999', 'user1.7', 'user2.1999', 'user2.7'].map((name) => `${name}@x.com`),
        );
        const last = await sync(harness, config, {
          rows: (index) => changed(index).slice(0, index === 42 ? 1 : 2),
          isFull: true,
        });
        expect(last).toEqual({ sent: 0, deletions: 1 });
        expect(harness.standin.store.size).toBe(2 * NAMES.length - 1);
      }),
    120_000,
  );
});

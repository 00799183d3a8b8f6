/** Who is held, and so stays, where several records of one row, a change of the primary key or shared ids make that hard to tell. */
import { describe, expect, it } from '@jest/globals';
import { describeLedgers } from '../support/ledgers.ts';
import { aCatalog, aStream, type StreamOptions } from '../support/messages.ts';
import { withSyncs, type SyncOptions, type Syncs } from '../support/syncs.ts';

const OVERWRITE = { syncMode: 'full_refresh', destinationSyncMode: 'overwrite' };
const BY_USER_ID = {
  identify_by: 'user_id',
  deletion_column: 'gone',
  max_removals_percent: 100,
  mappings: [
    { source: 'email', target: 'email' },
    { source: 'uid', target: 'userId' },
    { source: 'n', target: 'n', type: 'long' },
  ],
};

const of = (stream: StreamOptions): SyncOptions => ({
  catalog: aCatalog(aStream({ primaryKey: [['id']], ...stream })),
  status: 'COMPLETE',
});
const incremental = of({});
const full = of(OVERWRITE);
const userIds = (syncs: Syncs) =>
  syncs.harness.standin.store
    .users()
    .map(({ userId }) => userId)
    .sort();

const emails = (syncs: Syncs) =>
  syncs.harness.standin.store
    .users()
    .map(({ email }) => email)
    .sort();

describeLedgers('users who are held, with a ledger', (backend) => {
  const play = (test: (syncs: Syncs) => Promise<void>, config = {}) =>
    withSyncs(backend, { ...BY_USER_ID, ...config }, test);

  describe('a record is rejected while an earlier one of its row is on its way', () => {
    it('the user whom the row stood for stays, if the rejected record names it', () =>
      play(async (syncs) => {
        await syncs.sync([{ id: 1, uid: 'u1', n: 1 }], full);
        await syncs.sync(
          [
            { id: 1, uid: 'u2', n: 1 },
            { id: 1, uid: 'u1', n: 'no number' },
          ],
          full,
        );
        expect(userIds(syncs)).toEqual(['u1', 'u2']);
      }));

    it.each([
      ['writes its user', { n: 2 }, ['u1', 'u2']],
      ['removes its user', { gone: true }, ['u2']],
    ])('a missing user whom it names stays: the earlier record %s', (_, change, left) =>
      play(async (syncs) => {
        await syncs.sync(
          [
            { id: 1, uid: 'u1', n: 1 },
            { id: 2, uid: 'u2', n: 1 },
          ],
          full,
        );
        await syncs.sync(
          [
            { id: 1, uid: 'u1', ...change },
            { id: 1, uid: 'u2', n: 'no number' },
          ],
          full,
        );
        expect(userIds(syncs)).toEqual(left);
      }),
    );

    it('a missing user whom it names goes, if a later record of the row is delivered', () =>
      play(async (syncs) => {
        await syncs.sync(
          [
            { id: 1, uid: 'u1', n: 1 },
            { id: 2, uid: 'u2', n: 1 },
          ],
          full,
        );
        await syncs.sync(
          [
            { id: 1, uid: 'u1', n: 2 },
            { id: 1, uid: 'u2', n: 'no number' },
            { id: 1, uid: 'u1', n: 3 },
          ],
          full,
        );
        expect(userIds(syncs)).toEqual(['u1']);
      }));
  });

  describe('another primary key, whose numbers the one before had, too', () => {
    const byAccount = of({ primaryKey: [['account']] });

    it.each([
      ['without a user', {}],
      ['of another user', { uid: 'u2' }],
    ])('a deletion record %s leaves the user of the earlier key', (_, more) =>
      play(async (syncs) => {
        await syncs.sync([{ id: 7, account: 1, uid: 'u1', n: 1 }], incremental);
        await syncs.sync([{ account: 7, gone: true, ...more }], byAccount);
        expect(userIds(syncs)).toEqual(['u1']);
      }),
    );

    it('another address moves no profile', () =>
      play(
        async (syncs) => {
          await syncs.sync([{ id: 7, account: 1, email: 'a@x.com', uid: 'u1', n: 1 }], incremental);
          const plan = await syncs.plan([{ account: 7, email: 'b@x.com', n: 2 }], byAccount);
          await syncs.sync([{ account: 7, email: 'b@x.com', n: 2 }], byAccount);
          expect(emails(syncs)).toEqual(['a@x.com', 'b@x.com']);
          expect(plan.text).not.toContain('previously');
          // Nor does the row hold the other user by its id: with its own row that one goes.
          await syncs.sync([{ account: 1, uid: 'u1', email: 'a@x.com', n: 1 }], byAccount);
          await syncs.sync([{ account: 1, gone: true }], byAccount);
          expect(emails(syncs)).toEqual(['b@x.com']);
        },
        { identify_by: 'email' },
      ));
  });
});

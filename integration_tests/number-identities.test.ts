/** A number that identifies a user or a row is the same in every notation: 7000, 7000.0, 7E+3. */
import { describe, expect, it } from '@jest/globals';
import { withHarness } from './support/harness.ts';
import { describeLedgers } from './support/ledgers.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';
import { withSyncs } from './support/syncs.ts';

const GONE = { _ab_cdc_deleted_at: '2026-01-01' };
const BY_USER_ID = {
  identify_by: 'user_id',
  mappings: [
    { source: 'id', target: 'userId' },
    { source: 'name', target: 'name' },
  ],
};

/** A record line with the id in this notation. */
function row(id: string, data: Record<string, unknown> = {}): string {
  return aRecord({ id: 0, ...data }).replace('"id":0', `"id":${id}`);
}

describe.each(['hybrid', 'email', 'user_id'] as const)('on a project of type %s', (projectType) => {
  const idsIn = (users: readonly { readonly userId?: string }[]) => users.map(({ userId }) => userId).sort();

  it('all notations of an id are one user, in one sync and in several; text is not converted', () =>
    withHarness({ projectType }, async (harness) => {
      const { store } = harness.standin;
      const lines = [row('7000', { name: 'a' }), row('7000.0', { name: 'b' }), row('7E+3', { name: 'c' })];
      await harness.write([...lines, aState(1)], { config: BY_USER_ID });
      expect(store.users()).toMatchObject([{ userId: '7000', dataFields: { name: 'c' } }]);
      for (const line of lines) await harness.writeInProcess([line, aState(1)], { config: BY_USER_ID });
      expect(idsIn(store.users())).toEqual(['7000']);
      const texts = [row('"7000"'), row('"7000.0"'), row('"07000"'), row('9007199254740993'), row('1.50')];
      await harness.writeInProcess([...texts, aState(1)], { config: BY_USER_ID });
      expect(idsIn(store.users())).toEqual(['07000', '1.5', '7000', '7000.0', '9007199254740993']);
    }));

  it('a deletion finds the user by any notation', () =>
    withHarness({ projectType }, async (harness) => {
      await harness.writeInProcess([row('7000'), row('7001'), aState(1)], { config: BY_USER_ID });
      const result = await harness.writeInProcess([row('7000.0', GONE), aState(1)], { config: BY_USER_ID });
      expect(result.errors).toEqual([]);
      expect(idsIn(harness.standin.store.users())).toEqual(['7001']);
    }));
});

it('a primary key in another notation is the same row when an address changes', () =>
  withHarness({}, async (harness) => {
    harness.addUser({ email: 'a@x.com' }, { old: 'yes' });
    await harness.writeInProcess(
      [
        row('1', { email: 'a@x.com' }),
        row('1.0', { email: 'b@x.com', was: 'a@x.com' }),
        row('"1"', { email: 'c@x.com', was: 'b@x.com' }),
        aState(1),
      ],
      {
        catalog: aCatalog(aStream({ primaryKey: [['id']] })),
        config: { previous_email_column: 'was', mappings: [{ source: 'email', target: 'email' }] },
      },
    );
    expect(harness.standin.store.users()).toEqual([{ email: 'c@x.com', dataFields: { old: 'yes' } }]);
  }));

describeLedgers('with a ledger', (backend) => {
  const catalog = aCatalog(
    aStream({ primaryKey: [['id']], syncMode: 'full_refresh', destinationSyncMode: 'overwrite' }),
  );
  const snapshot = { catalog, status: 'COMPLETE' };

  it.each([
    ['of users by their id', BY_USER_ID],
    ['of users by their address', { mappings: [{ source: 'email', target: 'email' }] }],
  ])('a snapshot in another notation removes no users and sends nothing: %s', (_title, config) =>
    withSyncs(backend, { ...config, max_removals_percent: 100 }, async (syncs) => {
      const rows = (write: (id: number) => string) =>
        [7000, 7001, 7002].map((id) => row(write(id), { email: `${id}@x.com`, name: 'n' }));
      await syncs.sync(rows(String), snapshot);
      const before = syncs.users;
      for (const write of [
        (id: number) => `${id}.0`,
        (id: number) => `${id / 1000}E+3`,
        (id: number) => `"${id}"`,
      ]) {
        const { plan } = await syncs.plan(rows(write), snapshot);
        expect(plan.streams[0]).toMatchObject({ unchanged: 3, removed_by_absence: 0 });
        expect((await syncs.sync(rows(write), snapshot)).calls).toEqual([]);
      }
      expect(syncs.users).toEqual(before);
      // A deletion by the primary key alone.
      await syncs.sync([row('7001.00', GONE)]);
      expect(Object.keys(syncs.users)).toHaveLength(2);
    }),
  );
});

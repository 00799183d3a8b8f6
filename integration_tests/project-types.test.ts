import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { withHarness } from './support/harness.ts';
import { aRecord, aState } from './support/messages.ts';
import { summaryLine } from './support/summary-line.ts';

describe('project types', () => {
  it('hybrid, by email: the user id is sent like any other field', () =>
    withHarness({}, async (harness) => {
      await harness.write(aRecord({ email: 'a@x.com', userId: 7 }));
      expect(harness.standin.store.users()).toEqual([{ email: 'a@x.com', userId: '7', dataFields: {} }]);
    }));

  it('hybrid, by user id: the address is sent in the data fields', () =>
    withHarness({}, async (harness) => {
      const config = { identify_by: 'user_id' };
      await harness.writeInProcess(aRecord({ email: 'a@x.com', userId: 'Seven '.trim() }), { config });
      await harness.writeInProcess(aRecord({ email: 'new@x.com', userId: 'Seven' }), { config });
      expect(harness.standin.store.users()).toEqual([
        { email: 'new@x.com', userId: 'Seven', dataFields: {} },
      ]);
    }));

  it('email, by user id: unknown ids become users with a placeholder address', () =>
    withHarness({ projectType: 'email' }, async (harness) => {
      await harness.writeInProcess(aRecord({ userId: 'u1', n: 1 }), { config: { identify_by: 'user_id' } });
      expect(harness.standin.store.users()).toEqual([
        { email: 'u1@placeholder.email', userId: 'u1', dataFields: { n: 1 } },
      ]);
    }));

  it('user_id: identify_by may be left out', () =>
    withHarness({ projectType: 'user_id' }, async (harness) => {
      await harness.writeInProcess(aRecord({ userId: 'u1', email: 'a@x.com' }), {
        config: { identify_by: null },
      });
      expect(harness.standin.store.users()).toEqual([{ email: 'a@x.com', userId: 'u1', dataFields: {} }]);
    }));
});

const DELETED = { _ab_cdc_deleted_at: '2026-01-01' };

describe('flagged deletions', () => {
  it('remove by address, percent-encoded, also users that were never exported', () =>
    withHarness({}, async (harness) => {
      const address = 'a+b/c%d?e#f@x.com';
      await harness.writeInProcess(aRecord({ email: address }) + aRecord({ email: 'b@x.com' }));
      const result = await harness.writeInProcess(
        aRecord({ email: address, ...DELETED }) + aRecord({ email: 'nobody@x.com', ...DELETED }) + aState(1),
      );
      expect(result.exitCode).toBe(0);
      expect(harness.standin.store.users().map(({ email }) => email)).toEqual(['b@x.com']);
      expect(result.states).toHaveLength(1);
      expect(result.logs).toContain(summaryLine('users', { received: 2, removed: 1, notThere: 1 }));
    }));

  it.each([
    null,
    false,
    0,
    '',
    ' 0 ',
    '0.0',
    'FALSE',
    'n',
    'None',
    '0000-00-00 00:00:00',
    '9999-12-31T00:00:00Z',
  ])('don’t include a record with %j in the deletion column', (flag) =>
    withHarness({}, async (harness) => {
      await harness.writeInProcess(aRecord({ email: 'a@x.com', gone: flag }), {
        config: { deletion_column: 'gone' },
      });
      expect(harness.standin.store.users()).toEqual([{ email: 'a@x.com', dataFields: {} }]);
    }),
  );

  it('an ambiguous value in the deletion column rejects its record, and deletes no user', () =>
    withHarness({}, async (harness) => {
      harness.addUser({ email: 'a@x.com' });
      const config = {
        deletion_column: 'status',
        rejected_records: { type: 'file', path: harness.files.path('rejected') },
      };
      const values = ['active', '2026-02-30', ['yes'], { yes: true }];
      const result = await harness.writeInProcess(
        [...values.map((status) => aRecord({ email: 'a@x.com', status })), aState(1)],
        { config },
      );
      expect(result.states[0]).toContain('"rejectedRecordCount":4.0');
      expect(harness.standin.store.users()).toEqual([{ email: 'a@x.com', dataFields: {} }]);
      const rejected = readFileSync(harness.files.path('rejected'), 'utf8').trimEnd().split('\n');
      expect(rejected.map((line) => JSON.parse(line) as unknown)).toMatchObject(
        values.map(() => ({
          code: 'wrong_type',
          field: 'status',
          reason: expect.stringContaining(
            'expected a value that marks a deletion (true, a number other than 0',
          ),
        })),
      );
      expect(
        rejected
          .join('')
          .match(/"reason":"[^"]*"/g)
          ?.join(''),
      ).not.toContain('active');
    }));

  it('are skipped and counted in mode additive', () =>
    withHarness({}, async (harness) => {
      await harness.writeInProcess(aRecord({ email: 'a@x.com' }));
      const result = await harness.writeInProcess(aRecord({ email: 'a@x.com', ...DELETED }) + aState(1), {
        config: { sync_mode: 'additive' },
      });
      expect(harness.standin.store.size).toBe(1);
      expect(result.states[0]).toContain('"destinationStats":{"recordCount":1.0}');
      expect(result.logs).toContain(
        summaryLine('users', { received: 1, skipped: { removal_not_allowed: 1 } }),
      );
    }));

  it('need only the identifier; without it the record is rejected', () =>
    withHarness({}, async (harness) => {
      await harness.writeInProcess(
        aRecord({ email: 'a@x.com', userId: '1' }) + aRecord({ email: 'b@x.com', userId: '2' }),
      );
      const result = await harness.writeInProcess(
        aRecord({ userId: '2', ...DELETED }) + aRecord({ n: 1, ...DELETED }) + aState(1),
      );
      expect(harness.standin.store.users().map(({ userId }) => userId)).toEqual(['1']);
      expect(result.states[0]).toContain('"destinationStats":{"recordCount":1.0,"rejectedRecordCount":1.0}');
    }));

  it('hybrid: the identifier decides, since the other identity may belong to another user', () =>
    withHarness({}, async (harness) => {
      await harness.writeInProcess(
        aRecord({ email: 'old@x.com', userId: '7' }) + aRecord({ email: 'new@x.com', userId: '8' }),
      );
      await harness.writeInProcess(aRecord({ email: 'new@x.com', userId: '7', ...DELETED }), {
        config: { identify_by: 'user_id' },
      });
      expect(harness.standin.store.users().map(({ userId }) => userId)).toEqual(['8']);
      // This user exists and is not deleted, so nothing waits for it.
      const both =
        aRecord({ email: 'new@x.com', userId: '7', ...DELETED }) +
        aRecord({ email: 'new@x.com', userId: '8', n: 1 });
      expect((await harness.writeInProcess(both, { config: { identify_by: 'user_id' } })).exitCode).toBe(0);
      expect(harness.standin.store.userByUserId('8')?.dataFields).toEqual({ n: 1 });
      await harness.writeInProcess(aRecord({ email: 'new@x.com', userId: '9', ...DELETED }), {
        config: { identify_by: 'email' },
      });
      expect(harness.standin.store.users()).toEqual([]);
    }));

  it('email project: a user id alone is looked up, and the user is deleted by address', () =>
    withHarness({ projectType: 'email' }, async (harness) => {
      await harness.writeInProcess(aRecord({ email: 'a@x.com', userId: '1' }));
      const result = await harness.writeInProcess(
        aRecord({ userId: '1', ...DELETED }) + aRecord({ userId: 'nobody', ...DELETED }),
      );
      expect(harness.standin.store.size).toBe(0);
      expect(harness.standin.calls('/users/a%40x.com').map(({ method }) => method)).toEqual(['DELETE']);
      expect(result.logs).toContain(
        summaryLine('users', { received: 2, removed: 1, rejected: { ambiguous_user_id: 1 } }),
      );
    }));

  it('email project: a shared user id alone deletes no user; several deletions share one export', () =>
    withHarness({ projectType: 'email' }, async (harness) => {
      for (const [email, userId] of Object.entries({ a: '1', b: '1', c: '2', d: '3' }))
        harness.addUser({ email: `${email}@x.com` }, { userId });
      // A child process: with the accelerated clock of this one, an export is soon too old to be shared.
      const result = await harness.write(['1', '2', '3'].map((userId) => aRecord({ userId, ...DELETED })));
      expect(harness.standin.store.users().map(({ email }) => email)).toEqual(['a@x.com', 'b@x.com']);
      expect(result.logs).toContain(
        summaryLine('users', { received: 3, removed: 2, rejected: { ambiguous_user_id: 1 } }),
      );
      expect(harness.standin.calls('/export/data.json')).toHaveLength(1);
    }));

  it('user_id project: delete by user id; an unknown id is not a failure', () =>
    withHarness({ projectType: 'user_id', unknownUserIdStatus: 404 }, async (harness) => {
      const result = await harness.writeInProcess(aRecord({ userId: 'u/1', ...DELETED }) + aState(1));
      expect(result.exitCode).toBe(0);
      expect(result.states).toHaveLength(1);
    }));

  it('a record for a user that was deleted before waits until Iterable no longer shows the user', () =>
    withHarness({ lookUpsUntilGone: 3 }, async (harness) => {
      await harness.writeInProcess(aRecord({ email: 'a@x.com', old: 1 }));
      const result = await harness.writeInProcess(
        aRecord({ email: 'a@x.com', n: 0 }) +
          aRecord({ email: 'a@x.com', ...DELETED }) +
          aRecord({ email: 'a@x.com', n: 2 }) +
          aState(1),
      );
      expect(result.errors).toEqual([]);
      expect(harness.standin.store.users()).toEqual([{ email: 'a@x.com', dataFields: { n: 2 } }]);
      // One look-up before the deletion, and those that poll for its end.
      expect(harness.standin.calls('/getByEmail').length).toBe(1 + 4);
      expect(result.logs).toContain(
        summaryLine('users', { received: 3, delivered: 1, removed: 1, superseded: 1 }),
      );
    }));
});

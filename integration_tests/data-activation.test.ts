import { describe, expect, it } from '@jest/globals';
import { withHarness } from './support/harness.ts';
import { aCatalog, aRecord, aState, aStream, type StreamOptions } from './support/messages.ts';

const keyedBy = (key: string, options: StreamOptions = {}) =>
  aStream({ destinationObjectName: 'users', primaryKey: [[key]], ...options });

const DELETED = { _ab_cdc_deleted_at: '2026-01-01' };

describe('a stream with the destination object users', () => {
  it('uses Iterable’s field names: mappings don’t apply, and columns of other options are not sent as fields', () =>
    withHarness({ fields: { age: 'long' } }, async (harness) => {
      const result = await harness.write(
        aRecord({
          email: 'a@x.com',
          firstName: 'Ada',
          age: '36',
          home: { city: 'Rome' },
          vip: true,
          _ab_cdc_lsn: 1,
        }) + aState(1),
        {
          catalog: aCatalog(keyedBy('email')),
          config: {
            mappings: [
              { source: 'address', target: 'email' },
              { source: 'firstName', target: 'nickname', stream: 'users' },
            ],
            lists: [{ kind: 'flag', source: 'vip', list: 'VIP' }],
          },
        },
      );
      expect(result.errors).toEqual([]);
      expect(harness.standin.store.users()).toEqual([
        { email: 'a@x.com', dataFields: { firstName: 'Ada', age: 36, home: { city: 'Rome' } } },
      ]);
      expect(harness.standin.store.listsOf({ email: 'a@x.com' })).toHaveLength(1);
      expect(result.states).toHaveLength(1);
      expect(result.logs.some((log) => log.includes('WARN Stream users: its mappings do not apply'))).toBe(
        true,
      );
    }));

  it('works beside other streams, to which the mappings apply as usual', () =>
    withHarness({}, async (harness) => {
      const catalog = aCatalog(keyedBy('email'), aStream({ name: 'leads' }));
      const config = { mappings: [{ source: 'address', target: 'email', stream: 'leads' }] };
      const result = await harness.writeInProcess(
        aRecord({ email: 'a@x.com', address: 'Via Roma' }) +
          aRecord({ address: 'b@x.com', email: 'c@x.com' }, { stream: 'leads' }),
        { catalog, config },
      );
      expect(result.exitCode).toBe(0);
      expect(harness.standin.store.users()).toEqual([
        { email: 'a@x.com', dataFields: { address: 'Via Roma' } },
        { email: 'b@x.com', dataFields: {} },
      ]);
      expect(result.logs.filter((log) => log.includes('do not apply'))).toEqual([]);
    }));

  it('supports full replacement and append as without data activation', () =>
    withHarness({}, async (harness) => {
      for (const destinationSyncMode of ['overwrite', 'append']) {
        const catalog = aCatalog(keyedBy('email', { destinationSyncMode, syncMode: 'full_refresh' }));
        const result = await harness.writeInProcess(aRecord({ email: `${destinationSyncMode}@x.com` }), {
          catalog,
        });
        expect(result.exitCode).toBe(0);
      }
      expect(harness.standin.store.size).toBe(2);
    }));
});

describe('its primary key decides which field identifies users', () => {
  it('hybrid: userId, whatever identify_by says; also for deletions', () =>
    withHarness({}, async (harness) => {
      const options = { catalog: aCatalog(keyedBy('userId')) };
      await harness.writeInProcess(
        aRecord({ userId: '7', email: 'old@x.com' }) + aRecord({ userId: '8', email: 'new@x.com' }),
        options,
      );
      // The record has the address of one user and the id of another: the one with the id is deleted.
      const result = await harness.writeInProcess(
        aRecord({ userId: '7', email: 'new@x.com', ...DELETED }),
        options,
      );
      expect(result.errors).toEqual([]);
      expect(harness.standin.store.users()).toEqual([{ email: 'new@x.com', userId: '8', dataFields: {} }]);
    }));

  it('hybrid: email, although the configuration says user_id', () =>
    withHarness({}, async (harness) => {
      const options = { catalog: aCatalog(keyedBy('email')), config: { identify_by: 'user_id' } };
      await harness.writeInProcess(
        aRecord({ email: 'a@x.com', userId: '1' }) + aRecord({ email: 'b@x.com', userId: '2' }),
        options,
      );
      await harness.writeInProcess(aRecord({ email: 'a@x.com', userId: '2', ...DELETED }), options);
      expect(harness.standin.store.users()).toEqual([{ email: 'b@x.com', userId: '2', dataFields: {} }]);
    }));

  it('two streams of one sync may be identified differently', () =>
    withHarness({}, async (harness) => {
      const catalog = aCatalog(keyedBy('userId', { name: 'ids' }), aStream({ name: 'addresses' }));
      const result = await harness.writeInProcess(
        aRecord({ userId: '7', n: 1 }, { stream: 'ids' }) +
          aRecord({ email: 'a@x.com', n: 2 }, { stream: 'addresses' }),
        { catalog },
      );
      expect(result.logs.some((log) => log.includes('Stream ids: 1 received, 1 delivered'))).toBe(true);
      expect(result.logs.some((log) => log.includes('Stream addresses: 1 received, 1 delivered'))).toBe(true);
      expect(harness.standin.store.userByUserId('7')?.dataFields).toEqual({ n: 1 });
      expect(harness.standin.store.userByEmail('a@x.com')?.dataFields).toEqual({ n: 2 });
    }));

  it('email project: with userId, unknown ids become users with a placeholder address; not so with email', () =>
    withHarness({ projectType: 'email' }, async (harness) => {
      const lists = { lists: [{ kind: 'all', list: 'All' }] };
      await harness.writeInProcess(aRecord({ userId: 'u1', n: 1 }), {
        catalog: aCatalog(keyedBy('userId')),
        config: lists,
      });
      await harness.writeInProcess(aRecord({ email: 'a@x.com', n: 2 }), {
        catalog: aCatalog(keyedBy('email')),
        config: { identify_by: 'user_id' },
      });
      expect(harness.standin.store.users()).toEqual([
        { email: 'u1@placeholder.email', userId: 'u1', dataFields: { n: 1 } },
        { email: 'a@x.com', dataFields: { n: 2 } },
      ]);
      expect(harness.standin.store.listsOf({ email: 'u1@placeholder.email' })).toHaveLength(1);
    }));

  it('user_id project: userId works', () =>
    withHarness({ projectType: 'user_id' }, async (harness) => {
      const record = aRecord({ userId: 'u1', email: 'a@x.com' });
      expect((await harness.writeInProcess(record, { catalog: aCatalog(keyedBy('userId')) })).exitCode).toBe(
        0,
      );
      expect(harness.standin.store.users()).toEqual([{ email: 'a@x.com', userId: 'u1', dataFields: {} }]);
    }));

  it('with another key, the configuration decides', () =>
    withHarness({}, async (harness) => {
      const catalog = aCatalog(keyedBy('id'));
      await harness.writeInProcess(aRecord({ id: 5, userId: '7', email: 'a@x.com' }), {
        catalog,
        config: { identify_by: 'user_id' },
      });
      expect(harness.standin.store.users()).toEqual([
        { email: 'a@x.com', userId: '7', dataFields: { id: 5 } },
      ]);
    }));

  it('a record without the key is rejected with a reason that names the key', () =>
    withHarness({}, async (harness) => {
      const result = await harness.writeInProcess(aRecord({ email: 'a@x.com' }), {
        catalog: aCatalog(keyedBy('userId')),
      });
      expect(result.logs.some((log) => log.includes('1 rejected (missing_identifier 1)'))).toBe(true);
      expect(harness.standin.store.size).toBe(0);
    }));
});

describe('an impossible setup is a config_error before anything is sent', () => {
  it('names both problems: an unknown destination object, and a key that can’t identify users in the project', () =>
    withHarness({ projectType: 'user_id' }, async (harness) => {
      const catalog = aCatalog(
        keyedBy('userId', { name: 'a', destinationObjectName: 'companies' }),
        keyedBy('email', { name: 'b' }),
      );
      const result = await harness.writeInProcess(aRecord({ userId: 'u1' }, { stream: 'a' }), { catalog });
      expect(result.exitCode).toBe(1);
      expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
      expect(result.errors[0]?.message).toContain('Stream a: there is no destination object companies');
      expect(result.errors[0]?.message).toContain("Stream b: the primary key email can't identify people");
      expect(harness.standin.calls('/users/bulkUpdate')).toEqual([]);
    }));
});

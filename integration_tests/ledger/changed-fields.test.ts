/** Of a changed row only the changed fields are sent, together with what identifies the user. */
import { expect, it } from '@jest/globals';
import { describeLedgers } from '../support/ledgers.ts';
import { aCatalog, aRecord, aStream } from '../support/messages.ts';
import { withSyncs, type SyncOptions, type Syncs } from '../support/syncs.ts';

type Data = Record<string, unknown>;

/** A user as a call carries it. */
interface Sent {
  readonly email?: string;
  readonly userId?: string;
  readonly dataFields: Data;
}

const BY_ID = aCatalog(aStream({ primaryKey: [['id']] }));
const KEYLESS = aCatalog(aStream({ primaryKey: [] }));
const map = (...names: string[]) => names.map((name) => ({ source: name, target: name }));
const row = (more: Data = {}): Data => ({ id: 1, email: 'a@x.com', plan: 'gold', city: 'Rome', ...more });

describeLedgers('changed fields', (backend) => {
  const play = (test: (syncs: Syncs) => Promise<void>, config: Data = {}, standin = {}) =>
    withSyncs(backend, { mappings: map('email', 'plan', 'city', 'address'), ...config }, test, standin);

  /** The users that the calls of a sync carry, in order. */
  const sentBy = async (syncs: Syncs, rows: readonly (Data | string)[], options?: SyncOptions) => {
    const { standin } = syncs.harness;
    const sent: Sent[] = [];
    standin.intercept = ({ path }) => {
      if (path.endsWith('bulkUpdate'))
        sent.push(...(JSON.parse(standin.lastBody) as { users: Sent[] }).users);
      else if (path.endsWith('users/update')) sent.push(JSON.parse(standin.lastBody) as Sent);
      return undefined;
    };
    await syncs.sync(rows, options);
    standin.intercept = undefined;
    return sent;
  };
  const fieldsSentBy = async (...given: Parameters<typeof sentBy>) =>
    (await sentBy(...given)).map(({ dataFields }) => dataFields);

  it('are sent with what identifies the user, and nothing else', () =>
    play(async (syncs) => {
      await syncs.sync([row()]);
      expect(await sentBy(syncs, [row({ plan: 'free' })])).toEqual([
        { email: 'a@x.com', mergeNestedObjects: true, dataFields: { plan: 'free' } },
      ]);
      expect(await sentBy(syncs, [row({ plan: 'free' })])).toEqual([]);
      // Back again is a change as well.
      expect(await fieldsSentBy(syncs, [row()])).toEqual([{ plan: 'gold' }]);
      expect(syncs.users).toEqual({ 'a@x.com': { plan: 'gold', city: 'Rome' } });
    }));

  it('are those of every field where no mapping is configured', () =>
    play(
      async (syncs) => {
        await syncs.sync([row({ n: 5 })]);
        expect(await fieldsSentBy(syncs, [row({ n: '5.0', city: 'Bari' })])).toEqual([{ city: 'Bari' }]);
      },
      { mappings: [] },
    ));

  it('are those that became null, and those that came to be', () =>
    play(async (syncs) => {
      await syncs.sync([row()]);
      expect(await fieldsSentBy(syncs, [row({ city: null })])).toEqual([{ city: null }]);
      expect(await fieldsSentBy(syncs, [row({ city: 'Rome' })])).toEqual([{ city: 'Rome' }]);
    }));

  it('do not include a field that a record lacked in between', () =>
    play(async (syncs) => {
      await syncs.sync([row()]);
      const { city, ...without } = row({ plan: 'free' });
      expect(await fieldsSentBy(syncs, [without])).toEqual([{ plan: 'free' }]);
      expect(await fieldsSentBy(syncs, [{ ...without, city }])).toEqual([]);
      expect(await fieldsSentBy(syncs, [{ ...without, city: 'Bari' }])).toEqual([{ city: 'Bari' }]);
    }));

  it('include one that was not mapped in between: Iterable may have been given another value', () =>
    play(async (syncs) => {
      await syncs.sync([row()]);
      const other = { mappings: [...map('email', 'plan'), { source: 'town', target: 'city', stream: 'b' }] };
      expect(await fieldsSentBy(syncs, [row({ plan: 'free' })], { config: other })).toEqual([
        { plan: 'free' },
      ]);
      expect(await fieldsSentBy(syncs, [row({ plan: 'free' })])).toEqual([{ city: 'Rome' }]);
    }));

  it('are the direct children of an object where objects are merged', () =>
    play(async (syncs) => {
      const at = (address: Data) => row({ address });
      await syncs.sync([at({ zip: 1, geo: { lat: 1, lon: 2 }, street: 'A' })]);
      expect(await fieldsSentBy(syncs, [at({ zip: 2, geo: { lat: 1, lon: 3 }, street: 'A' })])).toEqual([
        { address: { zip: 2, geo: { lat: 1, lon: 3 } } },
      ]);
      // Iterable keeps what is no longer named: nothing is to be sent, now or later.
      expect(await fieldsSentBy(syncs, [at({ zip: 2, street: 'A' })])).toEqual([]);
      expect(await fieldsSentBy(syncs, [at({ zip: 2, street: 'A' })])).toEqual([]);
      expect(syncs.users['a@x.com']).toMatchObject({
        address: { zip: 2, geo: { lat: 1, lon: 3 }, street: 'A' },
      });
    }));

  it('are whole objects where objects are replaced', () =>
    play(
      async (syncs) => {
        await syncs.sync([row({ address: { zip: 1, street: 'A' } })]);
        expect(await fieldsSentBy(syncs, [row({ address: { zip: 2, street: 'A' } })])).toEqual([
          { address: { zip: 2, street: 'A' } },
        ]);
      },
      { merge_nested_objects: false },
    ));

  it('go with all that lies deeper in the same child', () =>
    play(
      async (syncs) => {
        const at = (lat: number, lon: number, zip: number) => row({ lat, lon, zip });
        await syncs.sync([at(1, 2, 3)]);
        expect(await fieldsSentBy(syncs, [at(1, 5, 3)])).toEqual([{ address: { geo: { lat: 1, lon: 5 } } }]);
        expect(await fieldsSentBy(syncs, [at(1, 5, 4)])).toEqual([{ address: { zip: 4 } }]);
      },
      {
        mappings: [
          ...map('email', 'plan'),
          { source: 'lat', target: 'address.geo.lat' },
          { source: 'lon', target: 'address.geo.lon' },
          { source: 'zip', target: 'address.zip' },
        ],
      },
    ));

  it('come with the fields that no mapping names any longer', () =>
    play(async (syncs) => {
      await syncs.sync([row()]);
      const config = { mappings: map('email', 'plan') };
      expect(await fieldsSentBy(syncs, [row({ plan: 'free' })], { config })).toEqual([
        { plan: 'free', city: null },
      ]);
      expect(await fieldsSentBy(syncs, [row({ plan: 'free' })], { config })).toEqual([]);
      expect(await fieldsSentBy(syncs, [row({ plan: 'free' })])).toEqual([{ city: 'Rome' }]);
    }));

  it('are those of several records, merged', () =>
    play(async (syncs) => {
      await syncs.sync([row()]);
      expect(await fieldsSentBy(syncs, [row({ plan: 'free', city: 'Bari' }), row({ plan: 'free' })])).toEqual(
        [{ plan: 'free' }],
      );
    }));

  it('are not those of a user whom Iterable refused', () =>
    play(async (syncs) => {
      await syncs.sync([row()]);
      syncs.harness.standin.store.forgotten.add('a@x.com');
      await syncs.run([row({ plan: 'free' }), row({ id: 2, email: 'b@x.com' })]);
      syncs.harness.standin.store.forgotten.clear();
      expect(await fieldsSentBy(syncs, [row({ plan: 'free' })])).toEqual([{ plan: 'free' }]);
    }));

  it('are all fields, if the option is off, and the plan names the changed ones all the same', () =>
    play(async (syncs) => {
      const config = { changed_fields_only: false };
      await syncs.sync([row()], { config });
      const { plan } = await syncs.plan([row({ plan: 'free' })], { config });
      expect(plan.streams[0]).toMatchObject({
        changed: 1,
        changed_fields: { plan: 1 },
        changed_sent_whole: 0,
      });
      expect(await fieldsSentBy(syncs, [row({ plan: 'free' })], { config })).toEqual([
        { plan: 'free', city: 'Rome' },
      ]);
      // The hashes are kept, for when it is on.
      expect(await fieldsSentBy(syncs, [row({ plan: 'gold' })])).toEqual([{ plan: 'gold' }]);
    }));

  it.each([
    ['becomes another user', { email: 'b@x.com' }, KEYLESS],
    ['gets another address', { email: 'b@x.com' }, BY_ID],
  ])('are all fields of a row that %s', (_name, change, catalog) =>
    play(async (syncs) => {
      await syncs.sync([row()], { catalog });
      expect(await fieldsSentBy(syncs, [row(change)], { catalog })).toMatchObject([
        { plan: 'gold', city: 'Rome' },
      ]);
    }),
  );

  it('are all fields with resend_unchanged', () =>
    play(async (syncs) => {
      await syncs.sync([row()]);
      const config = { resend_unchanged: true };
      expect(await fieldsSentBy(syncs, [row()], { config })).toEqual([{ plan: 'gold', city: 'Rome' }]);
    }));

  it('are all fields of a row whose last call is unconfirmed', () =>
    play(async (syncs) => {
      await syncs.sync([row()]);
      await backend.query(syncs.harness, (table) => `UPDATE ${table('entry')} SET values_hash = ''`);
      expect(await fieldsSentBy(syncs, [row()])).toEqual([{ plan: 'gold', city: 'Rome' }]);
    }));

  it('are all fields of a row without hashes of its fields', () =>
    play(async (syncs) => {
      await syncs.sync([row()]);
      await backend.query(syncs.harness, (table) => `UPDATE ${table('entry')} SET field_hashes = NULL`);
      expect(await fieldsSentBy(syncs, [row()])).toEqual([]);
      const { plan } = await syncs.plan([row({ plan: 'free' })]);
      expect(plan.streams[0]).toMatchObject({ changed: 1, changed_fields: {}, changed_sent_whole: 1 });
      expect(await fieldsSentBy(syncs, [row({ plan: 'free' })])).toEqual([{ plan: 'free', city: 'Rome' }]);
      expect(await fieldsSentBy(syncs, [row({ plan: 'gold' })])).toEqual([{ plan: 'gold' }]);
    }));

  it('are sent again with the next change of the row, if Iterable dropped them', () =>
    play(
      async (syncs) => {
        syncs.harness.standin.store.fields.types.set('plan', 'string');
        const config = { create_new_fields: false };
        await syncs.sync([row()], { config });
        expect(await fieldsSentBy(syncs, [row()], { config })).toEqual([]);
        // List calls alone send no field, so they make none remembered.
        expect(await fieldsSentBy(syncs, [row({ vip: true })], { config })).toEqual([]);
        syncs.harness.standin.store.fields.types.set('city', 'string');
        expect(await fieldsSentBy(syncs, [row({ plan: 'free' })], { config })).toEqual([
          { plan: 'free', city: 'Rome' },
        ]);
        expect(await fieldsSentBy(syncs, [row({ plan: 'gold' })], { config })).toEqual([{ plan: 'gold' }]);
      },
      { lists: [{ kind: 'flag', source: 'vip', list: 'VIP' }] },
    ));

  it('are found by user id, with a new address among them', () =>
    play(
      async (syncs) => {
        const user = (more: Data) => ({ ...row(more), userId: 'u1' });
        await syncs.sync([user({})]);
        expect(await sentBy(syncs, [user({ email: 'b@x.com' })])).toEqual([
          { userId: 'u1', mergeNestedObjects: true, dataFields: { email: 'b@x.com' } },
        ]);
        expect(await fieldsSentBy(syncs, [user({ email: 'b@x.com', plan: 'free' })])).toEqual([
          { plan: 'free' },
        ]);
      },
      { identify_by: 'user_id', mappings: map('userId', 'email', 'plan', 'city') },
    ));

  it('are counted field by field in the plan', () =>
    play(async (syncs) => {
      const rows = (more: readonly Data[]) =>
        more.map((each, index) => row({ id: index, email: `${index}@x.com`, ...each }));
      await syncs.sync(rows([{}, {}, {}, {}]));
      const { plan } = await syncs.plan(
        rows([{ plan: 'free' }, { plan: 'free', city: 'Bari' }, {}, { address: { zip: 1 } }]),
        { isProcess: true },
      );
      expect(plan.streams[0]).toMatchObject({
        changed: 3,
        changed_fields: { 'address.zip': 1, city: 1, plan: 2 },
        changed_sent_whole: 0,
        examples: {
          changed: [{ fields: ['plan'] }, { fields: ['plan', 'city'] }, { fields: ['address.zip'] }],
        },
      });
      expect(plan.unknown.join()).not.toContain('hash');
    }));

  it('do not make a user removable who was only enriched, and is not written', () =>
    play(
      async (syncs) => {
        syncs.harness.addUser({ email: 'a@x.com' });
        const stream = { primaryKey: [['id']], syncMode: 'full_refresh' as const };
        const enriching = aCatalog(aStream({ ...stream, destinationSyncMode: 'update' }));
        const mirror = {
          catalog: aCatalog(aStream({ ...stream, destinationSyncMode: 'overwrite' })),
          status: 'COMPLETE',
        };
        await syncs.sync([row()], { catalog: enriching });
        const less = { id: 1, email: 'a@x.com', plan: 'gold' };
        const other = row({ id: 2, email: 'b@x.com' });
        // First it lacks a column, then its lists change: nothing of the user itself is written.
        expect(await fieldsSentBy(syncs, [less, other], mirror)).toHaveLength(1);
        expect(await fieldsSentBy(syncs, [{ ...less, vip: true }, other], mirror)).toEqual([]);
        await syncs.sync([other], mirror);
        expect(Object.keys(syncs.users).sort()).toEqual(['a@x.com', 'b@x.com']);
      },
      { lists: [{ kind: 'flag', source: 'vip', list: 'VIP' }], max_removals_percent: 100 },
    ));

  it('in another order of nested keys are no change', () =>
    play(async (syncs) => {
      await syncs.sync([row({ address: { zip: 1, geo: { lat: 1, lon: 2 }, all: [{ a: 1, b: 2 }] } })]);
      const turned = row({ address: { all: [{ b: 2, a: 1 }], geo: { lon: 2.0, lat: 1 }, zip: 1 } });
      expect((await syncs.sync([turned])).calls).toEqual([]);
      expect((await syncs.sync([aRecord(turned)])).calls).toEqual([]);
    }));

  it('do not make a target null that the mappings have for a stream of another sync', () =>
    play(async (syncs) => {
      await syncs.sync([row()]);
      // From now on `city` comes from the stream `places`, which is not in this catalog, and not in the ledger yet.
      const mappings = [...map('email', 'plan'), { source: 'city', target: 'city', stream: 'places' }];
      expect(await fieldsSentBy(syncs, [row()], { config: { mappings } })).toEqual([]);
      expect(await fieldsSentBy(syncs, [row({ plan: 'free' })], { config: { mappings } })).toEqual([
        { plan: 'free' },
      ]);
      expect(syncs.users['a@x.com']).toEqual({ plan: 'free', city: 'Rome' });
    }));
});

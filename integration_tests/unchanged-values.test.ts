/** Some sources send a mark in place of a large value that did not change. The mark never overwrites the value in Iterable. */
import { describe, expect, it } from '@jest/globals';
import { withHarness, type Harness } from './support/harness.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';

const MARK = '__debezium_unavailable_value';
const BASE64 = Buffer.from(MARK).toString('base64');

const fieldsOf = ({ standin }: Harness, email = 'a@x.com') => standin.store.userByEmail(email)?.dataFields;

describe('a value that the source marks as unchanged', () => {
  const good = { bio: 'long', photo: 'AAEC', tags: ['a'], plan: { name: 'gold', note: 'long' }, n: 1 };
  const marked = { bio: MARK, photo: BASE64, tags: [MARK], plan: { name: 'silver', note: MARK }, n: 2 };

  it.each([
    ['without mappings', {}],
    [
      'with mappings',
      {
        mappings: [
          ...['email', 'bio', 'photo', 'tags', 'n'].map((name) => ({ source: name, target: name })),
          { source: 'plan.name', target: 'plan.name' },
          { source: 'plan.note', target: 'plan.note' },
        ],
      },
    ],
  ])('does not change its field, also for leaves of objects: %s', (_name, config) =>
    withHarness({}, async (harness) => {
      await harness.writeInProcess(aRecord({ email: 'a@x.com', ...good }), { config });
      const result = await harness.writeInProcess(aRecord({ email: 'a@x.com', ...marked }) + aState(1), {
        config,
      });
      expect(result.states[0]).toContain('"destinationStats":{"recordCount":1.0}');
      expect(fieldsOf(harness)).toEqual({ ...good, plan: { name: 'silver', note: 'long' }, n: 2 });
      expect(harness.standin.lastBody).not.toContain(MARK);
    }),
  );

  it('does not determine the type of a new field, and fits a field of any type', () =>
    withHarness({ fields: { age: 'long' } }, async (harness) => {
      const result = await harness.writeInProcess(
        aRecord({ email: 'a@x.com', age: MARK, fresh: MARK }) +
          aRecord({ email: 'b@x.com', age: 3, fresh: 7 }),
      );
      expect(result.logs.filter((log) => log.startsWith('WARN'))).toEqual([]);
      expect(fieldsOf(harness)).toEqual({});
      expect(fieldsOf(harness, 'b@x.com')).toEqual({ age: 3, fresh: 7 });
      expect(harness.standin.store.fields.types.get('fresh')).toBe('long');
    }));

  it('in the column of an object does not change its leaves', () =>
    withHarness({}, async (harness) => {
      const config = {
        mappings: [
          { source: 'email', target: 'email' },
          { source: 'profile.city', target: 'home' },
        ],
      };
      await harness.writeInProcess(aRecord({ email: 'a@x.com', profile: { city: 'Rome' } }), { config });
      for (const profile of [MARK, [MARK], { [MARK]: MARK }]) {
        const result = await harness.writeInProcess(aRecord({ email: 'a@x.com', profile }), { config });
        expect(result.errors).toEqual([]);
      }
      expect(fieldsOf(harness)).toEqual({ home: 'Rome' });
    }));

  it('in a column of list rules changes no membership', () =>
    withHarness({}, async (harness) => {
      const config = {
        lists: [
          { kind: 'names', source: 'segments' },
          { kind: 'flag', source: 'vip', list: 'VIP' },
        ],
        ledger: { type: 'sqlite', path: harness.files.path('ledger.sqlite') },
      };
      const write = (data: Record<string, unknown>) =>
        harness.writeInProcess(aRecord({ email: 'a@x.com', ...data }), { config });
      await write({ n: 1, segments: ['Gold'], vip: true });
      await write({ n: 2, segments: [MARK], vip: MARK });
      await write({ n: 3, segments: MARK, vip: MARK });
      await write({ n: 4, segments: `["${MARK}"]`, vip: MARK });
      expect(harness.standin.members('Gold')).toEqual(['a@x.com']);
      expect(harness.standin.members('VIP')).toEqual(['a@x.com']);
      expect(harness.standin.lists.all().map(({ name }) => name)).toEqual(['Gold', 'VIP']);
      expect(fieldsOf(harness)).toEqual({ n: 4 });
    }));

  it('is ignored in the deletion column and in the previous-address column', () =>
    withHarness({}, async (harness) => {
      harness.addUser({ email: 'old@x.com' });
      const config = { previous_email_column: 'old_email' };
      const result = await harness.writeInProcess(
        aRecord({ email: 'a@x.com', _ab_cdc_deleted_at: MARK, old_email: MARK, n: 1 }) + aState(1),
        { config },
      );
      expect(result.states[0]).toContain('"destinationStats":{"recordCount":1.0}');
      expect(harness.standin.store.users().map(({ email }) => email)).toEqual(['old@x.com', 'a@x.com']);
    }));

  it('in an identifying column counts as an absent column', () =>
    withHarness({}, async (harness) => {
      const result = await harness.writeInProcess(
        aRecord({ email: MARK, n: 1 }) + aRecord({ email: 'a@x.com', userId: MARK, n: 2 }) + aState(1),
      );
      expect(result.states[0]).toContain('"recordCount":1.0,"rejectedRecordCount":1.0');
      expect(result.logs.join('\n')).toContain('line 1 (stream users): missing_identifier');
      expect(harness.standin.store.users()).toEqual([{ email: 'a@x.com', dataFields: { n: 2 } }]);
    }));

  it('in the primary key counts as an absent key: rows with it are not confused', () =>
    withHarness({}, async (harness) => {
      const options = {
        config: { ledger: { type: 'sqlite', path: harness.files.path('ledger.sqlite') } },
        catalog: aCatalog(aStream({ primaryKey: [['id']] })),
      };
      await harness.writeInProcess(
        aRecord({ id: MARK, email: 'a@x.com', n: 1 }) + aRecord({ id: MARK, email: 'b@x.com', n: 1 }),
        options,
      );
      // If they counted as one row, the second record would have changed the address of the first profile.
      expect(harness.standin.store.users()).toEqual([
        { email: 'a@x.com', dataFields: { n: 1 } },
        { email: 'b@x.com', dataFields: { n: 1 } },
      ]);
    }));
});

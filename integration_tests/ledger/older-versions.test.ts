/** A ledger whose entries have neither conditions nor hashes of fields is carried over in place, and nothing is sent again because of it. */
import { expect, it } from '@jest/globals';
import type { TargetValues } from '../../src/model.ts';
import { describeLedgers } from '../support/ledgers.ts';
import { aCatalog, aStream } from '../support/messages.ts';
import { OLD_PLACE, writeOldLedger } from '../support/old-ledger.ts';
import { withSyncs, type Syncs } from '../support/syncs.ts';

const ADDRESS = { zip: 1, geo: { lon: 2, lat: 1 } };
const ROWS: Record<string, unknown>[] = [1, 2, 3].map((id) => ({
  id,
  email: `u${id}@x.com`,
  name: `n${id}`,
  address: ADDRESS,
}));
const ENTRIES = ROWS.map(({ id, email, name, address }) => ({
  key: `[${String(id)}]`,
  email: String(email),
  values: { name, address } as TargetValues,
}));

describeLedgers('a ledger of an older version', (backend) => {
  const play = (
    version: 1 | 2,
    test: (syncs: Syncs, options: { config: Record<string, unknown> }) => Promise<void>,
    generation?: number,
  ) =>
    withSyncs(
      backend,
      { mappings: ['email', 'name', 'address'].map((name) => ({ source: name, target: name })) },
      async (syncs) => {
        await writeOldLedger(backend, syncs.harness, ENTRIES, {
          version,
          ...(generation === undefined ? {} : { generation }),
        });
        for (const { email, values } of ENTRIES)
          syncs.harness.addUser({ email }, values as Record<string, string>);
        await test(syncs, { config: { ledger: backend.option(syncs.harness, OLD_PLACE) } });
      },
    );
  const changed = (name: string) => [{ ...ROWS[0], name }, ...ROWS.slice(1)];
  const bodyOf = ({ harness: { standin } }: Syncs) => JSON.parse(standin.lastBody) as unknown;

  it.each<[1 | 2]>([[1], [2]])('(%i) sends nothing again, and what changed as a whole once', (version) =>
    play(version, async (syncs, options) => {
      // A plan reads the older tables as they are.
      expect((await syncs.plan(ROWS, options)).plan.streams[0]).toMatchObject({ unchanged: 3 });
      expect((await syncs.plan(changed('A'), options)).plan.streams[0]).toMatchObject({
        changed: 1,
        changed_fields: {},
        changed_sent_whole: 1,
      });
      expect((await syncs.sync(ROWS, options)).calls).toEqual([]);
      expect((await syncs.sync(changed('A'), options)).calls).toEqual(['bulkUpdate']);
      expect(bodyOf(syncs)).toMatchObject({ users: [{ dataFields: { name: 'A', address: ADDRESS } }] });
      await syncs.sync(changed('B'), options);
      expect(bodyOf(syncs)).toMatchObject({ users: [{ email: 'u1@x.com', dataFields: { name: 'B' } }] });
      expect(bodyOf(syncs)).not.toHaveProperty('users.0.dataFields.address');
      expect((await syncs.sync(changed('B'), options)).calls).toEqual([]);
    }),
  );

  it('is compared by its own hashes until a row is written again: nested keys in the same order are no change', () =>
    play(2, async (syncs, options) => {
      const turned = { ...ROWS[1], address: { geo: { lat: 1, lon: 2 }, zip: 1 } };
      expect((await syncs.sync(ROWS, options)).calls).toEqual([]);
      // In another order they are one, once: the older hash can't tell.
      expect((await syncs.sync([turned], options)).calls).toEqual(['bulkUpdate']);
      expect((await syncs.sync([turned], options)).calls).toEqual([]);
      expect((await syncs.sync(ROWS, options)).calls).toEqual([]);
    }));

  it('knows of a refresh that it has not seen', () =>
    play(
      2,
      async (syncs, options) => {
        const generation = (generationId: number) => ({
          ...options,
          catalog: aCatalog(aStream({ primaryKey: [['id']], generationId, minimumGenerationId: 0 })),
        });
        expect((await syncs.sync(ROWS, generation(3))).calls).toEqual([]);
        expect((await syncs.sync(ROWS.slice(0, 2), generation(4))).calls).toEqual(['bulkUpdate']);
        expect((await syncs.sync(ROWS, generation(4))).calls).toEqual(['bulkUpdate']);
        expect(bodyOf(syncs)).toMatchObject({ users: [{ email: 'u3@x.com' }] });
        expect((await syncs.sync(ROWS, generation(4))).calls).toEqual([]);
      },
      3,
    ));

  it('is sent again where the identity configuration changes: the keys may be those of other rows', () =>
    play(2, async (syncs, options) => {
      const catalog = aCatalog(aStream({ primaryKey: [['no']] }));
      const rows = ROWS.map((row) => ({ ...row, no: row.id }));
      expect((await syncs.sync(rows, { ...options, catalog })).calls).toEqual(['bulkUpdate']);
      expect((await syncs.sync(rows, { ...options, catalog })).calls).toEqual([]);
    }));
});

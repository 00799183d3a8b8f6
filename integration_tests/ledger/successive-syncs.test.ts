/** Successive syncs with a ledger, as users expect them to work. */
import { describe, expect, it } from '@jest/globals';
import { describeLedgers } from '../support/ledgers.ts';
import { aCatalog, aRecord, aState, aStream } from '../support/messages.ts';
import { summaryLine } from '../support/summary-line.ts';
import { withSyncs, type Syncs } from '../support/syncs.ts';

const to = (...names: string[]) => names.map((name) => ({ source: name, target: name }));
const BY_EMAIL = { mappings: to('email', 'name', 'plan') };
const GONE = { _ab_cdc_deleted_at: '2026-01-01' };

describeLedgers('with a ledger', (backend) => {
  const play = (
    config: Record<string, unknown>,
    test: (syncs: Syncs) => Promise<void>,
    projectType: 'hybrid' | 'email' | 'user_id' = 'hybrid',
  ) => withSyncs(backend, config, test, { projectType });

  it('sends new and changed rows, and no others', () =>
    play(BY_EMAIL, async (syncs) => {
      const a = { id: 1, email: 'a@x.com', name: 'A' };
      const b = { id: 2, email: 'b@x.com', name: 'B' };
      expect((await syncs.sync([a, b])).calls).toEqual(['bulkUpdate']);
      const second = await syncs.sync([a, { ...b, name: 'B2' }, { id: 3, email: 'c@x.com', name: 'C' }]);
      expect(second.calls).toEqual(['bulkUpdate']);
      expect(syncs.harness.standin.requests.at(-1)?.users).toBe(2);
      expect(second.logs).toContain(summaryLine('users', { received: 3, delivered: 2, unchanged: 1 }));
      expect(syncs.users).toEqual({
        'a@x.com': { name: 'A' },
        'b@x.com': { name: 'B2' },
        'c@x.com': { name: 'C' },
      });
      expect((await syncs.sync([a, { ...b, name: 'B2' }])).calls).toEqual([]);
    }));

  it('distinguishes rows by the identifier if there is no primary key', () =>
    play(BY_EMAIL, async (syncs) => {
      const catalog = aCatalog(aStream());
      const row = { email: 'A@x.com', name: 'A' };
      await syncs.sync([row], { catalog });
      expect((await syncs.sync([{ ...row, email: ' a@x.com' }], { catalog })).calls).toEqual([]);
      expect((await syncs.sync([{ ...row, name: 'B' }], { catalog })).calls).toEqual(['bulkUpdate']);
    }));

  it('sends changes within one sync in order, and remembers the last', () =>
    play({ ...BY_EMAIL, batch_size: 1 }, async (syncs) => {
      const row = (name: string) => ({ id: 1, email: 'a@x.com', name });
      await syncs.sync([row('1'), row('2'), row('3'), row('3')]);
      expect(syncs.users).toEqual({ 'a@x.com': { name: '3' } });
      expect((await syncs.sync([row('3'), row('3')])).calls).toEqual([]);
      await syncs.sync([row('3'), row('4'), row('3')]);
      expect(syncs.users).toEqual({ 'a@x.com': { name: '3' } });
      expect((await syncs.sync([row('3')])).calls).toEqual([]);
    }));

  describe('two records of one row', () => {
    const keyless = { catalog: aCatalog(aStream()) };
    const first = { email: 'a@x.com', name: 'A', city: 'Rome' };
    const second = { email: 'a@x.com', name: 'B' };

    it('are sent once, and not again by syncs that have the same two', () =>
      play({}, async (syncs) => {
        const other = { email: 'b@x.com', name: 'C' };
        const rows = [first, other, second];
        // As child processes, so that the next run knows only what is in the ledger.
        const process = { ...keyless, isProcess: true };
        expect((await syncs.sync(rows, process)).calls).toEqual(['bulkUpdate']);
        for (const round of ['second', 'third']) {
          const again = await syncs.sync(rows, process);
          expect([round, again.calls]).toEqual([round, []]);
          expect(again.logs).toContain(summaryLine('users', { received: 3, unchanged: 3 }));
        }
        expect((await syncs.plan(rows, keyless)).plan.streams).toMatchObject([{ received: 3, unchanged: 3 }]);
        expect(syncs.users).toEqual({ 'a@x.com': { name: 'B', city: 'Rome' }, 'b@x.com': { name: 'C' } });
      }));

    it.each<[string, Record<string, unknown>[], Record<string, unknown>]>([
      ['the first is gone', [second], { name: 'B', city: 'Rome' }],
      ['the second is gone', [first], { name: 'A', city: 'Rome' }],
      ['the first has a new value', [{ ...first, city: 'Oslo' }, second], { name: 'B', city: 'Oslo' }],
      ['the second has a new value', [first, { ...second, name: 'D' }], { name: 'D', city: 'Rome' }],
      ['they come in reverse order', [second, first], { name: 'A', city: 'Rome' }],
      ['there is a third', [first, second, { email: 'a@x.com', name: 'D' }], { name: 'D', city: 'Rome' }],
      ['one has the values of both', [{ ...first, name: 'B' }], { name: 'B', city: 'Rome' }],
    ])('deliver the merged values if %s', (_name, rows, expected) =>
      play({}, async (syncs) => {
        await syncs.sync([first, second], keyless);
        await syncs.sync(rows, keyless);
        expect(syncs.users).toEqual({ 'a@x.com': expected });
        // The same after changing back. The first of these syncs may have to send, to learn the merged values; the last must not.
        for (let round = 0; round < 2; round++) {
          await syncs.sync([first, second], keyless);
          expect(syncs.users).toEqual({ 'a@x.com': { name: 'B', city: 'Rome' } });
        }
        expect((await syncs.sync([first, second], keyless)).calls).toEqual([]);
      }),
    );

    it('send nothing if only a value that the second one overwrites has changed', () =>
      play({}, async (syncs) => {
        await syncs.sync([first, second], keyless);
        expect((await syncs.sync([{ ...first, name: 'D' }, second], keyless)).calls).toEqual([]);
        expect((await syncs.sync([first, second], keyless)).calls).toEqual([]);
      }));

    it.each<[string, Record<string, unknown>[]]>([
      ['the second has a subset of the first', [first, { email: 'a@x.com', name: 'A' }]],
      ['the first has a subset of the second', [{ email: 'a@x.com', name: 'A' }, first]],
      ['they are equal', [first, first]],
      [
        'they have different fields',
        [
          { email: 'a@x.com', name: 'A' },
          { email: 'a@x.com', city: 'Rome' },
        ],
      ],
      ['a third equals the first', [first, second, first]],
      ['three have different fields', [first, second, { email: 'a@x.com', plan: 'pro' }]],
    ])('send nothing twice if %s', (_name, rows) =>
      play({}, async (syncs) => {
        await syncs.sync(rows, keyless);
        for (let round = 0; round < 3; round++) expect((await syncs.sync(rows, keyless)).calls).toEqual([]);
      }),
    );

    it('change lists according to the last one, once', () =>
      play(
        {
          lists: [
            { kind: 'names', source: 'segments' },
            { kind: 'flag', source: 'vip', list: 'VIP' },
          ],
        },
        async (syncs) => {
          const rows = [
            { ...first, segments: ['Red', 'Blue'], vip: true },
            { ...second, segments: ['Blue'] },
          ];
          const { lists, store } = syncs.harness.standin;
          const members = () =>
            lists
              .all()
              .filter(({ id }) => [...store.membersOf(id)].length > 0)
              .map(({ name }) => name)
              .sort();
          await syncs.sync(rows, keyless);
          expect(members()).toEqual(['Blue', 'VIP']);
          expect((await syncs.sync(rows, keyless)).calls).toEqual([]);
          const [, blue] = rows;
          const leaving = [rows[0] ?? {}, { ...blue, vip: false }];
          const { examples } = (await syncs.plan(leaving, keyless)).plan.streams[0] ?? {};
          // No fields, only the list.
          expect(examples?.changed).toEqual([
            { line: 2, who: expect.any(String), joins: [], leaves: ['VIP'] },
          ]);
          const left = await syncs.sync(leaving, keyless);
          expect(left.calls).toEqual(['unsubscribe']);
          expect(left.logs).toContain(summaryLine('users', { received: 2, delivered: 2, listChanges: 1 }));
          expect(members()).toEqual(['Blue']);
        },
      ));

    it('that were sent in separate batches are unchanged when merged in the next sync', () =>
      play({}, async (syncs) => {
        const rows = [first, { ...first, name: 'B' }];
        await syncs.sync(rows, { ...keyless, config: { batch_size: 1 } });
        expect(syncs.users).toEqual({ 'a@x.com': { name: 'B', city: 'Rome' } });
        expect((await syncs.sync(rows, keyless)).calls).toEqual([]);
      }));

    it('with the same primary key are one row as well', () =>
      play(BY_EMAIL, async (syncs) => {
        const rows = [first, second].map((row) => ({ id: 1, ...row }));
        await syncs.sync(rows);
        expect((await syncs.sync(rows)).calls).toEqual([]);
      }));
  });

  it('clears a field whose column is null, and does not change one whose column is absent', () =>
    play(BY_EMAIL, async (syncs) => {
      await syncs.sync([{ id: 1, email: 'a@x.com', name: 'A', plan: 'pro' }]);
      await syncs.sync([{ id: 1, email: 'a@x.com', name: null }]);
      expect(syncs.users['a@x.com']).toEqual({ plan: 'pro' });
    }));

  describe('a target that is removed from the mappings', () => {
    const row = { id: 1, email: 'a@x.com', name: 'A', plan: 'pro', address: { city: 'Rome' } };

    it('is cleared once', () =>
      play({}, async (syncs) => {
        await syncs.sync([row], { config: { mappings: to('email', 'name', 'plan', 'address.city') } });
        const fewer = { config: { mappings: to('email', 'name') } };
        expect((await syncs.sync([row], fewer)).calls).toEqual(['bulkUpdate']);
        expect(syncs.users['a@x.com']).toEqual({ name: 'A', address: {} });
        expect((await syncs.sync([row], fewer)).calls).toEqual([]);
      }));

    it('is cleared even if the last record of the row lacked its column', () =>
      play({}, async (syncs) => {
        const config = { mappings: to('email', 'name', 'plan') };
        await syncs.sync([row], { config });
        await syncs.sync([{ id: 1, email: 'a@x.com', name: 'A' }], { config });
        await syncs.sync([{ id: 1, email: 'a@x.com', name: 'A' }], {
          config: { mappings: to('email', 'name') },
        });
        expect(syncs.users['a@x.com']).toEqual({ name: 'A' });
      }));

    it('is kept if another stream writes it, or if there are no mappings at all', () =>
      play({}, async (syncs) => {
        const streams = aCatalog(
          aStream({ primaryKey: [['id']] }),
          aStream({ name: 'crm', primaryKey: [['id']] }),
        );
        await syncs.sync([row], { catalog: streams, config: { mappings: to('email', 'name', 'plan') } });
        const planFromCrm = [...to('email', 'name'), { source: 'plan', target: 'plan', stream: 'crm' }];
        await syncs.sync([row], { catalog: streams, config: { mappings: planFromCrm } });
        expect(syncs.users['a@x.com']).toEqual({ name: 'A', plan: 'pro' });
        await syncs.sync([{ id: 1, email: 'a@x.com' }], { config: { mappings: [] } });
        expect(syncs.users['a@x.com']).toEqual({ name: 'A', plan: 'pro', id: 1 });
      }));
  });

  describe.each(['hybrid', 'email'] as const)('a changed address on a project of type %s', (projectType) => {
    const before = { id: 1, email: 'a@x.com', name: 'A' };
    const after = { id: 1, email: 'b@x.com', name: 'A' };

    it('is changed in the existing profile', () =>
      play(
        BY_EMAIL,
        async (syncs) => {
          syncs.harness.addUser({ email: 'a@x.com' }, { old: 'yes' });
          await syncs.sync([before]);
          await syncs.sync([after]);
          expect(syncs.users).toEqual({ 'b@x.com': { old: 'yes', name: 'A' } });
          expect((await syncs.sync([after])).calls).toEqual([]);
        },
        projectType,
      ));

    it('updates the user with the new address if there is one, and does not change the old one', () =>
      play(
        BY_EMAIL,
        async (syncs) => {
          syncs.harness.addUser({ email: 'b@x.com' }, { old: 'yes' });
          await syncs.sync([before]);
          await syncs.sync([after]);
          expect(syncs.users).toEqual({ 'a@x.com': { name: 'A' }, 'b@x.com': { old: 'yes', name: 'A' } });
        },
        projectType,
      ));

    it('creates a new user if no user has either address', () =>
      play(
        BY_EMAIL,
        async (syncs) => {
          await syncs.sync([before]);
          syncs.harness.standin.store.deleteByEmail('a@x.com');
          await syncs.sync([after]);
          expect(syncs.users).toEqual({ 'b@x.com': { name: 'A' } });
        },
        projectType,
      ));

    it('is changed by the next sync if the first one failed before it could', () =>
      play(
        { ...BY_EMAIL, previous_email_column: 'was', retry_minutes: 0.005 },
        async (syncs) => {
          const { standin } = syncs.harness;
          syncs.harness.addUser({ email: 'a@x.com' }, { old: 'yes' });
          standin.intercept = ({ method }) => (method === 'GET' ? undefined : { status: 500 });
          const moved = { ...after, was: 'a@x.com' };
          expect((await syncs.run([moved])).exitCode).toBe(1);
          standin.intercept = undefined;
          await syncs.sync([moved]);
          expect(syncs.users).toEqual({ 'b@x.com': { old: 'yes', name: 'A' } });
          expect((await syncs.sync([moved])).calls).toEqual([]);
        },
        projectType,
      ));

    it('is detected by the ledger and not by the column once the entry has the new address', () =>
      play(
        { ...BY_EMAIL, previous_email_column: 'was' },
        async (syncs) => {
          await syncs.sync([before]);
          await syncs.sync([{ ...after, was: 'a@x.com' }]);
          // Another user now has the old address.
          syncs.harness.addUser({ email: 'a@x.com' }, { somebody: 'else' });
          await syncs.sync([{ ...after, name: 'A2', was: 'a@x.com' }]);
          expect(syncs.users).toEqual({ 'a@x.com': { somebody: 'else' }, 'b@x.com': { name: 'A2' } });
        },
        projectType,
      ));

    it('is followed through a chain and a swap', () =>
      play(
        BY_EMAIL,
        async (syncs) => {
          await syncs.sync([before, { id: 2, email: 'z@x.com', name: 'Z' }]);
          await syncs.sync([after, { id: 1, email: 'c@x.com', name: 'A' }]);
          expect(syncs.users).toEqual({ 'c@x.com': { name: 'A' }, 'z@x.com': { name: 'Z' } });
          await syncs.sync([
            { id: 1, email: 'z@x.com', name: 'A' },
            { id: 2, email: 'c@x.com', name: 'Z' },
          ]);
          expect(syncs.users).toEqual({ 'z@x.com': { name: 'A' }, 'c@x.com': { name: 'Z' } });
        },
        projectType,
      ));

    it('does not change a profile that another row uses', () =>
      play(
        BY_EMAIL,
        async (syncs) => {
          await syncs.sync([before, { id: 2, email: 'a@x.com', name: 'A' }]);
          await syncs.sync([after]);
          expect(syncs.users).toEqual({ 'a@x.com': { name: 'A' }, 'b@x.com': { name: 'A' } });
        },
        projectType,
      ));

    it('does not change a profile that another row uses, although the column of a new row names it', () =>
      play(
        { ...BY_EMAIL, previous_email_column: 'was' },
        async (syncs) => {
          await syncs.sync([before]);
          await syncs.sync([{ ...after, id: 2, was: 'a@x.com' }]);
          expect(syncs.users).toEqual({ 'a@x.com': { name: 'A' }, 'b@x.com': { name: 'A' } });
        },
        projectType,
      ));

    it('changes back and forth for rows without a primary key, and a new row creates a new user', () =>
      play(
        { ...BY_EMAIL, previous_email_column: 'was' },
        async (syncs) => {
          const catalog = aCatalog(aStream());
          syncs.harness.addUser({ email: 'a@x.com' }, { old: 'yes' });
          const [a, b] = ['a@x.com', 'b@x.com'].map((email) => ({ email, name: 'A' }));
          await syncs.sync([{ ...a }], { catalog });
          await syncs.sync([{ ...b, was: 'a@x.com' }], { catalog });
          expect(syncs.users).toEqual({ 'b@x.com': { old: 'yes', name: 'A' } });
          await syncs.sync([{ ...a, was: 'b@x.com' }], { catalog });
          expect(syncs.users).toEqual({ 'a@x.com': { old: 'yes', name: 'A' } });
          await syncs.sync([{ ...b }], { catalog });
          expect(syncs.users).toEqual({ 'a@x.com': { old: 'yes', name: 'A' }, 'b@x.com': { name: 'A' } });
        },
        projectType,
      ));
  });

  it('treats a changed user id as another user', () =>
    play({ identify_by: 'user_id', mappings: to('userId', 'name') }, async (syncs) => {
      await syncs.sync([{ id: 1, userId: 'u1', name: 'A' }]);
      await syncs.sync([{ id: 1, userId: 'u2', name: 'A' }]);
      expect(Object.keys(syncs.users).sort()).toEqual(['u1', 'u2']);
    }));

  describe('a flagged deletion', () => {
    it('works by the primary key alone, once', () =>
      play(BY_EMAIL, async (syncs) => {
        await syncs.sync([{ id: 1, email: 'a@x.com', name: 'A' }]);
        const first = await syncs.sync([{ id: 1, ...GONE }]);
        expect(first.calls).toEqual(['delete']);
        expect(first.logs.join('\n')).toContain('1 removed');
        expect(syncs.users).toEqual({});
        const second = await syncs.sync([{ id: 1, ...GONE }]);
        expect(second.calls).toEqual([]);
        expect(second.logs.join('\n')).toContain('1 skipped (not_in_ledger 1)');
        await syncs.sync([{ id: 1, email: 'a@x.com', name: 'A' }]);
        expect(Object.keys(syncs.users)).toEqual(['a@x.com']);
      }));

    it('removes the user that the record names and the former user of its row', () =>
      play(BY_EMAIL, async (syncs) => {
        syncs.harness.addUser({ email: 'new@x.com' });
        await syncs.sync([{ id: 1, email: 'a@x.com', name: 'A' }]);
        await syncs.sync([{ id: 1, email: 'new@x.com', ...GONE }]);
        expect(syncs.users).toEqual({});
      }));

    it('without an entry removes a user that was never exported', () =>
      play(BY_EMAIL, async (syncs) => {
        syncs.harness.addUser({ email: 'a@x.com' });
        expect((await syncs.sync([{ id: 1, email: 'a@x.com', ...GONE }])).calls).toEqual(['delete']);
        expect(syncs.users).toEqual({});
      }));

    it('of a user that another stream holds only drops the entry', () =>
      play(BY_EMAIL, async (syncs) => {
        const catalog = aCatalog(
          aStream({ primaryKey: [['id']] }),
          aStream({ name: 'crm', primaryKey: [['id']] }),
        );
        await syncs.sync([{ id: 1, email: 'a@x.com', name: 'A' }], { catalog });
        await syncs.sync([{ id: 9, email: 'a@x.com', name: 'A' }], { catalog, stream: 'crm' });
        const held = await syncs.sync([{ id: 1, ...GONE }], { catalog });
        expect(held.calls).toEqual([]);
        expect(held.logs.join('\n')).toContain('held_by_another_row 1');
        await syncs.sync([{ id: 9, ...GONE }], { catalog, stream: 'crm' });
        expect(syncs.users).toEqual({});
      }));

    it('is rejected without address, id and primary key', () =>
      play(BY_EMAIL, async (syncs) => {
        const result = await syncs.sync([
          { id: null, ...GONE },
          { id: 1, email: 'a@x.com' },
        ]);
        expect(result.logs.join('\n')).toContain('missing_identifier');
      }));

    it('is skipped in a mode without removals', () =>
      play({ ...BY_EMAIL, sync_mode: 'additive' }, async (syncs) => {
        await syncs.sync([{ id: 1, email: 'a@x.com', name: 'A' }]);
        const result = await syncs.sync([{ id: 1, ...GONE }]);
        expect(result.calls).toEqual([]);
        expect(result.logs.join('\n')).toContain('removal_not_allowed 1');
      }));
  });

  it('enriches users in Iterable, and looks unknown users up again in the next sync', () =>
    play({ ...BY_EMAIL, sync_mode: 'enrich' }, async (syncs) => {
      syncs.harness.addUser({ email: 'a@x.com' });
      const rows = [
        { id: 1, email: 'a@x.com', name: 'A' },
        { id: 2, email: 'b@x.com', name: 'B' },
      ];
      await syncs.sync(rows);
      syncs.harness.addUser({ email: 'b@x.com' });
      const second = await syncs.sync(rows);
      expect(second.logs.join('\n')).toContain('1 delivered, 1 unchanged');
      expect(syncs.users).toEqual({ 'a@x.com': { name: 'A' }, 'b@x.com': { name: 'B' } });
    }));

  it('resends each row once after the generation of an incremental stream increases, complete or not', () =>
    play(BY_EMAIL, async (syncs) => {
      const row = { id: 1, email: 'a@x.com', name: 'A' };
      const other = { id: 2, email: 'b@x.com', name: 'B' };
      const generation = (generationId: number, status?: string) => ({
        catalog: aCatalog(aStream({ primaryKey: [['id']], generationId, minimumGenerationId: 0 })),
        ...(status === undefined ? {} : { status }),
      });
      await syncs.sync([row, other], generation(1));
      expect((await syncs.sync([row], generation(1))).calls).toEqual([]);
      expect((await syncs.run([row], generation(2, 'INCOMPLETE'))).calls).toEqual(['bulkUpdate']);
      // A custom image never gets a status: no proof of anything is needed.
      expect((await syncs.sync([row], generation(2))).calls).toEqual([]);
      // A row that comes later is still to be sent again, as a whole.
      expect((await syncs.sync([row, other], generation(2))).calls).toEqual(['bulkUpdate']);
      expect(JSON.parse(syncs.harness.standin.lastBody)).toMatchObject({
        users: [{ email: 'b@x.com', dataFields: { name: 'B' } }],
      });
      expect((await syncs.sync([row, other], generation(2, 'COMPLETE'))).calls).toEqual([]);
      expect((await syncs.sync([row, other], generation(3))).calls).toEqual(['bulkUpdate']);
      expect((await syncs.sync([row, other], generation(3))).calls).toEqual([]);
    }));

  it('resends unchanged rows if configured', () =>
    play({ ...BY_EMAIL, lists: [{ kind: 'all', list: 'All' }] }, async (syncs) => {
      const row = { id: 1, email: 'a@x.com', name: 'A' };
      await syncs.sync([row]);
      const again = await syncs.sync([row], { config: { resend_unchanged: true } });
      expect(again.calls).toEqual(['bulkUpdate', 'subscribe']);
    }));

  it('delivers and acknowledges everything before a record of an unknown stream', () =>
    play(BY_EMAIL, async (syncs) => {
      const row = { id: 1, email: 'a@x.com', name: 'A' };
      const failed = await syncs.run([row, aState(7), aRecord(row, { stream: 'other' })]);
      expect(failed.exitCode).toBe(1);
      expect(failed.states).toHaveLength(1);
      expect(Object.keys(syncs.users)).toEqual(['a@x.com']);
    }));

  it('sends a rejected record again in the next sync', () =>
    play(BY_EMAIL, async (syncs) => {
      syncs.harness.standin.store.forgotten.add('a@x.com');
      const rows = [
        { id: 1, email: 'a@x.com', name: 'A' },
        { id: 2, email: 'b@x.com', name: 'B' },
      ];
      expect((await syncs.sync(rows)).logs.join('\n')).toContain('forgotten 1');
      expect((await syncs.sync(rows)).logs.join('\n')).toContain('forgotten 1');
    }));

  it('releases the ledger when rejected records could not be stored', () =>
    play(BY_EMAIL, async (syncs) => {
      const rows = [{ id: 1, email: 'a@x.com', name: 'A' }, { id: 2 }];
      const config = { rejected_records: { type: 'file', path: '/dev/full' } };
      expect((await syncs.run(rows, { config })).errors).toMatchObject([
        { message: expect.stringContaining('ENOSPC') },
      ]);
      expect((await syncs.sync(rows)).states).toHaveLength(1);
    }));
});

/** Which users are removed because their rows are missing from a full snapshot, and above all which are not. */
import { describe, expect, it } from '@jest/globals';
import { runInProcess } from '../support/in-process.ts';
import { describeLedgers } from '../support/ledgers.ts';
import { aCatalog, aRecord, aState, aStatus, aStream, type StreamOptions } from '../support/messages.ts';
import { withSyncs, type SyncOptions, type Syncs } from '../support/syncs.ts';

const OVERWRITE = { syncMode: 'full_refresh', destinationSyncMode: 'overwrite', primaryKey: [['id']] };
const user = (id: number, more = {}) => ({ id, email: `u${id}@x.com`, n: id, ...more });
const users = (...ids: number[]) => ids.map((id) => user(id));
const addresses = (...ids: number[]) => ids.map((id) => `u${id}@x.com`);
const CONFIG = { max_removals_percent: 100 };

const full = (more: StreamOptions = {}, options: SyncOptions = {}): SyncOptions => ({
  catalog: aCatalog(aStream({ ...OVERWRITE, ...more })),
  status: 'COMPLETE',
  ...options,
});

describeLedgers('removal of users with missing rows, with a ledger', (backend) => {
  const play = (test: (syncs: Syncs) => Promise<void>, config = {}, standin = {}) =>
    withSyncs(backend, { ...CONFIG, ...config }, test, standin);
  const there = (syncs: Syncs) => Object.keys(syncs.users).sort();

  describe('what counts as a full replacement, and when it is complete', () => {
    interface Sender {
      readonly name: string;
      readonly stream: StreamOptions;
      readonly next?: StreamOptions;
      readonly status?: string;
      readonly config?: Record<string, unknown>;
      readonly removes: boolean;
    }
    const append = { ...OVERWRITE, destinationSyncMode: 'append_dedup' };
    const refresh = (generationId: number, minimumGenerationId = generationId) => ({
      generationId,
      minimumGenerationId,
    });
    const senders: Sender[] = [
      { name: 'overwrite, completed', stream: OVERWRITE, status: 'COMPLETE', removes: true },
      { name: 'overwrite without a status', stream: OVERWRITE, removes: false },
      {
        name: 'overwrite without a status, with trust_end_of_input',
        stream: OVERWRITE,
        config: { trust_end_of_input: true },
        removes: true,
      },
      {
        name: 'the platform with refresh support',
        stream: { ...append, ...refresh(1), syncMode: 'full_refresh' },
        next: { ...append, ...refresh(2) },
        status: 'COMPLETE',
        removes: true,
      },
      {
        name: 'the platform, with a refresh that keeps existing data',
        stream: { ...append, ...refresh(1, 0) },
        next: { ...append, ...refresh(2, 0) },
        status: 'COMPLETE',
        removes: false,
      },
      {
        name: 'PyAirbyte, whose constant generation ids prove nothing',
        stream: { ...append, ...refresh(1), syncId: 1 },
        status: 'COMPLETE',
        removes: false,
      },
      {
        name: 'PyAirbyte with overwrite',
        stream: { ...OVERWRITE, ...refresh(1), syncId: 1 },
        status: 'COMPLETE',
        removes: true,
      },
      {
        name: 'incremental',
        stream: { primaryKey: [['id']] },
        status: 'COMPLETE',
        config: { trust_end_of_input: true },
        removes: false,
      },
      {
        name: 'incremental with a truncating refresh',
        stream: { primaryKey: [['id']], ...refresh(1, 0) },
        next: { primaryKey: [['id']], ...refresh(2) },
        status: 'COMPLETE',
        removes: false,
      },
      ...(['additive', 'enrich'] as const).map((sync_mode) => ({
        name: `overwrite in mode ${sync_mode}`,
        stream: OVERWRITE,
        status: 'COMPLETE',
        config: { sync_mode },
        removes: false,
      })),
      {
        name: 'overwrite, but with the destination sync mode update',
        stream: { ...OVERWRITE, destinationSyncMode: 'update' },
        status: 'COMPLETE',
        config: { trust_end_of_input: true },
        removes: false,
      },
    ];

    it.each(senders)('$name: removes users: $removes', (sender) =>
      play(async (syncs) => {
        const { stream, next, status, config, removes } = sender;
        for (const id of [1, 2]) syncs.harness.addUser({ email: `u${id}@x.com` });
        const options = {
          ...(status === undefined ? {} : { status }),
          ...(config ? { config } : {}),
          isProcess: sender === senders[0],
        };
        await syncs.sync(users(1, 2), { catalog: aCatalog(aStream(stream)), ...options });
        const second = await syncs.sync(users(1), {
          catalog: aCatalog(aStream(next ?? stream)),
          ...options,
        });
        expect(there(syncs)).toEqual(removes ? addresses(1) : addresses(1, 2));
        expect(second.calls.filter((call) => call === 'delete')).toEqual(removes ? ['delete'] : []);
        if (removes) expect(second.logs.join('\n')).toContain('1 removed: missing from the snapshot');
      }),
    );

    it('a failed run removes no users, and the next run continues its snapshot', () =>
      play(async (syncs) => {
        await syncs.sync(users(1, 2, 3), full());
        const failures: [readonly (string | Record<string, unknown>)[], SyncOptions][] = [
          [users(1), full({}, { status: 'INCOMPLETE' })],
          [[...users(1), '{"type":"RECORD"'], full()],
          [[...users(1), aRecord({ id: 1 }, { stream: 'other' })], full()],
          [[user(1), user(2, { email: 'no address' })], full({}, { config: { max_rejected_percent: 1 } })],
        ];
        for (const [rows, options] of failures) {
          const isProcess = options.status === 'INCOMPLETE';
          const { exitCode } = await syncs.run(rows, { ...options, isProcess });
          expect(exitCode).toBe(1);
          expect(there(syncs)).toEqual(addresses(1, 2, 3));
        }
        // A row that was present in any of these runs counts as present.
        await syncs.sync(users(1), full());
        expect(there(syncs)).toEqual(addresses(1, 2));
        await syncs.sync(users(1), full());
        expect(there(syncs)).toEqual(addresses(1));
      }));
  });

  it('a snapshot may span several runs, unless a new generation begins', () =>
    play(async (syncs) => {
      const generation = (generationId: number, status: string) =>
        full({ generationId, minimumGenerationId: generationId }, { status });
      await syncs.sync(users(1, 2, 3, 4), generation(1, 'COMPLETE'));
      await syncs.run(users(1, 2), generation(2, 'INCOMPLETE'));
      await syncs.sync(users(3), generation(2, 'COMPLETE'));
      expect(there(syncs)).toEqual(addresses(1, 2, 3));
      await syncs.run(users(1, 2), generation(3, 'INCOMPLETE'));
      await syncs.sync(users(3), generation(4, 'COMPLETE'));
      expect(there(syncs)).toEqual(addresses(3));
    }));

  it('counts unchanged, skipped and rejected rows as present', () =>
    play(
      async (syncs) => {
        syncs.harness.standin.store.fields.types.set('n', 'long');
        await syncs.sync(users(1, 2, 3, 4), full());
        await syncs.sync([user(1), user(2, { n: 'many' }), user(3, { email: 'no address' })], full());
        expect(there(syncs)).toEqual(addresses(1, 2, 3));
      },
      { mappings: ['email', 'n'].map((name) => ({ source: name, target: name })) },
    ));

  it('counts a rejected record without a primary key by its identifier', () =>
    play(async (syncs) => {
      syncs.harness.standin.store.fields.types.set('n', 'long');
      const byEmail = { primaryKey: [] };
      await syncs.sync(users(1, 2, 3), full(byEmail));
      await syncs.sync([user(1, { n: 'many' }), user(3)], full(byEmail));
      expect(there(syncs)).toEqual(addresses(1, 3));
    }));

  describe('removes no users', () => {
    it('when the snapshot has no records, as after Airbyte’s Clear', () =>
      play(async (syncs) => {
        await syncs.sync(users(1, 2), full());
        const cleared = await syncs.sync([], full());
        expect(cleared.logs.join('\n')).toContain('it had no record at all');
        expect(there(syncs)).toEqual(addresses(1, 2));
        await syncs.sync(users(2), full());
        expect(there(syncs)).toEqual(addresses(2));
      }));

    it('when a record without an identifier was rejected', () =>
      play(async (syncs) => {
        await syncs.sync(users(1, 2), full());
        const result = await syncs.sync([user(1), { id: null, n: 5 }], full());
        expect(result.logs.join('\n')).toContain('has no key');
        expect(there(syncs)).toEqual(addresses(1, 2));
        await syncs.sync(users(1), full());
        expect(there(syncs)).toEqual(addresses(1));
      }));

    it('when a record without a primary key was skipped', () =>
      play(async (syncs) => {
        await syncs.sync(users(1, 2), full());
        const enriching = full({}, { status: 'INCOMPLETE', config: { sync_mode: 'enrich' } });
        expect((await syncs.run([{ id: null, email: 'unknown@x.com' }], enriching)).exitCode).toBe(1);
        const result = await syncs.sync(users(1), full());
        expect(result.logs.join('\n')).toContain('has no key');
        expect(there(syncs)).toEqual(addresses(1, 2));
      }));

    it('in the first snapshot after a change of the primary key', () =>
      play(async (syncs) => {
        await syncs.sync(users(1, 2), full());
        const other = { primaryKey: [['n']] };
        const result = await syncs.sync(users(1), full(other));
        expect(result.logs.join('\n')).toContain('first full snapshot after');
        expect(there(syncs)).toEqual(addresses(1, 2));
        await syncs.sync(users(1), full(other));
        expect(there(syncs)).toEqual(addresses(1));
      }));

    it('that were only enriched, even if mode sync has later seen them unchanged', () =>
      play(async (syncs) => {
        for (const id of [1, 2]) syncs.harness.addUser({ email: `u${id}@x.com` });
        await syncs.sync(users(1, 2), full({}, { config: { sync_mode: 'enrich' } }));
        await syncs.sync(users(1, 2), full());
        await syncs.sync(users(1), full());
        expect(there(syncs)).toEqual(addresses(1, 2));
      }));

    it('that the connector has never exported', () =>
      play(async (syncs) => {
        syncs.harness.addUser({ email: 'own@x.com' });
        await syncs.sync(users(1), full());
        await syncs.sync(users(2), full());
        expect(there(syncs)).toEqual(['own@x.com', ...addresses(2)]);
      }));
  });

  describe('a user with several entries', () => {
    const both = (one: StreamOptions = OVERWRITE, two: StreamOptions = OVERWRITE) =>
      aCatalog(aStream({ ...one, name: 'users' }), aStream({ ...two, name: 'crm' }));
    const input = (usersRows: object[], crmRows: object[]) => [
      ...usersRows.map((row) => aRecord(row as Record<string, unknown>)),
      ...crmRows.map((row) => aRecord(row as Record<string, unknown>, { stream: 'crm' })),
      aStatus('COMPLETE'),
      aStatus('COMPLETE', 'crm'),
      aState(1, 'crm'),
    ];

    it('stays while another stream holds it, and is removed when both rows are missing', () =>
      play(async (syncs) => {
        const catalog = both();
        await syncs.sync(input(users(1, 2), [user(1, { id: 9 }), user(3)]), { catalog });
        await syncs.sync(input(users(2), [user(1, { id: 9 }), user(3)]), { catalog });
        expect(there(syncs)).toEqual(addresses(1, 2, 3));
        await syncs.sync(input(users(2), users(3)), { catalog });
        expect(there(syncs)).toEqual(addresses(2, 3));
      }));

    it('is removed when both rows go missing at the same time', () =>
      play(async (syncs) => {
        const catalog = both();
        await syncs.sync(input(users(1, 2), [user(1, { id: 9 }), user(3)]), { catalog });
        await syncs.sync(input(users(2), users(3)), { catalog });
        expect(there(syncs)).toEqual(addresses(2, 3));
      }));

    it('stays while a row holds it that has a new address unknown to Iterable in mode enrich', () =>
      play(async (syncs) => {
        const catalog = both();
        await syncs.sync(input(users(1, 2), [user(1, { id: 9 }), user(3)]), { catalog });
        await syncs.sync([user(9, { email: 'unknown@x.com' })], {
          stream: 'crm',
          config: { sync_mode: 'enrich' },
        });
        await syncs.sync(users(2), full());
        expect(there(syncs)).toEqual(addresses(1, 2, 3));
      }));

    it('stays when its row has another primary key', () =>
      play(async (syncs) => {
        await syncs.sync(users(1, 2), full());
        await syncs.sync([user(1, { id: 7 }), user(2)], full());
        expect(there(syncs)).toEqual(addresses(1, 2));
      }));

    it('stays when its address changes, and is later removed by the new one', () =>
      play(async (syncs) => {
        await syncs.sync(users(1, 2), full());
        await syncs.sync([user(1, { email: 'new@x.com' }), user(2)], full());
        expect(there(syncs)).toEqual(['new@x.com', 'u2@x.com']);
        await syncs.sync(users(2), full());
        expect(there(syncs)).toEqual(addresses(2));
      }));

    it('stays while another scope of the ledger holds it', () =>
      play(async (syncs) => {
        const scope = (name: string) => ({
          config: { ledger: backend.option(syncs.harness, { scope: name }) },
        });
        await syncs.sync(users(1, 2), full({}, scope('a')));
        await syncs.sync(users(1, 2), full({}, scope('b')));
        await syncs.sync(users(2), full({}, scope('a')));
        expect(there(syncs)).toEqual(addresses(1, 2));
        await syncs.sync(users(2), full({}, scope('b')));
        expect(there(syncs)).toEqual(addresses(2));
      }));

    it('is not held by another project name in the ledger, which starts with no entries', () =>
      play(async (syncs) => {
        const named = (name: string) =>
          full({}, { config: { ledger: backend.option(syncs.harness, { name }) } });
        await syncs.sync(users(1, 2), named('a'));
        const again = await syncs.sync(users(1, 2), named('b'));
        expect(again.calls).toEqual(['bulkUpdate']);
        await syncs.sync(users(2), named('b'));
        expect(there(syncs)).toEqual(addresses(2));
      }));
  });

  describe('the removal guard', () => {
    it('stops the sync before the first removal; the next sync may allow more', () =>
      play(
        async (syncs) => {
          await syncs.sync(users(1, 2, 3, 4, 5), full());
          const result = await syncs.run(users(1, 2, 3), full());
          expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
          expect(result.errors[0]?.message).toContain('2 of the 5 entries');
          expect(result.calls).toEqual([]);
          expect(result.states).toHaveLength(1);
          expect(there(syncs)).toHaveLength(5);
          await syncs.sync(users(1, 2, 3), full({}, { config: { max_removals_percent: 40 } }));
          expect(there(syncs)).toEqual(addresses(1, 2, 3));
        },
        { max_removals_percent: 20 },
      ));

    it('allows up to the configured share, and does not count flagged deletions', () =>
      play(
        async (syncs) => {
          await syncs.sync(users(1, 2, 3, 4, 5), full());
          await syncs.sync(
            [
              ...users(1, 2),
              user(3, { _ab_cdc_deleted_at: '2026-01-01' }),
              user(4, { _ab_cdc_deleted_at: '2026-01-01' }),
            ],
            full(),
          );
          expect(there(syncs)).toEqual(addresses(1, 2));
        },
        { max_removals_percent: 20 },
      ));
  });

  it('removes users from their lists if removal means that', () =>
    play(
      async (syncs) => {
        await syncs.sync([user(1, { vip: true }), user(2, { vip: true })], full());
        await syncs.sync([user(1, { vip: true })], full());
        expect(there(syncs)).toEqual(addresses(1, 2));
        expect(syncs.harness.standin.members('VIP')).toEqual(addresses(1));
      },
      { removal: 'remove_from_lists', lists: [{ kind: 'flag', source: 'vip', list: 'VIP' }] },
    ));

  it.each(['delete_user', 'remove_from_lists'])(
    'makes one call for a user with several rows: %s',
    (removal) =>
      play(
        async (syncs) => {
          const catalog = aCatalog(aStream(OVERWRITE), aStream({ ...OVERWRITE, name: 'crm' }));
          const lines = (...ids: number[]) =>
            ['users', 'crm'].flatMap((stream) => [
              ...ids.map((id) => aRecord(user(id, { vip: true }), { stream })),
              aStatus('COMPLETE', stream),
            ]);
          await syncs.sync(lines(1, 2), { catalog });
          const { calls } = await syncs.sync(lines(1), { catalog });
          expect(calls).toEqual([removal === 'delete_user' ? 'delete' : 'unsubscribe']);
          expect(syncs.harness.standin.members('VIP')).toEqual(addresses(1));
        },
        { removal, lists: [{ kind: 'flag', source: 'vip', list: 'VIP' }] },
      ),
  );

  it('comes after the last state, and is finished by the next sync if it was interrupted', () =>
    play(async (syncs) => {
      const everyone = Array.from({ length: 300 }, (_, id) => id);
      await syncs.sync(users(...everyone), full());
      let deletions = 0;
      let kill = () => undefined as unknown;
      syncs.harness.standin.intercept = ({ method }) => {
        if (method === 'DELETE' && ++deletions === 100) kill();
        return undefined;
      };
      const killed = await syncs.run(users(0, 1), {
        ...full(),
        onSpawn: (child) => {
          kill = () => child.kill('SIGKILL');
        },
      });
      expect(killed.states).toHaveLength(1);
      syncs.harness.standin.intercept = undefined;
      await backend.afterKill?.(syncs.harness);
      const left = there(syncs).length;
      expect(left).toBeGreaterThan(2);
      expect(left).toBeLessThan(300);
      // Any sync finishes the removals, except for users that have had a record since.
      await syncs.sync([user(299), user(298, { n: 0 })], {
        catalog: aCatalog(aStream({ primaryKey: [['id']] })),
      });
      expect(there(syncs)).toEqual(addresses(0, 1, 298, 299).sort());
    }));

  it('ends soon when the run is stopped, although Iterable is unavailable', () =>
    play(async (syncs) => {
      await syncs.sync(users(1, 2, 3), full());
      const { harness } = syncs;
      const args = harness.args(['write'], {
        config: { ...CONFIG, ledger: backend.option(harness) },
        catalog: full().catalog,
      });
      let stop = () => undefined as unknown;
      harness.standin.intercept = ({ method }) => {
        if (method !== 'DELETE') return undefined;
        stop();
        return { status: 500 };
      };
      const { exitCode, messages } = await runInProcess(
        args,
        [aRecord(user(1)), aState(1), aStatus('COMPLETE')],
        (end) => {
          stop = end;
        },
      );
      expect(exitCode).not.toBe(0);
      expect(messages.filter(({ type }) => type === 'STATE')).toHaveLength(1);
      harness.standin.intercept = undefined;
      await syncs.sync(users(1), full());
      expect(there(syncs)).toEqual(addresses(1));
    }));

  it('is cancelled for pending users by a sync in a mode without removals', () =>
    play(async (syncs) => {
      await syncs.sync(users(1, 2, 3), full());
      syncs.harness.standin.intercept = ({ method }) => (method === 'DELETE' ? { status: 500 } : undefined);
      const failed = await syncs.run(users(1), { ...full({}, { config: { retry_minutes: 0.01 } }) });
      expect(failed.exitCode).toBe(1);
      syncs.harness.standin.intercept = undefined;
      const additive = await syncs.sync([], { config: { sync_mode: 'additive' } });
      expect(additive.logs.join('\n')).toContain('2 pending deletions are cancelled');
      await syncs.sync([], { catalog: aCatalog(aStream({ primaryKey: [['id']] })) });
      expect(there(syncs)).toEqual(addresses(1, 2, 3));
    }));
});

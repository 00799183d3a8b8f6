/** `plan` predicts what `write` would do, and changes nothing. Predictions are checked by writing afterwards. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { runConnector } from './support/connector.ts';
import { withHarness, type PlannedStream } from './support/harness.ts';
import { describeLedgers, SQLITE } from './support/ledgers.ts';
import { aCatalog, aRecord, aState, aStatus, aStream } from './support/messages.ts';
import { summaryLine } from './support/summary-line.ts';
import { withSyncs, type SyncOptions, type Syncs } from './support/syncs.ts';
import { userLines } from './support/with-users.ts';

const OVERWRITE = { syncMode: 'full_refresh', destinationSyncMode: 'overwrite', primaryKey: [['id']] };
const user = (id: number, more = {}) => ({ id, email: `user${id}@example.com`, n: id, ...more });
const users = (...ids: number[]) => ids.map((id) => user(id));
const upTo = (last: number) => users(...Array.from({ length: last }, (_, index) => index + 1));
const full = (options: SyncOptions = {}): SyncOptions => ({
  catalog: aCatalog(aStream(OVERWRITE)),
  status: 'COMPLETE',
  ...options,
});
const config = { lists: [{ kind: 'names', source: 'segments' }], max_removals_percent: 100 };

const NOTHING: Omit<PlannedStream, 'name' | 'received'> = {
  new: 0,
  changed: 0,
  unchanged: 0,
  created_or_updated: 0,
  superseded: 0,
  removed: 0,
  deleted_not_in_iterable: 0,
  unsettled: 0,
  removed_by_absence: 0,
  removed_by_absence_left_over: 0,
  absent_not_in_iterable: 0,
  absent_but_staying: 0,
  skipped: {},
  rejected: {},
  lists: {},
  examples: {},
};

describeLedgers('a plan with a ledger', (backend) => {
  const play = (test: (syncs: Syncs) => Promise<void>, more = {}, standin = {}) =>
    withSyncs(backend, { ...config, ...more }, test, standin);

  it('predicts what the next sync does, by kind of change', () =>
    play(async (syncs) => {
      syncs.harness.standin.store.fields.types.set('n', 'long');
      await syncs.sync([...users(1, 2, 3, 4, 6, 7, 8), user(5, { segments: ['Red'] })], full());
      const rows = [
        ...users(1, 2),
        user(3, { n: 33 }),
        user(4, { email: 'moved@example.com' }),
        user(5, { segments: ['Blue', 'Green'] }),
        user(6, { n: 'many' }),
        user(7, { _ab_cdc_deleted_at: '2026-01-01' }),
        ...users(20, 21),
      ];
      const { exitCode, plan, text } = await syncs.plan(rows, full({ isProcess: true }));
      expect(exitCode).toBe(0);
      expect(plan.failure).toBeNull();
      expect(plan.streams).toMatchObject([
        {
          ...NOTHING,
          name: 'users',
          received: 9,
          new: 2,
          changed: 3,
          // The profile of row 4 moves: all of it is sent.
          changed_fields: { n: 1 },
          changed_sent_whole: 1,
          unchanged: 2,
          removed: 1,
          removed_by_absence: 1,
          rejected: { wrong_type: 1 },
          lists: {
            Blue: { joins: 1, leaves: 0 },
            Green: { joins: 1, leaves: 0 },
            Red: { joins: 0, leaves: 1 },
          },
          examples: {
            new: [{ line: 8 }, { line: 9 }],
            changed: [
              { line: 3, who: 'u***@e***.com', fields: ['n'] },
              { line: 4, who: 'm***@e***.com', previously: 'u***@e***.com' },
              { line: 5, who: 'u***@e***.com', joins: ['Blue', 'Green'], leaves: ['Red'] },
            ],
            removed: [{ line: 7, who: 'u***@e***.com' }],
            removed_by_absence: [{ who: 'u***@e***.com' }],
            rejected: [{ line: 6 }],
          },
        },
      ]);
      // If only lists change, no fields are sent.
      expect(plan.streams[0]?.examples.changed?.[2]).not.toHaveProperty('fields');
      expect(plan.created_lists.toSorted()).toEqual(['Blue', 'Green']);
      expect(text).not.toMatch(/user\d|moved@|33/);

      const written = await syncs.sync(rows, full());
      expect(written.logs).toContain(
        summaryLine('users', {
          received: 9,
          delivered: 5,
          unchanged: 2,
          removed: 1,
          rejected: { wrong_type: 1 },
          removedMissing: 1,
          listChanges: 3,
        }),
      );
      const planned = plan.calls.flatMap(({ method, endpoint, calls }) =>
        method === 'GET' ? [] : Array.from({ length: calls }, () => endpoint),
      );
      expect(planned.map((path) => (path.includes('{') ? 'delete' : path.split('/').at(-1))).sort()).toEqual(
        [...written.calls].sort(),
      );
      const again = await syncs.plan(rows.slice(0, 5), {
        catalog: aCatalog(aStream({ primaryKey: [['id']] })),
      });
      expect(again.plan.streams).toMatchObject([{ ...NOTHING, received: 5, unchanged: 5 }]);
    }));

  it('treats a missing ledger as empty, and does not create it', () =>
    play(async (syncs) => {
      const { exitCode, plan } = await syncs.plan(users(1, 2), full());
      expect(exitCode).toBe(0);
      expect(plan.streams).toMatchObject([{ ...NOTHING, received: 2, new: 2, examples: { new: [{}, {}] } }]);
      expect(plan.new_fields).toEqual(['id', 'n']);
    }));

  it('names a well-known field as new if the project does not have it', () =>
    withHarness({ fields: { firstName: 'string' } }, async (harness) => {
      const input = aRecord({ email: 'a@x.com', phoneNumber: 491701234567, firstName: 'Ada' });
      expect((await harness.planJsonInProcess([input])).plan.new_fields).toEqual(['phoneNumber']);
    }));

  it('fails if the removal guard would trigger, and shows some users whose rows are missing', () =>
    play(
      async (syncs) => {
        await syncs.sync(upTo(10), full());
        const { exitCode, plan, text } = await syncs.plan(users(1, 2, 11), full());
        expect(exitCode).toBe(1);
        expect(plan.failure).toMatchObject({ code: 'too_many_removals', failure_type: 'config_error' });
        expect(plan.failure?.message).toContain('8 of the 10 entries');
        expect(plan.failure?.next_step).toContain('max_removals_percent');
        expect(plan.streams).toMatchObject([
          { received: 3, new: 1, unchanged: 2, removed_by_absence: 0, examples: { absent: [{}, {}, {}] } },
        ]);
        expect(text).not.toMatch(/user\d/);
        const { plan: allowed } = await syncs.plan(
          users(1, 2, 11),
          full({ config: { max_removals_percent: 80 } }),
        );
        expect(allowed.failure).toBeNull();
        expect(allowed.streams).toMatchObject([{ removed_by_absence: 8 }]);
      },
      { max_removals_percent: 20 },
    ));

  it('shows pending removals of an interrupted sync, and how many of these users stay', () =>
    play(async (syncs) => {
      await syncs.sync(upTo(6), full());
      syncs.harness.standin.intercept = ({ method }) => (method === 'DELETE' ? { status: 500 } : undefined);
      const failed = await syncs.run(users(1), full({ config: { retry_minutes: 0.01 } }));
      expect(failed.exitCode).toBe(1);
      syncs.harness.standin.intercept = undefined;
      await backend.afterKill?.(syncs.harness);
      const incremental = { catalog: aCatalog(aStream({ primaryKey: [['id']] })) };
      const { plan } = await syncs.plan(users(2), incremental);
      expect(plan.streams).toMatchObject([
        // The interrupted sync may have removed this user, so it is written again.
        { received: 1, changed: 1, removed_by_absence: 4, removed_by_absence_left_over: 4 },
      ]);
      const additive = await syncs.plan([], { ...incremental, config: { sync_mode: 'additive' } });
      expect(additive.plan.streams).toMatchObject([{ removed_by_absence: 0 }]);
      expect(additive.plan.notes.join('\n')).toContain('5 pending deletions are cancelled');
      const sync = await syncs.sync(users(2), incremental);
      expect(sync.logs.join('\n')).toContain('4 removed: missing from the snapshot');
    }));

  it('counts users whose rows are missing but who stay because another stream holds them', () =>
    play(async (syncs) => {
      const catalog = aCatalog(
        aStream({ ...OVERWRITE, name: 'users' }),
        aStream({ ...OVERWRITE, name: 'crm' }),
      );
      const input = (ours: number[], theirs: number[]) => [
        ...users(...ours).map((row) => aRecord(row)),
        ...theirs.map((id) => aRecord(user(id, { id: id + 100 }), { stream: 'crm' })),
        aStatus('COMPLETE'),
        aStatus('COMPLETE', 'crm'),
      ];
      await syncs.sync(input([1, 2, 3], [1, 9]), { catalog });
      const { plan } = await syncs.plan(input([3], [1, 9]), { catalog });
      expect(plan.streams).toMatchObject([
        { name: 'users', unchanged: 1, removed_by_absence: 1, absent_but_staying: 1 },
        { name: 'crm', unchanged: 2, removed_by_absence: 0, absent_but_staying: 0 },
      ]);
    }));

  it('shows which lists users leave if removal means leaving lists', () =>
    play(
      async (syncs) => {
        await syncs.sync([user(1, { segments: ['Red'] }), user(2, { segments: ['Red'] })], full());
        const { plan } = await syncs.plan([user(1, { segments: ['Red'] })], full());
        expect(plan.streams).toMatchObject([
          { removed_by_absence: 1, lists: { Red: { joins: 0, leaves: 1 } } },
        ]);
        expect(plan.streams[0]?.examples.removed_by_absence).toMatchObject([{ leaves: ['Red'] }]);
      },
      { removal: 'remove_from_lists' },
    ));

  it('removes no users if the sync would fail, and says why it would', () =>
    play(async (syncs) => {
      await syncs.sync(upTo(12), full());
      const cases: [string, readonly (string | Record<string, unknown>)[], SyncOptions][] = [
        ['source_incomplete', users(1), full({ status: 'INCOMPLETE' })],
        ['broken_message', [...users(1), '{"type":"RECORD"\n'], full()],
        ['unknown_stream', [...users(1), aRecord({ id: 1 }, { stream: 'other' })], full()],
        ['too_many_rejected', [user(1), { n: 1 }], full({ config: { max_rejected_percent: 1 } })],
      ];
      for (const [code, rows, options] of cases) {
        const { exitCode, plan } = await syncs.plan(rows, options);
        expect({ code: plan.failure?.code, exitCode }).toEqual({ code, exitCode: 1 });
        expect(plan.streams).toMatchObject([{ removed_by_absence: 0 }]);
      }
      const unproven = await syncs.plan(users(1), { catalog: aCatalog(aStream(OVERWRITE)) });
      expect(unproven.exitCode).toBe(0);
      expect(unproven.plan.notes.join('\n')).toContain('no COMPLETE status');
    }));

  it('identifies a deleted user by the primary key alone', () =>
    play(async (syncs) => {
      await syncs.sync(users(1, 2));
      const { plan } = await syncs.plan([
        { id: 1, _ab_cdc_deleted_at: '2026-01-01' },
        { id: 9, _ab_cdc_deleted_at: '2026-01-01' },
      ]);
      expect(plan.streams).toMatchObject([
        {
          received: 2,
          removed: 1,
          skipped: { not_in_ledger: 1 },
          examples: { removed: [{ line: 1, who: 'u***@e***.com' }] },
        },
      ]);
    }));

  it('counts a repeated row as unchanged', () =>
    play(async (syncs) => {
      // The second record of each row comes after the first one would have been sent.
      const rows = [...users(1, 2, 3), ...users(1, 2, 3)];
      const { plan } = await syncs.plan(rows, { config: { batch_size: 1 } });
      const [stream] = plan.streams;
      const { calls } = await syncs.sync(rows, { config: { batch_size: 1 } });
      expect([stream?.new, stream?.unchanged]).toEqual([3, 3]);
      expect(calls).toEqual(['bulkUpdate', 'bulkUpdate', 'bulkUpdate']);
    }));

  it('fails with the ledger of another project', () =>
    play(async (syncs) => {
      const named = (more = {}) => ({
        catalog: aCatalog(),
        config: { ledger: backend.option(syncs.harness, { name: 'mine' }), ...more },
      });
      await syncs.sync(users(1), named());
      const before = await syncs.contents();
      const result = await syncs.harness.plan([aRecord(user(1))], {
        ...named({ project_type: 'email' }),
        isText: false,
      });
      expect(result.exitCode).toBe(1);
      expect(result.errors).toMatchObject([{ failure_type: 'config_error' }]);
      expect(result.stderr).toContain('ledger_project_mismatch');
      expect(await syncs.contents()).toEqual(before);
    }));
});

describe('a plan with a ledger in SQLite', () => {
  it('fails while another run has the ledger open, and does not change the file and log of a killed run', () =>
    withSyncs(SQLITE, config, async (syncs) => {
      await syncs.sync(users(1));
      let planned: Awaited<ReturnType<typeof syncs.harness.plan>> | undefined;
      let kill = () => undefined as unknown;
      syncs.harness.standin.intercept = ({ path }) => {
        if (!path.endsWith('/bulkUpdate')) return undefined;
        void syncs.harness
          .plan([aRecord(user(2))], {
            config: { ...config, ledger: SQLITE.option(syncs.harness) },
            isText: false,
          })
          .then((result) => {
            planned = result;
            kill();
          });
        return { hang: true };
      };
      await syncs.run(users(2), {
        onSpawn: (child) => {
          kill = () => child.kill('SIGKILL');
        },
      });
      syncs.harness.standin.intercept = undefined;
      expect(planned?.exitCode).toBe(1);
      expect(planned?.errors).toMatchObject([{ failure_type: 'transient_error' }]);
      expect(planned?.stderr).toContain('Another run has the ledger');
      const files = readdirSync(syncs.harness.files.folder);
      expect(files).toContain('ledger.sqlite-wal');
      // syncs.plan compares all contents, including the names of files.
      const { exitCode, plan } = await syncs.plan(users(1, 2));
      expect(exitCode).toBe(0);
      // The run was killed before the second call was answered: its row has an entry, but is unconfirmed.
      expect(plan.streams).toMatchObject([{ changed: 1, unchanged: 1 }]);
      await syncs.sync(users(1, 2));
    }));
});

describe('a plan without a ledger', () => {
  it('prints as text what is known, and what is not', () =>
    withHarness({}, async (harness) => {
      harness.standin.store.fields.types.set('n', 'long');
      const { lines, exitCode, stderr } = await harness.plan(
        [
          ...userLines(1500, Infinity, (n) => ({ segments: n % 2 === 0 ? ['Even'] : [] })),
          aRecord({ email: 'ada@example.com', n: 'many' }),
          aRecord({ email: 'bob@example.com', _ab_cdc_deleted_at: '2026-01-01' }),
          'noise\n',
          aState(1),
        ],
        {
          config: {
            lists: [{ kind: 'names', source: 'segments' }],
            rejected_records: { type: 'file', path: harness.files.path('r.jsonl') },
          },
        },
      );
      expect(exitCode).toBe(0);
      expect(stderr).toBe('');
      const text = lines.join('\n');
      expect(text).toMatch(/^ {2}created or updated +1,500$/m);
      expect(text).toMatch(/^ {2}removed +0$/m);
      expect(text).toMatch(/^ {2}not in Iterable +1 {2}marked as deleted, but no such user$/m);
      expect(text).toMatch(/^ {2}rejected +1 {2}wrong_type 1$/m);
      expect(text).toMatch(/^ {4}Even +750 join$/m);
      expect(text).toMatch(/^ {2}POST +users\/bulkUpdate +2 /m);
      expect(text).toMatch(/^ {2}DELETE +users\/\{email\} +1 /m);
      expect(text).toContain('Lists that it would create: Even.');
      expect(text).toContain('without a ledger all of them are sent');
      expect(text).toContain('Line 1503 (5 bytes) is not a message');
      expect(text).not.toMatch(/@example|ada|bob|many/);
      expect(text).not.toContain(harness.standin.apiKey);
      expect(readdirSync(harness.files.folder).sort()).toEqual(['catalog.json', 'config.json']);
      // Reads the fields, the lists, and whether the deleted user exists.
      expect(harness.standin.requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET']);
    }));

  it('makes the same look-ups as `write`', () =>
    withHarness({}, async (harness) => {
      for (const n of [1, 2]) harness.addUser({ email: `user${n}@example.com` });
      const input = [1, 2, 3].map((n) => aRecord({ email: `user${n}@example.com`, n }));
      const { plan } = await harness.planJsonInProcess(input, { config: { sync_mode: 'enrich' } });
      expect(plan.streams).toMatchObject([{ created_or_updated: 2, skipped: { not_in_iterable: 1 } }]);
      expect(plan.calls).toContainEqual(expect.objectContaining({ endpoint: 'users/getByEmail', calls: 3 }));
    }));

  it('looks up which users Iterable would skip, and does not count these calls', () =>
    withHarness({ projectType: 'email' }, async (harness) => {
      harness.standin.store.write({
        email: 'a@x.com',
        dataFields: { userId: 'u1' },
        preferUserId: false,
        mergeNestedObjects: false,
      });
      const options = { config: { sync_mode: 'enrich', identify_by: 'user_id' } };
      const input = ['u1', 'u2'].map((userId) => aRecord({ userId, n: 1 }));
      const { plan } = await harness.planJsonInProcess(input, options);
      expect(plan.streams).toMatchObject([{ created_or_updated: 1, skipped: { not_in_iterable: 1 } }]);
      expect(plan.calls.map(({ endpoint }) => endpoint).sort()).toEqual([
        'users/bulkUpdate',
        'users/getFields',
      ]);
      const written = await harness.writeInProcess(input, options);
      expect(written.logs).toContain(
        summaryLine('users', { received: 2, delivered: 1, skipped: { not_in_iterable: 1 } }),
      );
    }));

  it('does not wait for the end of deletions that are only simulated', () =>
    withHarness({}, async (harness) => {
      harness.addUser({ email: 'ada@example.com' });
      const { plan } = await harness.planJsonInProcess([
        aRecord({ email: 'ada@example.com', _ab_cdc_deleted_at: '2026-01-01' }),
        ...userLines(1000),
        aRecord({ email: 'ada@example.com', n: 1 }),
      ]);
      expect(plan.streams).toMatchObject([{ received: 1002, removed: 1, created_or_updated: 1001 }]);
      expect(harness.standin.store.size).toBe(1);
    }));

  it.each(['hybrid', 'email'] as const)('simulates a chain of address changes (%s)', (projectType) =>
    withHarness({ projectType }, async (harness) => {
      harness.addUser({ email: 'a@example.com' });
      const options = {
        config: { previous_email_column: 'was', batch_size: 1 },
        catalog: aCatalog(aStream({ primaryKey: [['id']] })),
      };
      const input = [
        aRecord({ id: 1, email: 'b@example.com', was: 'a@example.com' }),
        aRecord({ id: 1, email: 'c@example.com', was: 'b@example.com' }),
      ];
      const { plan } = await harness.planJsonInProcess(input, options);
      const written = await harness.writeInProcess(input, options);
      expect(written.exitCode).toBe(0);
      const count = (end: string) =>
        harness.standin.requests.filter(({ method, path }) => method === 'POST' && path.endsWith(end)).length;
      for (const end of ['updateEmail', 'update', 'bulkUpdate'])
        expect([end, plan.calls.find(({ endpoint }) => endpoint.endsWith(`/${end}`))?.calls ?? 0]).toEqual([
          end,
          count(`/${end}`),
        ]);
      expect(harness.standin.store.users().map(({ email }) => email)).toEqual(['c@example.com']);
    }),
  );

  it('names the fields that Iterable would drop', () =>
    withHarness({}, async (harness) => {
      harness.standin.store.fields.types.set('n', 'long');
      const input = [aRecord({ email: 'ada@example.com', n: 1, misspelt: 1 })];
      const { lines } = await harness.plan(input, { config: { create_new_fields: false } });
      expect(lines.join('\n')).toContain(
        'would drop, since it does not know them (create_new_fields is off): misspelt.',
      );
    }));

  it('fails like other commands if no plan can be made, and explains the error on stderr, though that is no terminal', () =>
    withHarness({}, async (harness) => {
      const config = { batch_size: 0 };
      for (const command of [['plan'], ['plan', '--json']]) {
        const broken = await runConnector({ args: harness.args(command, { config }) });
        expect(broken.exitCode).toBe(1);
        expect(broken.messages).toHaveLength(1);
        expect(broken.errors).toMatchObject([{ failure_type: 'config_error' }]);
        expect(broken.stderr).toMatch(
          /^Failed: batch_size.*\nNext: {3}Change what .*\n +\(config_invalid; .*\)\n$/,
        );
        // eslint-disable-next-line no-control-regex -- no colors: this goes to logs
        expect(broken.stderr).not.toMatch(/\x1b/);
      }
      expect((await harness.write('', { config })).stderr).toBe('');
      const unstorable = await harness.plan('', {
        config: { rejected_records: { type: 'file', path: harness.files.path('no/folder') } },
        isText: false,
      });
      expect(unstorable.stderr).toContain('rejected_records');
      expect(unstorable.exitCode).toBe(1);
    }));

  it('prints why `write` would fail', () =>
    withHarness({}, async (harness) => {
      const { lines, exitCode } = await harness.plan([aRecord({ email: 'ada@example.com' }), '{"type":']);
      expect(exitCode).toBe(1);
      expect(lines[0]).toBe(
        '`write` would fail with this input. Nothing was changed, in Iterable or in the ledger.',
      );
      expect(lines.join('\n')).toMatch(/^Failed: .*Line 2/m);
      expect(lines.join('\n')).toMatch(/^ {2}created or updated +1$/m);
    }));
});

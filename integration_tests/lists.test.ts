import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { withHarness } from './support/harness.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';
import { userLines } from './support/with-users.ts';

const GONE = { _ab_cdc_deleted_at: '2026-01-01' };
const named = { kind: 'names', source: 'segments' };
const flag = { kind: 'flag', source: 'vip', list: 'VIP' };
const all = { kind: 'all', list: 'Everyone' };

describe.each(['hybrid', 'email', 'user_id'] as const)('lists on a project of type %s', (projectType) => {
  const key = (name: string) => (projectType === 'user_id' ? { userId: name } : { email: `${name}@x.com` });
  const identity = (name: string) => (projectType === 'user_id' ? name : `${name}@x.com`);

  it('support the three kinds of rules, and missing lists are created once', () =>
    withHarness({ projectType, lists: [{ name: 'VIP', listType: 'Standard' }] }, async (harness) => {
      const config = { lists: [named, flag, all], batch_size: 2 };
      const result = await harness.write(
        [
          aRecord({ ...key('a'), segments: ['Red', ' Blue ', ''], vip: true }),
          aRecord({ ...key('b'), segments: 'Red, Green,,', vip: 'no' }),
          aRecord({ ...key('c'), segments: null, vip: null }),
          aRecord({ ...key('d') }),
          aState(1),
        ],
        { config },
      );
      expect(result.errors).toEqual([]);
      const members = (list: string) => harness.standin.members(list);
      expect([
        members('Red'),
        members('Blue'),
        members('Green'),
        members('VIP'),
        members('Everyone'),
      ]).toEqual([
        [identity('a'), identity('b')],
        [identity('a')],
        [identity('b')],
        [identity('a')],
        [identity('a'), identity('b'), identity('c'), identity('d')],
      ]);
      expect(harness.standin.calls('/lists').filter(({ method }) => method === 'POST')).toHaveLength(4);
      // The columns of the rules are not sent as fields.
      expect(harness.standin.store.users().map(({ dataFields }) => dataFields)).toEqual([{}, {}, {}, {}]);
      // A false flag removes the user from the list; an absent column, or one nulled by the source, changes nothing.
      await harness.writeInProcess(
        [
          aRecord({ ...key('a'), vip: false }),
          aRecord({ ...key('b'), vip: 1 }),
          aRecord(
            { ...key('c'), vip: null },
            { meta: { changes: [{ field: 'vip', change: 'NULLED', reason: 'SOURCE_RETRIEVAL_ERROR' }] } },
          ),
        ],
        { config },
      );
      expect(members('VIP')).toEqual([identity('b')]);
      expect(members('Red')).toEqual([identity('a'), identity('b')]);
    }));

  it('with remove_from_lists, a deletion removes the user from the lists that rules and record name, and from no others', () =>
    withHarness({ projectType }, async (harness) => {
      const config = { lists: [named, flag, all], removal: 'remove_from_lists' };
      await harness.writeInProcess([aRecord({ ...key('a'), segments: 'Red,Blue', vip: true })], { config });
      await harness.writeInProcess(
        [
          // An unreadable list column does not prevent a deletion.
          aRecord({ ...key('a'), segments: 'Red', vip: 'who knows', ...GONE }),
          aRecord({ ...key('unknown'), ...GONE }),
        ],
        { config },
      );
      expect(['Red', 'Blue', 'VIP', 'Everyone'].map((list) => harness.standin.members(list))).toEqual([
        [],
        [identity('a')],
        [],
        [],
      ]);
      expect(harness.standin.store.size).toBe(1);
    }));
});

describe('lists', () => {
  it('get users in bulk, after the update, without the rejected ones', () =>
    withHarness({}, async (harness) => {
      harness.standin.store.forgotten.add('user7@example.com');
      // As a child process: in this one, where waits are shortened, a busy machine would send batches before they are full.
      const result = await harness.write([...userLines(2500), aState(1)], {
        config: { lists: [all] },
      });
      expect(result.states[0]).toContain('"recordCount":2499.0,"rejectedRecordCount":1.0');
      expect(harness.standin.members('Everyone')).toHaveLength(2499);
      expect(harness.standin.calls('/subscribe').length).toBeLessThanOrEqual(4);
    }));

  it('with 500 names in one stream are fast: about one call per list', () =>
    withHarness({}, async (harness) => {
      const lines = userLines(5000, 5000, (index) => ({ segments: `List ${index % 500}` }));
      const result = await harness.write(lines, {
        config: { lists: [named], requests_per_second: 5000 },
      });
      expect(result.states).toHaveLength(1);
      expect(harness.standin.members('List 499')).toHaveLength(10);
      expect(harness.standin.calls('/subscribe').length).toBeLessThanOrEqual(600);
    }));

  it('that are new are waited for until they are usable, and are created once although the answer was lost', () =>
    withHarness({ listUsableAfterTries: 2 }, async (harness) => {
      harness.standin.faults.order({
        route: 'createList',
        fault: { reset: true, afterApplying: true },
        times: 1,
      });
      const result = await harness.writeInProcess([aRecord({ email: 'a@x.com' }), aState(1)], {
        config: { lists: [all] },
      });
      expect(result.states).toHaveLength(1);
      expect(harness.standin.members('Everyone')).toEqual(['a@x.com']);
      expect(harness.standin.lists.all()).toHaveLength(1);
    }));

  it('that others have just created, such as an earlier run, are waited for as well', () =>
    withHarness({ listUsableAfterTries: 2 }, async (harness) => {
      harness.standin.lists.create('Everyone', undefined);
      const result = await harness.writeInProcess([aRecord({ email: 'a@x.com' }), aState(1)], {
        config: { lists: [all] },
      });
      expect(result.errors).toEqual([]);
      expect(result.states).toHaveLength(1);
      expect(harness.standin.members('Everyone')).toEqual(['a@x.com']);
    }));

  it('that are deleted during the sync make it fail; the next sync creates them again', () =>
    withHarness({ lists: [{ name: 'Everyone', listType: 'Standard' }] }, async (harness) => {
      let reads = 0;
      harness.standin.intercept = ({ method, path }) => {
        if (path.endsWith('/subscribe'))
          return { status: 400, body: '{"code":"BadParams","msg":"error.lists.invalidListId: 1"}' };
        return method === 'GET' && path === '/api/lists' && ++reads > 1
          ? { status: 200, body: '{"lists":[]}' }
          : undefined;
      };
      const result = await harness.writeInProcess([aRecord({ email: 'a@x.com' }), aState(1)], {
        config: { lists: [all] },
      });
      expect(result.errors).toMatchObject([
        { failure_type: 'config_error', message: expect.stringContaining('no longer has the list Everyone') },
      ]);
      expect(result.states).toEqual([]);
    }));

  it('that Iterable refuses to create make the sync fail with an error that names the list', () =>
    withHarness({}, async (harness) => {
      harness.standin.intercept = ({ method, path }) =>
        method === 'POST' && path === '/api/lists'
          ? { status: 400, body: '{"code":"BadParams","msg":"no such name"}' }
          : undefined;
      const result = await harness.writeInProcess([aRecord({ email: 'a@x.com' }), aState(1)], {
        config: { lists: [all] },
      });
      expect(result.errors).toMatchObject([
        {
          failure_type: 'config_error',
          message:
            "lists: the list Everyone can't be created: Iterable answered lists with HTTP 400 (BadParams). Fix the name, or create the list in Iterable.",
        },
      ]);
    }));

  it('with the same name: the oldest is used; names are case-sensitive', () =>
    withHarness(
      {
        lists: [
          { name: 'VIP', listType: 'Standard', id: 5, createdAt: 200 },
          { name: 'VIP', listType: 'Standard', id: 9, createdAt: 100 },
          { name: 'vip', listType: 'Standard', id: 1, createdAt: 1 },
        ],
      },
      async (harness) => {
        await harness.writeInProcess([aRecord({ email: 'a@x.com', vip: true })], {
          config: { lists: [flag] },
        });
        expect([5, 9, 1].map((id) => harness.standin.members(id))).toEqual([[], ['a@x.com'], []]);
      },
    ));

  it('are read from the text formats of databases and scripts; text in another format creates no list, and its record is rejected', () =>
    withHarness({}, async (harness) => {
      const column = (name: string, segments: unknown) => aRecord({ email: `${name}@x.com`, segments });
      const result = await harness.writeInProcess(
        [
          column('a', '{VIP,"Big spenders"}'),
          column('b', "['VIP', 'Gold']"),
          column('c', ['{}', 'null'].join(',')),
          column('d', '{}'),
          column('e', ' NULL '),
          column('f', '["VIP", 7.0]'),
          column('g', '{"VIP": true}'),
          column('h', '"VIP"'),
          // Replaced in the text, to keep the notation of the numbers.
          column('i', 0).replace('"segments":0', '"segments":[7, 7E+0, 9007199254740993]'),
          aState(1),
        ],
        {
          config: {
            lists: [named],
            rejected_records: { type: 'file', path: harness.files.path('rejected') },
          },
        },
      );
      expect(result.states[0]).toContain('"recordCount":6.0,"rejectedRecordCount":3.0');
      const lists = harness.standin.lists.all().map(({ name }) => [name, harness.standin.members(name)]);
      expect(Object.fromEntries(lists)).toEqual({
        VIP: ['a@x.com', 'b@x.com', 'f@x.com'],
        'Big spenders': ['a@x.com'],
        Gold: ['b@x.com'],
        '7': ['f@x.com', 'i@x.com'],
        '9007199254740993': ['i@x.com'],
      });
      const reason = expect.stringMatching(/^expected list names as .*; found text in another notation$/);
      expect(
        readFileSync(harness.files.path('rejected'), 'utf8')
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
      ).toMatchObject([3, 7, 8].map((line) => ({ line, code: 'wrong_type', field: 'segments', reason })));
    }));

  it('are found without regard to spaces around their names, in rules, columns and Iterable', () =>
    withHarness({ lists: [{ name: ' Gold ', listType: 'Standard' }] }, async (harness) => {
      const config = {
        lists: [named, { ...flag, list: 'VIP ' }, { ...all, list: ' Gold' }],
        create_missing_lists: true,
      };
      await harness.writeInProcess(
        [
          aRecord({ email: 'a@x.com', segments: ['VIP'], vip: false }),
          aRecord({ email: 'b@x.com', vip: true }),
        ],
        { config },
      );
      const lists = harness.standin.lists.all().map(({ name }) => [name, harness.standin.members(name)]);
      expect(Object.fromEntries(lists)).toEqual({
        VIP: ['a@x.com', 'b@x.com'],
        ' Gold ': ['a@x.com', 'b@x.com'],
      });
      // If both exist, the exact match is used.
      harness.standin.lists.create('Gold', undefined);
      await harness.writeInProcess([aRecord({ email: 'c@x.com' })], { config });
      expect([harness.standin.members('Gold'), harness.standin.members(' Gold ')]).toEqual([
        ['c@x.com'],
        ['a@x.com', 'b@x.com'],
      ]);
    }));

  it.each([
    [
      { lists: [flag] },
      [{ name: 'VIP', listType: 'Dynamic' }],
      'lists[0].list: the list VIP is no static list',
    ],
    [
      { lists: [flag] },
      [{ name: 'VIP ', listType: 'Dynamic' }],
      'lists[0].list: the list VIP is no static list',
    ],
    [{ lists: [all], create_missing_lists: false }, [], 'lists[0].list: Iterable has no list Everyone'],
    [{ lists: [flag, { ...all, list: ' ' }] }, [], 'lists[1].list: must not be blank'],
    [{ lists: [{ kind: 'odd' }] }, [], 'lists[0].kind: must be one of names, flag, all'],
    [{ lists: [{ kind: 'flag', source: 'x' }] }, [], 'lists[0].list: is required'],
  ])('that can’t be used are reported by check and by write: %j', (config, lists, problem) =>
    withHarness({ lists }, async (harness) => {
      const check = await harness.checkInProcess(config);
      expect(check.messages.at(-1)?.connectionStatus?.message).toContain(problem);
      const result = await harness.writeInProcess(aRecord({ email: 'a@x.com', vip: true }), { config });
      expect(result.errors).toMatchObject([
        { failure_type: 'config_error', message: expect.stringContaining(problem) },
      ]);
      expect(harness.standin.store.size).toBe(0);
    }),
  );

  it('named by a column that can’t be used make the sync fail; a record with unreadable names is rejected', () =>
    withHarness({ lists: [{ name: 'Smart', listType: 'Dynamic' }] }, async (harness) => {
      const result = await harness.writeInProcess(
        [aRecord({ email: 'a@x.com', segments: 'Smart' }), aState(1)],
        {
          config: { lists: [named] },
        },
      );
      expect(result.errors).toMatchObject([
        { failure_type: 'config_error', message: expect.stringContaining('Smart') },
      ]);
      expect(result.states).toEqual([]);
      const rejected = await harness.writeInProcess(
        [
          aRecord({ email: 'b@x.com', segments: { a: 1 } }),
          aRecord({ email: 'c@x.com', vip: 'perhaps' }),
          aState(1),
        ],
        {
          config: { lists: [named, flag] },
        },
      );
      expect(rejected.states[0]).toContain('"rejectedRecordCount":2.0');
    }));

  it('follow rules only for the stream that the rule names', () =>
    withHarness({}, async (harness) => {
      const result = await harness.writeInProcess(
        [aRecord({ email: 'a@x.com' }, { stream: 'a' }), aRecord({ email: 'b@x.com' }, { stream: 'b' })],
        {
          catalog: aCatalog(aStream({ name: 'a' }), aStream({ name: 'b' })),
          config: { lists: [{ ...all, stream: 'b' }] },
        },
      );
      expect(result.exitCode).toBe(0);
      expect(harness.standin.members('Everyone')).toEqual(['b@x.com']);
    }));
});

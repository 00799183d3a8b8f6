import { describe, expect, it } from '@jest/globals';
import type { Caller } from '../../src/delivery/caller.ts';
import { KnownUsers } from '../../src/delivery/known-users.ts';
import type { IterableClient, Operation } from '../../src/iterable/client.ts';
import type { Upsert } from '../../src/model.ts';
import type { PendingRecord } from '../../src/sync/pending-record.ts';
import { UpsertRoutes, type Route, type UpsertRoutesOptions } from '../../src/sync/upsert-routes.ts';
import { HandClock } from '../support/hand-clock.ts';
import { anUpsert, keyOf } from '../support/rows.ts';
import { aRecord, aRemoval, aTask, taskOf } from '../support/tasks.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const OLD = 'old@x.com';

type Options = Partial<Pick<UpsertRoutesOptions, 'enriched' | 'refusesUnknownIds' | 'movesBySingleCalls'>>;
const ENRICHES: Options = { enriched: new Set(['users']) };
const REFUSES_UNKNOWN_IDS: Options = { ...ENRICHES, refusesUnknownIds: true };

/** Routes in a project where these addresses and ids exist. */
function theRoutes(options: Options = {}, ...existing: string[]) {
  const clock = new HandClock();
  const asked: string[] = [];
  const lookUp = (value: string) => ({
    attempt: () => {
      asked.push(value);
      return Promise.resolve(existing.includes(value) ? {} : undefined);
    },
  });
  const client = { getByEmail: lookUp, getByUserId: lookUp } as unknown as IterableClient;
  const caller = { call: <T>(operation: Operation<T>) => operation.attempt() } as unknown as Caller;
  const known = new KnownUsers(caller, client, { clock, identities: ['email', 'userId'], maxLookUps: 100 });
  const routes = new UpsertRoutes({
    known,
    clock,
    enriched: new Set(),
    refusesUnknownIds: false,
    keepsDistance: false,
    movesBySingleCalls: true,
    ...options,
  });
  const routeOf = async (change: Upsert, rest: Partial<PendingRecord> = {}) =>
    (await routes.find([aTask(aRecord(change, rest))]))[0];
  return { routes, asked, existing, routeOf };
}

const moving = (rest: Partial<Upsert> = {}) => anUpsert(A, {}, { previousEmail: OLD, ...rest });

describe('the route of an upsert has to be found out', () => {
  it.each<[string, Options, Upsert, boolean]>([
    ['where it names a previous address', {}, moving(), true],
    ['where its stream creates no users', ENRICHES, anUpsert(A), true],
    ['where its stream creates no users, by the id', ENRICHES, anUpsert('u1'), true],
    ['not where Iterable itself refuses unknown ids', REFUSES_UNKNOWN_IDS, anUpsert('u1'), false],
    ['for an address, which Iterable does not refuse', REFUSES_UNKNOWN_IDS, anUpsert(A), true],
    ['not otherwise', {}, anUpsert(A, { email: A, userId: 'u1' }), false],
  ])('%s', (_name, options, change, expected) => {
    expect(theRoutes(options).routes.mustAsk(taskOf(change))).toBe(expected);
  });

  it('by the kind of its key, and by its stream', () => {
    const { routes } = theRoutes({ enriched: new Set(['leads']), refusesUnknownIds: true });
    const asking = ['users', 'leads'].flatMap((streamKey) =>
      [A, 'u1'].map((key) => routes.mustAsk(aTask(aRecord(anUpsert(key), { streamKey })))),
    );
    expect(asking).toEqual([false, false, true, false]);
  });

  it('and of a removal never: it has none', async () => {
    const { routes } = theRoutes(ENRICHES);
    const task = taskOf(aRemoval({ email: A }));
    expect(routes.mustAsk(task)).toBe(false);
    await expect(routes.find([task])).rejects.toThrow('removal');
  });
});

describe('the route', () => {
  it.each<[string, Options, string[], Upsert, Route]>([
    ['is in bulk for a known user', ENRICHES, [A], anUpsert(A), 'bulk'],
    ['skips an unknown user, where none may be created', ENRICHES, [], anUpsert(A), 'skip'],
    ['skips an unknown id', ENRICHES, [A], anUpsert('u1', { email: A }), 'skip'],
    ['is in bulk for an unknown id that Iterable refuses', REFUSES_UNKNOWN_IDS, [], anUpsert('u1'), 'bulk'],
    ['moves the profile', {}, [OLD], moving(), 'move'],
    ['moves it in bulk where bulk calls can', { movesBySingleCalls: false }, [OLD], moving(), 'move in bulk'],
    ['moves it where none may be created, too', ENRICHES, [OLD], moving(), 'move'],
    ['leaves the profile where the new address is there', {}, [OLD, A], moving(), 'bulk'],
    ['leaves it where both are there, and creates no user', ENRICHES, [OLD, A], moving(), 'bulk'],
    ['creates the new one where neither is there', {}, [], moving(), 'bulk'],
    ['skips where neither is there and none may be created', ENRICHES, [], moving(), 'skip'],
    [
      'is in bulk where neither is there and Iterable refuses the unknown id',
      REFUSES_UNKNOWN_IDS,
      [],
      anUpsert('u1', { email: A }, { previousEmail: OLD }),
      'bulk',
    ],
    [
      'moves the profile of a user who is identified by the id',
      {},
      [OLD, 'u1'],
      anUpsert('u1', { email: A }, { previousEmail: OLD }),
      'move',
    ],
    [
      'skips an unknown id though both addresses are there',
      ENRICHES,
      [OLD, A],
      anUpsert('u1', { email: A }, { previousEmail: OLD }),
      'skip',
    ],
  ])('%s', async (_name, options, existing, change, expected) => {
    expect(await theRoutes(options, ...existing).routeOf(change)).toBe(expected);
  });

  it('is one for each task, in order, from lookups of what is in question alone', async () => {
    const { routes, asked } = theRoutes(ENRICHES, A, 'u2');
    const tasks = [
      taskOf(anUpsert(A, { userId: 'u9' })),
      taskOf(anUpsert(B)),
      taskOf(anUpsert('u2', { email: B })),
    ];
    expect(await routes.find(tasks)).toEqual(['bulk', 'skip', 'bulk']);
    expect(asked).toEqual([A, B, 'u2']);
  });

  it('needs both addresses of a move, and the id where that leads to the profile', async () => {
    const { asked, routeOf } = theRoutes();
    await routeOf(moving());
    expect(asked.splice(0)).toEqual([A, OLD]);
    await routeOf(anUpsert('u1', { email: B }, { previousEmail: OLD }));
    expect(asked).toEqual([B, OLD, 'u1']);
  });
});

describe('a user whom this run has written', () => {
  it('is known, though lookups do not show it yet', async () => {
    const { routes, routeOf } = theRoutes(ENRICHES);
    routes.noteWritten(taskOf(anUpsert(A, { userId: 'u1' })));
    expect([await routeOf(anUpsert(A)), await routeOf(anUpsert('u1')), await routeOf(anUpsert(B))]).toEqual([
      'bulk',
      'bulk',
      'skip',
    ]);
  });

  it('is unknown once it is removed', async () => {
    const { routes, routeOf } = theRoutes(ENRICHES, A);
    routes.noteRemoved(keyOf(A));
    expect(await routeOf(anUpsert(A))).toBe('skip');
  });

  it('leaves its previous address', async () => {
    const { routes, routeOf } = theRoutes(ENRICHES, OLD);
    routes.noteMoved(moving(), 'bulk call');
    routes.noteWritten(taskOf(moving()));
    expect(await routeOf(anUpsert(OLD))).toBe('skip');
    expect(await routeOf(anUpsert(B, {}, { previousEmail: OLD }))).toBe('skip');
  });

  it('is looked up again after a conflict: the move may have been made without an answer', async () => {
    const { routes, routeOf, existing } = theRoutes({}, OLD);
    routes.noteWritten(taskOf(anUpsert(OLD)));
    await routes.noteConflict(moving());
    expect(await routeOf(moving())).toBe('move');
    existing.pop();
    await routes.noteConflict(moving());
    expect(await routeOf(moving())).toBe('bulk');
    await routes.noteConflict(anUpsert(A));
  });

  it.each<[string, Partial<PendingRecord>, Partial<PendingRecord>, Route]>([
    ['another row of the stream', { primaryKey: '[1]' }, { primaryKey: '[2]' }, 'bulk'],
    ['a row of another stream', { primaryKey: '[1]' }, { primaryKey: '[1]', streamKey: 'leads' }, 'bulk'],
    ['the same row, which moves', { primaryKey: '[1]' }, { primaryKey: '[1]' }, 'move'],
    ['a record that nothing tells from the row: it moves', { primaryKey: '[1]' }, {}, 'move'],
    ['a row, where nothing told the earlier record: it moves', {}, { primaryKey: '[1]' }, 'move'],
  ])('keeps its address from %s', async (_name, earlier, later, expected) => {
    const { routes } = theRoutes();
    routes.noteWritten(aTask(aRecord(anUpsert(OLD), earlier)));
    const task = aTask(aRecord(moving(), later));
    expect(await routes.find([task])).toEqual([expected]);
    expect(task.staysBehind).toBe(expected === 'bulk');
  });

  it('is told by the user id where there is no primary key', async () => {
    const { routes, routeOf } = theRoutes();
    routes.noteWritten(taskOf(anUpsert(OLD, { userId: 'u1' })));
    expect(await routeOf(moving({ values: { userId: 'u1' } }))).toBe('move');
    expect(await routeOf(moving({ values: { userId: 'u2' } }))).toBe('bulk');
    routes.noteWritten(taskOf(anUpsert('u3', { email: OLD })));
    expect(await routeOf(moving({ values: { userId: 'u3' } }))).toBe('move');
    expect(await routeOf(moving({ values: { userId: 'u1' } }))).toBe('bulk');
  });

  it('is told by the last of merged records, and a move by the first', async () => {
    const { routes } = theRoutes();
    const rows = ['[1]', '[2]'].map((primaryKey) => aRecord(anUpsert(OLD), { primaryKey }));
    routes.noteWritten(aTask(...rows));
    const moves = rows.map(({ primaryKey }) => aRecord(moving(), { primaryKey }));
    const [first, last] = await routes.find([aTask(...moves), aTask(...moves.reverse())]);
    expect([first, last]).toEqual(['bulk', 'move']);
  });
});

it('a task of which the new address is taken is marked: its profile stays behind', async () => {
  const { routes } = theRoutes({}, A, OLD);
  const tasks = [taskOf(moving()), taskOf(moving({ key: keyOf(B) })), taskOf(anUpsert(A))];
  await routes.find(tasks);
  expect(tasks.map(({ staysBehind }) => staysBehind)).toEqual([true, false, false]);
});

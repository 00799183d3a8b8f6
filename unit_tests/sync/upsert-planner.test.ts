import { describe, expect, it } from '@jest/globals';
import type { Caller } from '../../src/delivery/caller.ts';
import { KnownUsers } from '../../src/delivery/known-users.ts';
import type { IterableClient, Operation } from '../../src/iterable/client.ts';
import type { Upsert } from '../../src/model.ts';
import type { PendingRecord } from '../../src/sync/pending-record.ts';
import { UpsertPlanner, type UpsertPlannerOptions } from '../../src/sync/upsert-planner.ts';
import { HandClock } from '../support/hand-clock.ts';
import { anUpsert, keyOf } from '../support/rows.ts';
import { aRecord, aRemoval, aWork, workOf } from '../support/works.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const OLD = 'old@x.com';

type Options = Partial<Pick<UpsertPlannerOptions, 'isEnriched' | 'refusesStrangers' | 'changesByOwnCalls'>>;
const ENRICHES: Options = { isEnriched: () => true };

/** A planner in a project where these addresses and ids exist. */
function aPlanner(options: Options = {}, ...existing: string[]) {
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
  const planner = new UpsertPlanner({
    known,
    clock,
    isEnriched: () => false,
    refusesStrangers: () => false,
    changesByOwnCalls: false,
    ...options,
  });
  const planOf = async (change: Upsert, rest: Partial<PendingRecord> = {}) =>
    (await planner.plan([aWork(aRecord(change, rest))]))[0];
  return { planner, clock, asked, existing, planOf };
}

const moving = (rest: Partial<Upsert> = {}) => anUpsert(A, {}, { previousEmail: OLD, ...rest });

describe('an upsert has to be planned', () => {
  it.each<[string, Options, Upsert, boolean]>([
    ['where it names a previous address', {}, moving(), true],
    ['where it may create nobody', ENRICHES, anUpsert(A), true],
    [
      'not where Iterable itself refuses unknown users',
      { ...ENRICHES, refusesStrangers: () => true },
      anUpsert(A),
      false,
    ],
    ['not otherwise', {}, anUpsert(A, { email: A, userId: 'u1' }), false],
  ])('%s', (_name, options, change, expected) => {
    expect(aPlanner(options).planner.concerns(workOf(change))).toBe(expected);
  });

  it('by the kind of its key, and by its stream', () => {
    const { planner } = aPlanner({
      isEnriched: (stream) => stream === 'leads',
      refusesStrangers: ({ kind }) => kind === 'userId',
    });
    const concerned = ['users', 'leads'].flatMap((streamKey) =>
      [A, 'u1'].map((key) => planner.concerns(aWork(aRecord(anUpsert(key), { streamKey })))),
    );
    expect(concerned).toEqual([false, false, true, false]);
  });

  it('and a removal never', async () => {
    const { planner } = aPlanner(ENRICHES);
    const work = workOf(aRemoval({ email: A }));
    expect(planner.concerns(work)).toBe(false);
    expect(await planner.plan([work])).toEqual(['bulk']);
  });
});

describe('the plan', () => {
  it.each<[string, Options, string[], Upsert, string]>([
    ['writes a user who is there', ENRICHES, [A], anUpsert(A), 'bulk'],
    ['skips one who is not, where none may be created', ENRICHES, [], anUpsert(A), 'skip'],
    ['skips an unknown id', ENRICHES, [A], anUpsert('u1', { email: A }), 'skip'],
    ['changes the address of the profile', {}, [OLD], moving(), 'change address'],
    ['changes it where none may be created, too', ENRICHES, [OLD], moving(), 'change address'],
    ['leaves the profile where the new address is there', {}, [OLD, A], moving(), 'bulk'],
    ['leaves it where both are there, and creates nobody', ENRICHES, [OLD, A], moving(), 'bulk'],
    ['creates the new one where neither is there', {}, [], moving(), 'bulk'],
    ['skips where neither is there and none may be created', ENRICHES, [], moving(), 'skip'],
    [
      'leaves it to Iterable to refuse the new one, where that does',
      { ...ENRICHES, refusesStrangers: () => true },
      [],
      moving(),
      'bulk',
    ],
    [
      'changes the address of a user who goes by the id',
      {},
      [OLD, 'u1'],
      anUpsert('u1', { email: A }, { previousEmail: OLD }),
      'change address',
    ],
    [
      'skips an unknown id though both addresses are there',
      ENRICHES,
      [OLD, A],
      anUpsert('u1', { email: A }, { previousEmail: OLD }),
      'skip',
    ],
  ])('%s', async (_name, options, existing, change, expected) => {
    expect(await aPlanner(options, ...existing).planOf(change)).toBe(expected);
  });

  it('is one for each work, in order, from look-ups of what is in question alone', async () => {
    const { planner, asked } = aPlanner(ENRICHES, A, 'u2');
    const works = [
      workOf(anUpsert(A, { userId: 'u9' })),
      workOf(anUpsert(B)),
      workOf(anUpsert('u2', { email: B })),
    ];
    expect(await planner.plan(works)).toEqual(['bulk', 'skip', 'bulk']);
    expect(asked).toEqual([A, B, 'u2']);
  });

  it('asks for both addresses of a move, and for the id where that leads to the profile', async () => {
    const { asked, planOf } = aPlanner();
    await planOf(moving());
    expect(asked.splice(0)).toEqual([A, OLD]);
    await planOf(anUpsert('u1', { email: B }, { previousEmail: OLD }));
    expect(asked).toEqual([B, OLD, 'u1']);
  });
});

describe('what this run has written', () => {
  it('is there, though look-ups do not show it yet', async () => {
    const { planner, planOf } = aPlanner(ENRICHES);
    planner.noteWritten(workOf(anUpsert(A, { userId: 'u1' })));
    expect([await planOf(anUpsert(A)), await planOf(anUpsert('u1')), await planOf(anUpsert(B))]).toEqual([
      'bulk',
      'bulk',
      'skip',
    ]);
  });

  it('is gone once it is removed', async () => {
    const { planner, planOf } = aPlanner(ENRICHES, A);
    planner.noteRemoved(keyOf(A));
    expect(await planOf(anUpsert(A))).toBe('skip');
  });

  it('leaves its previous address', async () => {
    const { planner, planOf } = aPlanner(ENRICHES, OLD);
    planner.noteChanged(moving(), 'bulk call');
    planner.noteWritten(workOf(moving()));
    expect(await planOf(anUpsert(OLD))).toBe('skip');
    expect(await planOf(anUpsert(B, {}, { previousEmail: OLD }))).toBe('skip');
  });

  it('is asked for anew after a conflict: the move may have been made without an answer', async () => {
    const { planner, planOf, existing } = aPlanner({}, OLD);
    planner.noteWritten(workOf(anUpsert(OLD)));
    await planner.noteConflict(moving());
    expect(await planOf(moving())).toBe('change address');
    existing.pop();
    await planner.noteConflict(moving());
    expect(await planOf(moving())).toBe('bulk');
    await planner.noteConflict(anUpsert(A));
  });

  it.each<[string, Partial<PendingRecord>, Partial<PendingRecord>, string]>([
    ['another row of the stream', { primaryKey: '[1]' }, { primaryKey: '[2]' }, 'bulk'],
    ['a row of another stream', { primaryKey: '[1]' }, { primaryKey: '[1]', streamKey: 'leads' }, 'bulk'],
    ['the same row', { primaryKey: '[1]' }, { primaryKey: '[1]' }, 'change address'],
    ['a record of which nothing tells whose it is', { primaryKey: '[1]' }, {}, 'change address'],
    ['a row where nothing tells whose the earlier one was', {}, { primaryKey: '[1]' }, 'change address'],
  ])('has an address that does not move for %s', async (_name, earlier, later, expected) => {
    const { planner, planOf } = aPlanner();
    planner.noteWritten(aWork(aRecord(anUpsert(OLD), earlier)));
    expect(await planOf(moving(), later)).toBe(expected);
  });

  it('goes by the user id where there is no primary key', async () => {
    const { planner, planOf } = aPlanner();
    planner.noteWritten(workOf(anUpsert(OLD, { userId: 'u1' })));
    expect(await planOf(moving({ values: { userId: 'u1' } }))).toBe('change address');
    expect(await planOf(moving({ values: { userId: 'u2' } }))).toBe('bulk');
    planner.noteWritten(workOf(anUpsert('u3', { email: OLD })));
    expect(await planOf(moving({ values: { userId: 'u3' } }))).toBe('change address');
    expect(await planOf(moving({ values: { userId: 'u1' } }))).toBe('bulk');
  });

  it('has the last record of a work for its owner, and a move goes by the first', async () => {
    const { planner } = aPlanner();
    const rows = ['[1]', '[2]'].map((primaryKey) => aRecord(anUpsert(OLD), { primaryKey }));
    planner.noteWritten(aWork(...rows));
    const moves = rows.map(({ primaryKey }) => aRecord(moving(), { primaryKey }));
    const [first, last] = await planner.plan([aWork(...moves), aWork(...moves.reverse())]);
    expect([first, last]).toEqual(['bulk', 'change address']);
  });
});

describe('a new address that was found to be a user’s', () => {
  it('is kept in mind for its work', async () => {
    const { planner } = aPlanner({}, A);
    const [taken, free] = [workOf(moving()), workOf(moving({ key: keyOf(B) }))];
    await planner.plan([taken, free]);
    expect([taken, free].map((work) => planner.staysBehind(work))).toEqual([true, false]);
  });
});

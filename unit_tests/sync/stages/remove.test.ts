import { describe, expect, it } from '@jest/globals';
import type { Deleted, UserRemover } from '../../../src/delivery/remove-users.ts';
import type { RemovalDecision } from '../../../src/diff/removals.ts';
import type { Rejection, Removal } from '../../../src/model.ts';
import { removeUser, type RemoveContext } from '../../../src/sync/stages/remove.ts';
import type { TaskLedger } from '../../../src/sync/task-ledger.ts';
import type { Task } from '../../../src/sync/task.ts';
import type { UpsertRoutes } from '../../../src/sync/upsert-routes.ts';
import { anUpsert, keyOf } from '../../support/rows.ts';
import { failureOf, recordSteps, stepText } from '../../support/steps.ts';
import { aRemoval, taskOf } from '../../support/tasks.ts';

const A = 'a@x.com';
const B = 'b@x.com';
const REFUSED: Rejection = { code: 'forgotten', reason: 'erased' };

interface Case {
  readonly removal?: RemoveContext['removal'];
  /** What Iterable says of a deletion, by the address that it names; else the user was there. */
  readonly deleted?: Readonly<Record<string, 'not there' | 'refused' | 'away'>>;
  /** With a ledger: what it decides. */
  readonly decision?: RemovalDecision;
  readonly ledgerFails?: boolean;
  readonly hasRoutes?: boolean;
}

/** Removes the user of a task; the calls are answered at once. What happens is noted, in order. */
async function removing(given: Case = {}, task: Task = taskOf(aRemoval({ email: A, lists: ['VIP'] }))) {
  const { removal = 'delete_user', deleted = {}, decision, ledgerFails, hasRoutes = true } = given;
  const events: string[] = [];
  const removed: Removal[] = [];
  const remover: Pick<UserRemover, 'remove' | 'identify'> = {
    remove: (user: Removal): Promise<Deleted | Rejection> => {
      const name = user.email ?? '';
      removed.push(user);
      events.push(`delete ${name}`);
      if (deleted[name] === 'away') return Promise.reject(new Error('away'));
      if (deleted[name] === 'refused') return Promise.resolve(REFUSED);
      return Promise.resolve({ key: keyOf(name), others: [], wasThere: deleted[name] !== 'not there' });
    },
    identify: (user: Removal) =>
      Promise.resolve(
        user.email === undefined ? REFUSED : { key: keyOf(user.email), others: [], isKnown: true },
      ),
  };
  const ledger = {
    decideRemoval: (_task: Task, asked: Removal) => {
      events.push(`decide ${asked.email ?? ''}`);
      return Promise.resolve(decision);
    },
    keepersByProfile: () => Promise.resolve([]),
    markUnconfirmed: (tasks: readonly Task[]) => {
      events.push(`unconfirmed ${tasks.length}`);
      return ledgerFails ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
    },
  };
  const routes: Pick<UpsertRoutes, 'noteRemoved'> = {
    noteRemoved: ({ value }) => events.push(`removed ${value}`),
  };
  const { go, steps } = recordSteps();
  const context: RemoveContext = {
    remover: remover as UserRemover,
    removal,
    routes: hasRoutes ? (routes as UpsertRoutes) : undefined,
    ledger: decision && (ledger as unknown as TaskLedger),
  };
  const failure = await failureOf(removeUser(task, context, go));
  return { events, removed, steps: steps.map(([, step]) => stepText(step)), failure, taken: steps };
}

const both = [aRemoval({ email: B }), aRemoval({ email: A, lists: ['VIP'] })];
const deciding = (rest: Partial<RemovalDecision>): RemovalDecision => ({
  removals: [],
  leaves: [],
  gone: [],
  stale: [],
  ...rest,
});

describe('a removal that deletes', () => {
  it('deletes the user and ends', async () => {
    const task = taskOf(aRemoval({ email: A, lists: ['VIP'] }));
    const { events, taken } = await removing({}, task);
    expect(events).toEqual([`delete ${A}`, `removed ${A}`]);
    expect(taken).toEqual([[task, { kind: 'end', result: undefined }]]);
  });

  it('needs no routes', async () => {
    const { events, steps } = await removing({ hasRoutes: false });
    expect([events, steps]).toEqual([[`delete ${A}`], ['end delivered']]);
  });

  it.each<[string, Case, string]>([
    ['ends as not there where Iterable has no such user', { deleted: { [A]: 'not there' } }, 'not_there'],
    ['ends as rejected where it is refused', { deleted: { [A]: 'refused' } }, REFUSED.code],
    [
      'has removed a user where one of two is not there',
      { decision: deciding({ removals: both }), deleted: { [A]: 'not there' } },
      'delivered',
    ],
    [
      'ends as not there where neither of two is there',
      { decision: deciding({ removals: both }), deleted: { [A]: 'not there', [B]: 'not there' } },
      'not_there',
    ],
    [
      'ends as rejected where it is refused for one of two',
      { decision: deciding({ removals: both }), deleted: { [B]: 'refused' } },
      REFUSED.code,
    ],
    [
      'is skipped where the ledger knows no user to remove',
      { decision: deciding({ skip: 'not_in_ledger' }) },
      'not_in_ledger',
    ],
  ])('%s', async (_name, given, result) => {
    expect((await removing(given)).steps).toEqual([`end ${result}`]);
  });

  it('marks its rows unconfirmed before the first call, and not where there is none', async () => {
    const { events } = await removing({ decision: deciding({ removals: both }) });
    expect(events).toEqual([
      `decide ${A}`,
      'unconfirmed 1',
      `delete ${B}`,
      `removed ${B}`,
      `delete ${A}`,
      `removed ${A}`,
    ]);
    expect((await removing({ decision: deciding({ skip: 'not_in_ledger' }) })).events).toEqual([
      `decide ${A}`,
    ]);
  });

  it('is not made where the ledger can’t be written', async () => {
    const { events, steps, failure } = await removing({
      decision: deciding({ removals: both }),
      ledgerFails: true,
    });
    expect([events, steps, failure]).toEqual([[`decide ${A}`, 'unconfirmed 1'], [], 'the disk is full']);
  });

  it('takes both users for exported where one of them was', async () => {
    const removals = [aRemoval({ email: B, isExported: false }), aRemoval({ email: A, isExported: true })];
    const { removed } = await removing({ decision: deciding({ removals }) });
    expect(removed.map(({ isExported }) => isExported)).toEqual([true, true]);
    const none = await removing({
      decision: deciding({ removals: [aRemoval({ email: A, isExported: false })] }),
    });
    expect(none.removed.map(({ isExported }) => isExported)).toEqual([false]);
  });

  it('takes a user who stays off the lists that only this row names', async () => {
    const leaves = [aRemoval({ email: A, lists: ['VIP', 'Old'] })];
    const staying = await removing({ decision: deciding({ skip: 'held_by_another_row', leaves }) });
    expect(staying.steps).toEqual([`lists of ${A} -VIP -Old, end held_by_another_row`]);
    expect(staying.events).toEqual([`decide ${A}`, 'unconfirmed 1']);
    const leaving = await removing({ decision: deciding({ removals: [aRemoval({ email: B })], leaves }) });
    expect(leaving.steps).toEqual([`lists of ${A} -VIP -Old, end delivered`]);
  });
});

it('a removal is refused where nothing says which user who stays is to leave lists', async () => {
  const leaves = [aRemoval({ userId: 'u1', lists: ['VIP'] })];
  const { steps } = await removing({ decision: deciding({ skip: 'held_by_another_row', leaves }) });
  expect(steps).toEqual([`end ${REFUSED.code}`]);
});

describe('a removal that takes users off lists', () => {
  const removal = 'remove_from_lists';
  it.each<[string, Case, Removal, string]>([
    [
      'deletes no user',
      {},
      aRemoval({ email: A, lists: ['VIP', 'Old'] }),
      `lists of ${A} -VIP -Old, end delivered`,
    ],
    ['changes nothing where no list is named', {}, aRemoval({ email: A }), `lists of ${A}, end delivered`],
    [
      'is refused where nothing says which user is meant',
      {},
      aRemoval({ userId: 'u1', lists: ['VIP'] }),
      `end ${REFUSED.code}`,
    ],
    [
      'is for all users that the ledger names, and then for the one who stays',
      { decision: deciding({ removals: both, leaves: [aRemoval({ email: 'c@x.com', lists: ['Own'] })] }) },
      aRemoval({ email: B }),
      `lists of ${B}, lists of ${A} -VIP, lists of c@x.com -Own, end delivered`,
    ],
  ])('%s', async (_name, given, change, expected) => {
    const { steps, removed } = await removing({ removal, ...given }, taskOf(change));
    expect([steps, removed]).toEqual([[expected], []]);
  });
});

it('a removal ends nothing where a call of it fails for good', async () => {
  const { steps, failure } = await removing({ deleted: { [A]: 'away' } });
  expect([steps, failure]).toEqual([[], 'away']);
});

it('an upsert is not taken for a removal', async () => {
  const { steps, events, failure } = await removing({}, taskOf(anUpsert(A)));
  expect([steps, events]).toEqual([[], []]);
  expect(failure).toMatch(/^An upsert has come to the stage that removes users/);
});

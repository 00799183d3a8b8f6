import { describe, expect, it } from '@jest/globals';
import { readText } from '../../../src/batching/text-pages.ts';
import type { Decision } from '../../../src/diff/upserts.ts';
import type { Removal, Upsert } from '../../../src/model.ts';
import { routeUpserts } from '../../../src/sync/stages/route.ts';
import type { TaskLedger } from '../../../src/sync/task-ledger.ts';
import { upsertOf, type Task } from '../../../src/sync/task.ts';
import type { Route, UpsertRoutes } from '../../../src/sync/upsert-routes.ts';
import type { UserRequests } from '../../../src/sync/user-requests.ts';
import { anUpsert, keyOf, lists } from '../../support/rows.ts';
import { failureOf, nameOf, recordSteps } from '../../support/steps.ts';
import { aRequest, taskOf } from '../../support/tasks.ts';

interface Case {
  /** Tasks whose route has to be found out, by the user's key, each with its route. */
  readonly routes?: Readonly<Record<string, Route>>;
  /** With a ledger: what it decides, in order. */
  readonly decisions?: readonly (Decision | undefined)[];
  readonly lookupFails?: boolean;
  readonly ledgerFails?: boolean;
}

/** Routes the tasks together. What happens is noted, in order. */
async function routing(tasks: readonly Task[], given: Case = {}) {
  const { routes = {}, decisions, lookupFails, ledgerFails } = given;
  const { go, steps, events } = recordSteps();
  const upsertRoutes: Pick<UpsertRoutes, 'mustAsk' | 'find'> = {
    mustAsk: (task) => nameOf(task) in routes,
    find: (asking) => {
      events.push(`find ${asking.map(nameOf).join()}`);
      if (lookupFails) return Promise.reject(new Error('away'));
      return Promise.resolve(asking.map((task) => routes[nameOf(task)] as Route));
    },
  };
  const ledger: Pick<TaskLedger, 'decide' | 'markUnconfirmed'> = {
    decide: (asked) => {
      events.push(`decide ${asked.map(nameOf).join()}`);
      return Promise.resolve([...(decisions ?? [])]);
    },
    markUnconfirmed: (unconfirmed) => {
      events.push(`unconfirmed ${unconfirmed.map(nameOf).join()}`);
      return ledgerFails ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
    },
  };
  const requests: Pick<UserRequests, 'forTask'> = {
    forTask: (_task, key, values) => aRequest(key.value, values),
  };
  const batch = new Map(tasks.map((task) => [task, requestOf(task)]));
  const context = {
    routes: upsertRoutes as UpsertRoutes,
    requests: requests as UserRequests,
    ledger: decisions && (ledger as TaskLedger),
    remover: {
      identify: ({ email, userId }: Removal) =>
        Promise.resolve({ key: keyOf(email ?? userId ?? ''), others: [], isKnown: true }),
    },
  };
  const failure = await failureOf(routeUpserts(batch, context, go));
  /** The request with which the task goes on, where that is the one it came with. */
  const keepsRequest = (task: Task) => {
    const step = steps.find(([of]) => of === task)?.[1];
    return step?.kind === 'bulk' && step.request === batch.get(task);
  };
  return { steps, events, failure, keepsRequest };
}

const requestOf = (task: Task) => aRequest(upsertOf(task).key.value, upsertOf(task).values);
const textOf = (task: Task) => readText(requestOf(task));
const decided = (kind: Decision['kind'], change: Upsert): Decision => ({ kind, change });

describe('upserts whose route has to be found out', () => {
  it('go on by their routes', async () => {
    const tasks = ['a@x', 'b@x', 'c@x', 'd@x'].map((user) => taskOf(anUpsert(user)));
    const [a, b, c, d] = tasks as [Task, Task, Task, Task];
    const { events, keepsRequest } = await routing(tasks, {
      routes: { 'a@x': 'skip', 'b@x': 'bulk', 'c@x': 'single', 'd@x': 'move' },
    });
    expect(events).toEqual([
      'find a@x,b@x,c@x,d@x',
      'a@x: end not_in_iterable',
      `b@x: late bulk ${textOf(b)}`,
      'c@x: single call, write',
      'd@x: single call, move',
    ]);
    expect([a, b, c, d].map(keepsRequest)).toEqual([false, true, false, false]);
  });

  it('are asked for together, without those that may go in bulk anyway', async () => {
    const tasks = ['a@x', 'b@x', 'c@x'].map((user) => taskOf(anUpsert(user)));
    const { events } = await routing(tasks, { routes: { 'a@x': 'single', 'c@x': 'move' } });
    expect(events).toEqual([
      'find a@x,c@x',
      'a@x: single call, write',
      `b@x: late bulk ${textOf(tasks[1] as Task)}`,
      'c@x: single call, move',
    ]);
  });

  it('may be none: no lookup is made', async () => {
    const task = taskOf(anUpsert('a@x'));
    expect((await routing([task])).events).toEqual([`a@x: late bulk ${textOf(task)}`]);
  });

  it('go nowhere where the lookup fails for good', async () => {
    const { steps, failure } = await routing([taskOf(anUpsert('a@x')), taskOf(anUpsert('b@x'))], {
      routes: { 'a@x': 'bulk' },
      lookupFails: true,
    });
    expect([steps, failure]).toEqual([[], 'away']);
  });
});

describe('upserts that the ledger decides about', () => {
  it('end as unchanged where nothing of them is to be sent, and need no lookup', async () => {
    const task = taskOf(anUpsert('a@x'));
    const { events } = await routing([task], {
      routes: { 'a@x': 'move' },
      decisions: [decided('unchanged', upsertOf(task))],
    });
    expect(events).toEqual(['decide a@x', 'a@x: end unchanged']);
  });

  it('go to the lists where only those change, once their rows are unconfirmed', async () => {
    const tasks = ['a@x', 'b@x'].map((user) => taskOf(anUpsert(user, {}, { lists: lists('VIP', 'Old') })));
    const decisions = tasks.map((task) => decided('lists', { ...upsertOf(task), lists: lists('-Old') }));
    const { events } = await routing(tasks, { routes: { 'a@x': 'move', 'b@x': 'move' }, decisions });
    expect(events).toEqual([
      'decide a@x,b@x',
      'unconfirmed a@x,b@x',
      'a@x: lists of a@x -Old, end delivered',
      'b@x: lists of b@x -Old, end delivered',
    ]);
  });

  it('do not go to the lists where the ledger can’t be written', async () => {
    const task = taskOf(anUpsert('a@x'));
    const { steps, failure } = await routing([task], {
      decisions: [decided('lists', upsertOf(task))],
      ledgerFails: true,
    });
    expect([steps, failure]).toEqual([[], 'the disk is full']);
  });

  it('keep their request where they are written as they are mapped', async () => {
    const task = taskOf(anUpsert('a@x', { n: 1 }, { lists: lists('VIP', 'Old') }));
    const change = { ...upsertOf(task), lists: lists('VIP') };
    const { keepsRequest, events } = await routing([task], { decisions: [decided('write', change)] });
    expect(events).toEqual(['decide a@x', `a@x: late bulk ${textOf(task)}`]);
    expect([keepsRequest(task), task.change]).toEqual([true, change]);
  });

  it('get a new request where other values are to be written', async () => {
    const task = taskOf(anUpsert('a@x', { n: 1 }));
    const change = { ...upsertOf(task), values: { n: 1, old: null } };
    const { events } = await routing([task], { decisions: [decided('write', change)] });
    expect(events[1]).toBe(`a@x: late bulk ${readText(aRequest('a@x', change.values))}`);
    expect(task.change).toBe(change);
  });

  it('are asked for only where something of them is to be written', async () => {
    const tasks = ['a@x', 'b@x', 'c@x'].map((user) => taskOf(anUpsert(user)));
    const kinds = ['unchanged', 'write', 'lists'] as const;
    const decisions = tasks.map((task, at) => decided(kinds[at] ?? 'write', upsertOf(task)));
    const { events } = await routing(tasks, {
      routes: { 'a@x': 'bulk', 'b@x': 'single', 'c@x': 'bulk' },
      decisions,
    });
    expect(events).toEqual([
      'decide a@x,b@x,c@x',
      'a@x: end unchanged',
      'unconfirmed c@x',
      'c@x: lists of c@x, end delivered',
      'find b@x',
      'b@x: single call, write',
    ]);
  });

  it('are written by the route that fits what the ledger has made of them', async () => {
    const task = taskOf(anUpsert('a@x'));
    const change = anUpsert('u1');
    const { events } = await routing([task], {
      routes: { u1: 'single' },
      decisions: [decided('write', change)],
    });
    expect(events).toEqual(['decide a@x', 'find u1', 'u1: single call, write']);
  });
});

describe('an upsert that moves a profile in bulk', () => {
  const routes = { 'new@x': 'move in bulk' } as const;
  const aMove = () => taskOf(anUpsert('new@x', { n: 1 }, { previousEmail: 'old@x' }));

  it('names the profile by its previous address, and has the new one among its fields', async () => {
    const task = aMove();
    const { events } = await routing([task], { routes });
    const request = aRequest('old@x', { n: 1, email: 'new@x' });
    expect(events).toEqual(['find new@x', `new@x: late bulk ${readText(request)}`]);
    expect(task.movesInBulk).toBe(true);
  });

  it('clears what only its previous entry stands for', async () => {
    const task = aMove();
    const change = upsertOf(task);
    const decision = {
      ...decided('write', change),
      changeAfterMove: { ...change, values: { n: 1, gone: null } },
    };
    task.move = decision;
    const { events } = await routing([task], { routes, decisions: [decision] });
    const request = aRequest('old@x', { n: 1, gone: null, email: 'new@x' });
    expect(events.at(-1)).toBe(`new@x: late bulk ${readText(request)}`);
    expect([task.change, task.move]).toEqual([change, decision]);
  });
});

describe('what a profile leaves when it moves', () => {
  it.each<[string, Route, boolean]>([
    ['is kept for a task whose profile is to move', 'move', true],
    ['is kept for a task whose profile is to move in bulk', 'move in bulk', true],
    ['is forgotten where the task goes by a call of its own', 'single', false],
    ['is forgotten where the task goes in bulk', 'bulk', false],
    ['is forgotten where the task is skipped', 'skip', false],
  ])('%s', async (_name, route, isKept) => {
    const task = taskOf(anUpsert('a@x', {}, { previousEmail: 'old@x' }));
    const decision = decided('write', upsertOf(task));
    task.move = decision;
    await routing([task], { routes: { 'a@x': route }, decisions: [decision] });
    expect(task.move).toBe(isKept ? decision : undefined);
  });
});

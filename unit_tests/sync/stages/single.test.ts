import { describe, expect, it } from '@jest/globals';
import { readText } from '../../../src/batching/text-pages.ts';
import type { AddressChange, AddressChanger, ChangedAddress } from '../../../src/delivery/change-address.ts';
import type { UserUpserter } from '../../../src/delivery/upsert-users.ts';
import type { JsonValue } from '../../../src/json.ts';
import { NewFieldTypes, type NewField } from '../../../src/mapping/new-field-types.ts';
import type { Rejection, UserKey } from '../../../src/model.ts';
import { makeSingleCalls } from '../../../src/sync/stages/single.ts';
import type { SingleCalls } from '../../../src/sync/steps.ts';
import type { TaskLedger } from '../../../src/sync/task-ledger.ts';
import { upsertOf, type Task } from '../../../src/sync/task.ts';
import type { Route, UpsertRoutes } from '../../../src/sync/upsert-routes.ts';
import type { UserRequests } from '../../../src/sync/user-requests.ts';
import { anUpsert, lists } from '../../support/rows.ts';
import { failureOf, nameOf, recordSteps } from '../../support/steps.ts';
import { aRemoval, aRequest, taskOf } from '../../support/tasks.ts';

const REFUSED: Rejection = { code: 'invalid_data', reason: 'wrong' };

interface Case {
  /** What becomes of a change of address. */
  readonly changed?: ChangedAddress | Rejection | Error;
  /** By which calls the user is written whose profile stays. */
  readonly withoutMove?: Exclude<Route, 'move in bulk'>;
  /** What Iterable says of the user. */
  readonly answer?: Rejection | Error;
  readonly hasLedger?: boolean;
  readonly ledgerFails?: boolean;
}

/** Makes the calls, which are answered at once. What happens is noted, in order. */
async function calling(task: Task, calls: SingleCalls, given: Case = {}) {
  const {
    changed = { kind: 'changed' },
    withoutMove = 'bulk',
    answer,
    hasLedger = true,
    ledgerFails,
  } = given;
  const { go, steps, events } = recordSteps();
  const routes: Pick<UpsertRoutes, 'noteMoved' | 'noteConflict' | 'noteWritten' | 'withoutMove'> = {
    noteMoved: (change, by) => events.push(`moved ${nameOf({ change })} by ${by}`),
    noteConflict: (change) => {
      events.push(`recheck ${change.previousEmail ?? ''}`);
      return Promise.resolve();
    },
    noteWritten: (written) => events.push(`written ${nameOf(written)}`),
    withoutMove: (staying, why) => {
      events.push(`${nameOf(staying)} stays, ${why}`);
      return withoutMove;
    },
  };
  const changer: Pick<AddressChanger, 'change'> = {
    change: (key: UserKey, { from, to }: AddressChange) => {
      events.push(`move ${key.value} from ${from} to ${to}`);
      return changed instanceof Error ? Promise.reject(changed) : Promise.resolve(changed);
    },
  };
  const upserter: Pick<UserUpserter, 'deliverAlone'> = {
    deliverAlone: (user) => {
      events.push(`write ${readText(user)}`);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const ledger: Pick<TaskLedger, 'markUnconfirmed' | 'noteMoved'> = {
    markUnconfirmed: (tasks) => {
      events.push(`unconfirmed ${tasks.map(nameOf).join()}`);
      return ledgerFails ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
    },
    noteMoved: (moved) => events.push(`moved in the ledger ${nameOf(moved)}`),
  };
  const requests: Pick<UserRequests, 'forTask'> = {
    forTask: (_task, key, values) => aRequest(key.value, values),
  };
  const context = {
    routes: routes as UpsertRoutes,
    changer: changer as AddressChanger,
    upserter: upserter as UserUpserter,
    requests: requests as UserRequests,
    ledger: hasLedger ? (ledger as TaskLedger) : undefined,
    remover: { noteWritten: () => undefined },
  };
  const failure = await failureOf(makeSingleCalls(task, calls, context, go));
  return { events, steps, failure };
}

const text = (user: string, dataFields: Record<string, JsonValue>) => readText(aRequest(user, dataFields));
const aMove = (key = 'new@x', values: Record<string, JsonValue> = { n: 1 }) =>
  taskOf(anUpsert(key, values, { lists: lists('VIP'), previousEmail: 'old@x' }));
const MOVING = ['unconfirmed new@x', 'move new@x from old@x to new@x'];

describe('a user who is written by a call of its own', () => {
  const aWrite = () => taskOf(anUpsert('a@x', { n: 1 }, { lists: lists('VIP') }));
  const WRITE = `write ${text('a@x', { n: 1 })}`;

  it('is written once its rows are unconfirmed; its lists follow', async () => {
    const task = aWrite();
    const { events } = await calling(task, 'write');
    expect(events).toEqual([
      'unconfirmed a@x',
      WRITE,
      'written a@x',
      'a@x: lists of a@x +VIP, end delivered',
    ]);
    expect(task.isWritten).toBe(true);
  });

  it('needs no ledger', async () => {
    const { events } = await calling(aWrite(), 'write', { hasLedger: false });
    expect(events.slice(0, 2)).toEqual([WRITE, 'written a@x']);
  });

  it('ends as rejected where Iterable refuses it', async () => {
    const task = aWrite();
    const { events, steps } = await calling(task, 'write', { answer: REFUSED });
    expect(events.slice(1)).toEqual([WRITE, 'a@x: end invalid_data']);
    expect(steps).toEqual([[task, { kind: 'end', result: REFUSED }]]);
    expect(task.isWritten).toBe(false);
  });

  it('ends as rejected without a call where a value does not fit a new field', async () => {
    const field = new NewFieldTypes().at('n') as NewField;
    field.take(1);
    const { events } = await calling(taskOf(anUpsert('a@x', { n: field.take('1.5') as JsonValue })), 'write');
    expect(events).toEqual(['unconfirmed a@x', 'a@x: end wrong_type']);
    expect(field.isOpen).toBe(true);
  });

  it('is written as the values of its new fields have become', async () => {
    const field = new NewFieldTypes().at('n') as NewField;
    const task = taskOf(anUpsert('a@x', { n: field.take(1) as JsonValue }));
    field.take(1.5);
    const { events } = await calling(task, 'write');
    expect(events[1]).toBe(`write ${text('a@x', { n: 1 }).replace('1}', '1.0}')}`);
  });

  it('ends nothing where the call fails for good', async () => {
    const { steps, failure } = await calling(aWrite(), 'write', { answer: new Error('away') });
    expect([steps, failure]).toEqual([[], 'away']);
  });

  it('is not written where the ledger can’t be', async () => {
    const { events, failure } = await calling(aWrite(), 'write', { ledgerFails: true });
    expect([events, failure]).toEqual([['unconfirmed a@x'], 'the disk is full']);
  });
});

describe('a user whose profile moves', () => {
  it('is written at the new address once that has changed', async () => {
    const task = aMove();
    const { events } = await calling(task, 'move');
    expect(events).toEqual([
      ...MOVING,
      'moved new@x by single call',
      'moved in the ledger new@x',
      `write ${text('new@x', { n: 1 })}`,
      'written new@x',
      'new@x: lists of new@x +VIP, end delivered',
    ]);
  });

  it('leaves what only its previous entry stands for, and is written with that', async () => {
    const task = aMove();
    const change = upsertOf(task);
    const changeAfterMove = { ...change, values: { n: 1, gone: null }, lists: lists('VIP', '-Old') };
    task.move = { kind: 'write', change, changeAfterMove };
    const { events } = await calling(task, 'move');
    expect(events).toContain(`write ${text('new@x', { n: 1, gone: null })}`);
    expect(events.at(-1)).toBe('new@x: lists of new@x +VIP -Old, end delivered');
    expect(task.change).toBe(changeAfterMove);
  });

  it('counts as written once the address has changed, even where its fields are refused', async () => {
    const task = aMove();
    const { events } = await calling(task, 'move', { answer: REFUSED });
    expect(events.at(-1)).toBe('new@x: end invalid_data');
    expect(task.isWritten).toBe(true);
  });

  it('is named by its id, and moves to the address among its fields', async () => {
    const { events } = await calling(aMove('u1', { email: 'new@x' }), 'move');
    expect(events[1]).toBe('move u1 from old@x to new@x');
  });

  it.each<['unknown' | 'taken', Exclude<Route, 'move in bulk'>, string]>([
    ['unknown', 'bulk', `late bulk ${text('new@x', { n: 1 })}`],
    ['unknown', 'skip', 'end not_in_iterable'],
    ['taken', 'single', 'single call, write'],
  ])('stays where the address is %s, and goes on by the route %s', async (why, withoutMove, expected) => {
    const task = aMove();
    const { events } = await calling(task, 'move', { changed: { kind: 'stays', why }, withoutMove });
    expect(events).toEqual([...MOVING, `new@x stays, ${why}`, `new@x: ${expected}`]);
    expect([task.movesInBulk, task.isWritten]).toEqual([false, false]);
  });

  it('ends as rejected where Iterable refuses the change of address', async () => {
    const { events } = await calling(aMove(), 'move', { changed: REFUSED });
    expect(events).toEqual([...MOVING, 'new@x: end invalid_data']);
  });

  it('ends nothing where the change fails for good', async () => {
    const { events, failure } = await calling(aMove(), 'move', { changed: new Error('away') });
    expect([events, failure]).toEqual([MOVING, 'away']);
  });

  it.each([
    ['no previous address', taskOf(anUpsert('a@x'))],
    ['no new address', aMove('u1', {})],
  ])('fails the run where it has %s, which no route leads to', async (_name, task) => {
    const { steps, failure } = await calling(task, 'move');
    expect([steps, failure]).toEqual([
      [],
      'A user without two addresses has come to the change of its address',
    ]);
  });
});

describe('a user whose profile could not move in bulk', () => {
  it('is written in bulk as it is, once the previous address is looked up again', async () => {
    const { events } = await calling(aMove(), 'write in bulk');
    expect(events).toEqual([
      'unconfirmed new@x',
      'recheck old@x',
      `new@x: late bulk ${text('new@x', { n: 1 })}`,
    ]);
  });
});

it('a removal is not taken for an upsert', async () => {
  const { events, failure } = await calling(taskOf(aRemoval({ email: 'a@x' })), 'write');
  expect([events, failure]).toEqual([[], 'A removal has come to a stage that writes users']);
});

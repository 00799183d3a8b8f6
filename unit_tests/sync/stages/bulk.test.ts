import { describe, expect, it } from '@jest/globals';
import { readText } from '../../../src/batching/text-pages.ts';
import type { UserRequest } from '../../../src/batching/user-request.ts';
import type { UserRemover } from '../../../src/delivery/remove-users.ts';
import type { UserUpserter } from '../../../src/delivery/upsert-users.ts';
import { NewFieldTypes, type NewField } from '../../../src/mapping/new-field-types.ts';
import type { JsonValue } from '../../../src/json.ts';
import type { Rejection } from '../../../src/model.ts';
import type { Conflicts } from '../../../src/sync/conflicts.ts';
import { deliverBulk } from '../../../src/sync/stages/bulk.ts';
import { SyncSummary } from '../../../src/sync/stream-summary.ts';
import { SyncLog } from '../../../src/sync/sync-log.ts';
import type { TaskLedger } from '../../../src/sync/task-ledger.ts';
import { upsertOf, type Task } from '../../../src/sync/task.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { anUpsert } from '../../support/rows.ts';
import { failureOf, nameOf, recordSteps } from '../../support/steps.ts';
import { aRequest, taskOf } from '../../support/tasks.ts';

const CONFLICT: Rejection = { code: 'conflict', reason: 'taken' };
const REFUSED: Rejection = { code: 'invalid_data', reason: 'wrong' };

interface Case {
  /** What Iterable refuses, by the text of the user's key. */
  /** Fields that Iterable drops. */
  readonly dropped?: readonly string[];
  readonly refused?: Readonly<Record<string, Rejection>>;
  /** Conflicts may pass. */
  readonly mayPass?: boolean;
  readonly hasLedger?: boolean;
  /** The ledger can't be written. */
  readonly ledgerFails?: boolean;
  readonly callFails?: boolean;
  readonly newFields?: NewFieldTypes;
}

/** Delivers one batch by a call that takes a second. What happens is noted, in order. */
async function deliver(tasks: readonly Task[], given: Case = {}) {
  const {
    refused = {},
    dropped = [],
    mayPass = false,
    hasLedger = true,
    ledgerFails,
    callFails,
    newFields,
  } = given;
  const clock = new HandClock();
  const { go, events, steps } = recordSteps();
  const lines: string[] = [];
  const upserter: Pick<UserUpserter, 'deliver'> = {
    deliver: async (users: readonly UserRequest[]) => {
      events.push(`send ${users.map(readText).join('')}`);
      await clock.sleep(1_000);
      if (callFails) throw new Error('away');
      const rejections = new Map<UserRequest, Rejection>();
      for (const user of users) {
        const rejection = refused[user.key.value];
        if (rejection) rejections.set(user, rejection);
      }
      return { rejections, dropped: new Map(users.map((user) => [user, dropped])) };
    },
  };
  const conflicts: Pick<Conflicts, 'concern'> = {
    concern: (_task, _request, { code }) => mayPass && code === 'conflict',
  };
  const ledger: Pick<TaskLedger, 'markUnconfirmed' | 'noteMoved'> = {
    markUnconfirmed: (unconfirmed) => {
      events.push(`unconfirmed ${unconfirmed.map(nameOf).join()}`);
      return ledgerFails ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
    },
    noteMoved: () => undefined,
  };
  const remover: Pick<UserRemover, 'noteWritten'> = { noteWritten: () => undefined };
  const context = {
    upserter: upserter as UserUpserter,
    newFields,
    conflicts: conflicts as Conflicts,
    ledger: hasLedger ? (ledger as TaskLedger) : undefined,
    routes: undefined,
    remover,
    clock,
    log: new SyncLog((_level, line) => lines.push(line), clock),
    summary: new SyncSummary(['users']),
  };
  const batch = new Map(tasks.map((task) => [task, requestOf(task)]));
  const failure = failureOf(deliverBulk(batch, context, go));
  await clock.advance(1_000);
  return { failure: await failure, events, steps, lines };
}

const requestOf = (task: Task) => aRequest(upsertOf(task).key.value, upsertOf(task).values);
const someTasks = () => [taskOf(anUpsert('a@x', { n: 1 })), taskOf(anUpsert('b@x', { userId: 'u1' }))];
const text = (email: string, dataFields: object) =>
  JSON.stringify({ email, mergeNestedObjects: true, dataFields });
const SENT = ['unconfirmed a@x,b@x', `send ${text('a@x', { n: 1 })}${text('b@x', { userId: 'u1' })}`];
const written = (email: string) => `${email}: lists of ${email}, end delivered`;

describe('a bulk call', () => {
  it('is made once the rows are unconfirmed in the ledger; then the lists of its users follow', async () => {
    const { events } = await deliver(someTasks());
    expect(events).toEqual([...SENT, written('a@x'), written('b@x')]);
  });

  it('notes which fields Iterable dropped', async () => {
    const tasks = someTasks();
    await deliver(tasks, { dropped: ['n'] });
    expect(tasks.map(({ droppedFields }) => droppedFields)).toEqual([['n'], ['n']]);
  });

  it('is made at once without a ledger', async () => {
    const { events } = await deliver(someTasks(), { hasLedger: false });
    expect(events).toEqual([SENT[1], written('a@x'), written('b@x')]);
  });

  it('leads to a user by the address that it gave it', async () => {
    const { events } = await deliver([taskOf(anUpsert('a@x', { email: 'new@x' }))]);
    expect(events.at(-1)).toBe('a@x: lists of new@x, end delivered');
  });

  it('ends the tasks of users that Iterable refuses, and no others', async () => {
    const { events } = await deliver(someTasks(), { refused: { 'a@x': REFUSED } });
    expect(events).toEqual([...SENT, 'a@x: end invalid_data', written('b@x')]);
  });

  it('ends no task whose profile could not move: the user is written where it is', async () => {
    const [a, b] = someTasks() as [Task, Task];
    a.movesInBulk = true;
    const { events } = await deliver([a, b], { refused: { 'a@x': CONFLICT } });
    expect(events).toEqual([...SENT, 'a@x: single call, write in bulk', written('b@x')]);
  });

  it('is not made where the ledger can’t be written', async () => {
    const { events, failure } = await deliver([taskOf(anUpsert('a@x'))], { ledgerFails: true });
    expect([events, failure]).toEqual([['unconfirmed a@x'], 'the disk is full']);
  });

  it('ends nothing where it fails for good', async () => {
    const { events, failure, lines } = await deliver(someTasks(), { callFails: true });
    expect([events, failure, lines]).toEqual([SENT, 'away', []]);
  });

  it('takes a conflict that may pass to the stage that looks into it, as it was sent and refused', async () => {
    const { steps, events } = await deliver(someTasks(), { refused: { 'b@x': CONFLICT }, mayPass: true });
    expect(events).toEqual([...SENT, written('a@x'), 'b@x: conflict, taken']);
    const step = steps[1]?.[1];
    expect(step).toMatchObject({ kind: 'conflict', rejection: CONFLICT });
    expect(step?.kind === 'conflict' && readText(step.request)).toBe(text('b@x', { userId: 'u1' }));
  });

  it('has a line in the log', async () => {
    const two = taskOf(anUpsert('c@x'), anUpsert('c@x'));
    const { lines } = await deliver([...someTasks(), two], { refused: { 'a@x': REFUSED, 'c@x': REFUSED } });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^Batch of 4 records: 1 of 3 users delivered, 1 rejected, 1 tried again record by record, in 1\.00 s\./,
    );
  });

  it('tells in the log of conflicts that may be temporary', async () => {
    const { lines } = await deliver(someTasks(), { refused: { 'b@x': CONFLICT }, mayPass: true });
    expect(lines[0]).toMatch(
      /^Batch of 2 records: 1 of 2 users delivered, 1 refused as conflicts that may be temporary, in 1\.00 s\./,
    );
  });
});

describe('values of new fields in a bulk call', () => {
  /** Tasks of users with values of one new field, whose first value was a whole number. */
  const tasksOf = (...values: (string | number)[]) => {
    const field = new NewFieldTypes().at('n') as NewField;
    field.take(1);
    return values.map((value, at) => taskOf(anUpsert(`${at}@x`, { n: field.take(value) as JsonValue })));
  };

  it('are not sent where they are numbers that those of others do not allow', async () => {
    const { events } = await deliver(tasksOf('1.5', 5));
    expect(events).toEqual([
      'unconfirmed 0@x,1@x',
      `send ${text('1@x', { n: 5 })}`,
      '0@x: end wrong_type',
      written('1@x'),
    ]);
  });

  it('are sent as what they have become, and the users who are refused with them end as rejected', async () => {
    const { events } = await deliver(tasksOf(5, 1.5), { refused: { '0@x': REFUSED } });
    const sent = `${text('0@x', { n: 5 }).replace('5', '5.0')}${text('1@x', { n: 1.5 })}`;
    expect(events).toEqual(['unconfirmed 0@x,1@x', `send ${sent}`, '0@x: end invalid_data', written('1@x')]);
  });

  it('come last where their user may be refused, so that they decide no type', async () => {
    const tasks = [taskOf(anUpsert('no address')), taskOf(anUpsert('@')), taskOf(anUpsert('a@x'))];
    const { events } = await deliver(tasks, { newFields: new NewFieldTypes() });
    expect(events[1]).toMatch(/^send .*no address.*a@x.*"@"/);
    const { events: inOrder } = await deliver(tasks);
    expect(inOrder[1]).toMatch(/^send .*no address.*"@".*a@x/);
  });
});

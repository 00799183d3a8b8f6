import { describe, expect, it } from '@jest/globals';
import { TextPages } from '../../../src/batching/text-pages.ts';
import { buildUserRequest } from '../../../src/batching/user-request.ts';
import type { Rejection } from '../../../src/model.ts';
import type { ConflictResolution, Conflicts } from '../../../src/sync/conflicts.ts';
import { afterAnswer } from '../../../src/sync/stages/answer.ts';
import { resolveConflict } from '../../../src/sync/stages/conflict.ts';
import { SyncLog } from '../../../src/sync/sync-log.ts';
import type { UserRequests } from '../../../src/sync/user-requests.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { anUpsert } from '../../support/rows.ts';
import { recordSteps } from '../../support/steps.ts';
import { aRequest, taskOf } from '../../support/tasks.ts';

const CONFLICT: Rejection = { code: 'conflict', reason: 'taken' };
const VALUES = { n: 1, userId: 'u1' };
const REQUEST = aRequest('b@x', VALUES);
const OPTIONS = { mergeNestedObjects: true, preferUserId: false };

/** A conflict that comes to this, or an error where that can't be found out. */
function aConflict(resolution: ConflictResolution | Error, task = taskOf(anUpsert('b@x', VALUES))) {
  const lines: string[] = [];
  const asked: unknown[] = [];
  const conflicts: Pick<Conflicts, 'resolve'> = {
    resolve: (...about) => {
      asked.push(about);
      return resolution instanceof Error ? Promise.reject(resolution) : Promise.resolve(resolution);
    },
  };
  const requests: Pick<UserRequests, 'forTask'> = {
    forTask: (_task, key, values) => buildUserRequest(key, values, OPTIONS, new TextPages()),
  };
  const context = {
    conflicts: conflicts as Conflicts,
    requests: requests as UserRequests,
    routes: undefined,
    ledger: undefined,
    remover: { noteWritten: () => undefined },
    log: new SyncLog((_level, line) => lines.push(line), new HandClock()),
  };
  const { go, steps, events } = recordSteps();
  const resolved = resolveConflict(
    task,
    { kind: 'conflict', request: REQUEST, rejection: CONFLICT },
    context,
    go,
  );
  return { task, context, resolved, steps, events, lines, asked };
}

describe('a conflict that is looked into', () => {
  it('is that of the task as it was sent and refused', async () => {
    const { resolved, asked, task } = aConflict('refused');
    await resolved;
    expect(asked).toEqual([[task, REQUEST, CONFLICT]]);
  });

  it('leads to another bulk call with the same request, where the obstacle is gone', async () => {
    const { resolved, steps, task } = aConflict('again');
    await resolved;
    expect(steps).toEqual([[task, { kind: 'bulk', request: REQUEST, isLate: true }]]);
    expect(task.leavesOutUserId).toBe(false);
  });

  it('leads to another bulk call without the user id, where the profile of that stays behind', async () => {
    const { resolved, events, task } = aConflict('without user id');
    await resolved;
    expect(events).toEqual(['b@x: late bulk {"email":"b@x","mergeNestedObjects":true,"dataFields":{"n":1}}']);
    expect(task.leavesOutUserId).toBe(true);
    expect(task.change).toMatchObject({ values: VALUES });
  });

  it('ends the task as rejected, where a living user is in the way', async () => {
    const { resolved, steps, task } = aConflict('refused');
    await resolved;
    expect(steps).toEqual([[task, { kind: 'end', result: CONFLICT }]]);
  });

  it('takes a profile that was to move back to where it is, where a living user is in the way', async () => {
    const task = taskOf(anUpsert('b@x', VALUES));
    task.movesInBulk = true;
    const { resolved, steps } = aConflict('refused', task);
    await resolved;
    expect(steps).toEqual([[task, { kind: 'single', calls: 'write in bulk' }]]);
  });

  it('ends nothing where it can’t be looked into', async () => {
    const { resolved, steps } = aConflict(new Error('still shown'));
    await expect(resolved).rejects.toThrow('still shown');
    expect(steps).toEqual([]);
  });

  it('is told of in the log only once the user is written without the user id', async () => {
    const { task, resolved, context, lines } = aConflict('without user id');
    await resolved;
    afterAnswer(taskOf(anUpsert('a@x')), aRequest('a@x'), undefined, context);
    expect(lines).toEqual([]);
    afterAnswer(task, REQUEST, undefined, context);
    expect(lines).toEqual([expect.stringContaining('delivered to its new address without its user id')]);
  });
});

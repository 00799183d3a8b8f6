import { describe, expect, it } from '@jest/globals';
import type { Rejection } from '../../../src/model.ts';
import { afterAnswer } from '../../../src/sync/stages/answer.ts';
import { SyncLog } from '../../../src/sync/sync-log.ts';
import type { TaskLedger } from '../../../src/sync/task-ledger.ts';
import { upsertOf, type Task } from '../../../src/sync/task.ts';
import type { UpsertRoutes } from '../../../src/sync/upsert-routes.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { anUpsert, lists } from '../../support/rows.ts';
import { nameOf, stepText } from '../../support/steps.ts';
import { aRequest, taskOf } from '../../support/tasks.ts';

const CONFLICT: Rejection = { code: 'conflict', reason: 'taken' };
const REFUSED: Rejection = { code: 'invalid_data', reason: 'wrong' };

/** What follows from the answer, and what is noted of it, in order. */
function answered(task: Task, rejection?: Rejection, { hasRoutes = true, hasLedger = true } = {}) {
  const noted: string[] = [];
  const lines: string[] = [];
  const routes: Pick<UpsertRoutes, 'noteInBulk' | 'noteMoved' | 'noteWritten'> = {
    noteInBulk: (change) => noted.push(`in bulk ${nameOf({ change })}`),
    noteMoved: (change, by) => noted.push(`moved ${nameOf({ change })} by ${by}`),
    noteWritten: (written) => noted.push(`written ${nameOf(written)}`),
  };
  const ledger: Pick<TaskLedger, 'noteMoved'> = {
    noteMoved: (moved) => noted.push(`moved in the ledger ${nameOf(moved)}`),
  };
  const { key, values } = upsertOf(task);
  const step = afterAnswer(task, aRequest(key.value, values), rejection, {
    routes: hasRoutes ? (routes as UpsertRoutes) : undefined,
    ledger: hasLedger ? (ledger as TaskLedger) : undefined,
    remover: { noteWritten: (change) => noted.push(`written, for later deletions ${nameOf({ change })}`) },
    log: new SyncLog((_level, line) => lines.push(line), new HandClock()),
  });
  return { step, text: stepText(step), noted, lines };
}

describe('a user whom Iterable has accepted in bulk', () => {
  it('is noted as written in bulk; its lists follow', () => {
    const task = taskOf(anUpsert('a@x', {}, { lists: lists('VIP', '-Old') }));
    const { text, noted } = answered(task);
    expect(text).toBe('lists of a@x +VIP -Old, end delivered');
    expect(noted).toEqual(['in bulk a@x', 'written a@x']);
    expect(task.isWritten).toBe(true);
  });

  it('is noted for later deletions where no upsert is routed', () => {
    const { text, noted } = answered(taskOf(anUpsert('a@x')), undefined, { hasRoutes: false });
    expect([text, noted]).toEqual(['lists of a@x, end delivered', ['written, for later deletions a@x']]);
  });

  it('is known by the address that the call gave it', () => {
    expect(answered(taskOf(anUpsert('a@x', { email: 'new@x' }))).text).toMatch(/^lists of new@x,/);
    expect(answered(taskOf(anUpsert('u1', { email: 'new@x' }))).text).toMatch(/^lists of u1,/);
  });

  it('is told of in the log, record by record, where its user id was left out', () => {
    const task = taskOf(anUpsert('a@x', { userId: 'u1' }), anUpsert('a@x', { userId: 'u1' }));
    expect(answered(task).lines).toEqual([]);
    task.leavesOutUserId = true;
    const { lines } = answered(task);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^The record in line 2 .* delivered to its new address without its user id/);
  });
});

describe('a user whom Iterable has refused in bulk', () => {
  it('ends as rejected, and nothing is noted of it', () => {
    const task = taskOf(anUpsert('a@x'));
    task.leavesOutUserId = true;
    const { step, noted, lines } = answered(task, REFUSED);
    expect([step, noted, lines]).toEqual([{ kind: 'end', result: REFUSED }, [], []]);
    expect(task.isWritten).toBe(false);
  });

  it('ends as rejected also for a conflict, where no profile was to move', () => {
    expect(answered(taskOf(anUpsert('a@x')), CONFLICT).step).toEqual({ kind: 'end', result: CONFLICT });
  });
});

describe('a profile that moves in bulk', () => {
  const aMove = () => {
    const task = taskOf(anUpsert('new@x', {}, { lists: lists('VIP'), previousEmail: 'old@x' }));
    task.movesInBulk = true;
    return task;
  };

  it('has moved once the call is accepted', () => {
    const task = aMove();
    const { text, noted } = answered(task);
    expect(text).toBe('lists of new@x +VIP, end delivered');
    expect(noted).toEqual([
      'in bulk new@x',
      'moved new@x by bulk call',
      'moved in the ledger new@x',
      'written new@x',
    ]);
    expect(task.movesInBulk).toBe(false);
  });

  it('has moved also where there is no ledger', () => {
    const { noted } = answered(aMove(), undefined, { hasLedger: false });
    expect(noted).toEqual(['in bulk new@x', 'moved new@x by bulk call', 'written new@x']);
  });

  it('leaves the lists that only its previous entry names', () => {
    const task = aMove();
    const { change } = task;
    const changeAfterMove = { ...upsertOf(task), lists: lists('VIP', '-Old') };
    task.move = { kind: 'write', change: upsertOf(task), changeAfterMove };
    expect(answered(task).text).toBe('lists of new@x +VIP -Old, end delivered');
    expect(task.change).toBe(changeAfterMove);
    expect(task.change).not.toBe(change);
  });

  it('stays where it is when the new address is taken: the user goes in bulk as it is', () => {
    const task = aMove();
    const { step, noted } = answered(task, CONFLICT);
    expect([step, noted]).toEqual([{ kind: 'single', calls: 'write in bulk' }, []]);
    expect(task.movesInBulk).toBe(false);
    expect(answered(task, CONFLICT).step).toEqual({ kind: 'end', result: CONFLICT });
  });

  it('ends as rejected when it is refused for something else', () => {
    const task = aMove();
    const { step, noted } = answered(task, REFUSED);
    expect([step, noted, task.movesInBulk]).toEqual([{ kind: 'end', result: REFUSED }, [], false]);
  });
});

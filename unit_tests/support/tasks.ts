/** Pending records, tasks and requests: each test names only what matters to it. */
import { TextPages } from '../../src/batching/text-pages.ts';
import { buildUserRequest, withWaitingNumbers, type UserRequest } from '../../src/batching/user-request.ts';
import type { Ticket } from '../../src/checkpoint/tracker.ts';
import type { Removal, TargetValues, UserChange } from '../../src/model.ts';
import { mergeChanges } from '../../src/sync/merge-changes.ts';
import type { PendingRecord } from '../../src/sync/pending-record.ts';
import { Task } from '../../src/sync/task.ts';
import { touchedBy } from '../../src/sync/touched-identities.ts';
import { keyOf } from './rows.ts';

const TEXTS = new TextPages();
const OPTIONS = { mergeNestedObjects: true, preferUserId: false };

/** As a bulk call carries the user, with the numbers that wait for their type, if there are any. */
export function aRequest(key: string, values: TargetValues = {}): UserRequest {
  const build = () => buildUserRequest(keyOf(key), values, OPTIONS, TEXTS);
  return withWaitingNumbers(build(), values, build);
}

export function aRemoval(rest: Partial<Removal> = {}): Removal {
  return { kind: 'removal', identifiedBy: 'email', ...rest };
}

/** Line 1 of the stream `users`. */
export function aRecord(change: UserChange, rest: Partial<PendingRecord> = {}): PendingRecord {
  return {
    streamKey: 'users',
    stream: { name: 'users' },
    line: 1,
    emittedAt: 0,
    text: undefined,
    ticket: {} as Ticket,
    primaryKey: undefined,
    row: undefined,
    rowToken: undefined,
    previousIdentities: [],
    bytes: 0,
    needsOwnCalls: false,
    isParked: false,
    since: 0,
    request: undefined,
    change,
    ...rest,
  };
}

/** A task of these records, merged in order. */
export function aTask(...records: readonly PendingRecord[]): Task {
  const [first, ...others] = records;
  if (!first) throw new Error('A task has a record at least');
  const options = { mergeNestedObjects: false, removalUndoesAll: true };
  const task = new Task(first, touchedBy(first));
  for (const record of others) {
    task.change = mergeChanges(task.change, record.change, options) ?? record.change;
    task.records.push(record);
  }
  return task;
}

export function taskOf(...changes: readonly UserChange[]): Task {
  return aTask(...changes.map((change, at) => aRecord(change, { line: at + 1 })));
}

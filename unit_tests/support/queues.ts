/** A queue of tasks whose ready tasks are held back until a test starts and settles them. */
import type { UserChange } from '../../src/model.ts';
import type { Task } from '../../src/sync/task.ts';
import type { QueuedRecord } from '../../src/sync/touched-identities.ts';
import { UserQueue, type UserQueueOptions } from '../../src/sync/user-queue.ts';

export type NumberedRecord = QueuedRecord & { readonly id: number };
export type NumberedTask = Task<NumberedRecord>;

export function aQueue(options: Partial<Omit<UserQueueOptions<NumberedRecord>, 'onReady'>> = {}) {
  const ready = new Set<NumberedTask>();
  /** The records of each task when it was told to be ready. */
  const told: number[][] = [];
  const queue = new UserQueue<NumberedRecord>({
    mergeNestedObjects: false,
    removalUndoesAll: true,
    maxMerged: Infinity,
    maxWaitingPerUser: Infinity,
    mayMerge: () => true,
    ...options,
    onReady: (task) => {
      told.push(idsOf(task));
      ready.add(task);
    },
  });
  let id = 0;
  /** Records are numbered from 0. */
  const add = (change: UserChange, rest: Partial<QueuedRecord> = {}) => {
    queue.add({ streamKey: 'users', change, ...rest, id: id++ });
  };
  const start = (task: NumberedTask | undefined) => {
    if (!task) throw new Error('No task is ready');
    ready.delete(task);
    task.isStarted = true;
    return task;
  };
  const first = () => [...ready][0];
  return { queue, ready, told, add, start, first };
}

/** The numbers of the task's records. */
export function idsOf({ records }: NumberedTask): number[] {
  return records.map(({ id }) => id);
}

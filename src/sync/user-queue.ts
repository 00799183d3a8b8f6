/**
 * Keeps the changes of one user in order: no two tasks that touch the same address or user id are under way at once, and records
 * that wait together are merged into one task. Generic over what a record carries besides its change.
 */
import type { Identities, UserChange } from '../model.ts';
import { mayMove, mergeChanges, type MergeOptions } from './merge-changes.ts';
import { Task } from './task.ts';
import { addAll, touchedBy, type QueuedRecord } from './touched-identities.ts';

export interface UserQueueOptions<Item extends QueuedRecord> extends MergeOptions {
  /** How many records may be merged into one task: where it is rejected, each is tried alone. */
  readonly maxMerged: number;
  /** Tasks that may wait for earlier ones of one user before {@link UserQueue.isCrowded}. */
  readonly maxWaitingPerUser: number;
  /** Whether a merged change may go out as one (its size, mainly). */
  readonly mayMerge: (change: UserChange, streamKey: string) => boolean;
  /** The task may start now. Called again when its change is merged with another record's before it has started. */
  readonly onReady: (task: Task<Item>) => void;
}

export class UserQueue<Item extends QueuedRecord> {
  readonly #options: UserQueueOptions<Item>;
  /** Touched identity → the last task that touches it. */
  readonly #latest = new Map<string, Task<Item>>();
  #size = 0;
  /** Touched identity → number of tasks that had to wait and are not settled yet. */
  readonly #waiting = new Map<string, number>();
  readonly #crowded = new Set<string>();

  constructor(options: UserQueueOptions<Item>) {
    this.#options = options;
  }

  /** Tasks that are not settled. */
  get size(): number {
    return this.#size;
  }

  /** True while tasks wait for earlier ones. */
  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** True while so many tasks of one user wait that no more should come: they can only go one by one. */
  get isCrowded(): boolean {
    return this.#crowded.size > 0;
  }

  /** True when the record would have to wait for an earlier one. */
  mustWait(record: QueuedRecord): boolean {
    return this.#size > 0 && touchedBy(record).some((identity) => this.#latest.has(identity));
  }

  add(record: Item): void {
    const touches = this.#touchesOf(record);
    const earlier = this.#earlierThan(touches);
    const only = earlier[0];
    if (only && earlier.length === 1 && this.#merge(only, record, touches)) return;

    const task = new Task(record, touches, earlier.length);
    this.#size++;
    this.#countWaiting(task.waitingAs, 1);
    for (const predecessor of earlier) (predecessor.followers ??= []).push(task);
    for (const identity of touches) this.#latest.set(identity, task);
    if (task.waitingFor === 0) this.#options.onReady(task);
  }

  /** A later record of the row was rejected, and names these: where an earlier one is not settled yet, its task has to tell so. */
  noteRejected(rowToken: string, named: Identities): void {
    const task = this.#latest.get(rowToken);
    if (task) task.namedSince = named;
  }

  /** The task is done, whatever its result: tasks that waited for it may start. */
  settle(task: Task<Item>): void {
    if (task.partOf) {
      this.#nextPart(task.partOf.whole, task.partOf.rest);
      return;
    }
    this.#size--;
    this.#countWaiting(task.waitingAs, -1);
    for (const identity of task.touches) {
      if (this.#latest.get(identity) === task) this.#latest.delete(identity);
    }
    for (const follower of task.followers ?? []) {
      follower.waitingFor--;
      if (follower.waitingFor === 0) this.#options.onReady(follower);
    }
  }

  /** Instead of settling a rejected task of several records: tries them one by one, in order. */
  retryOneByOne(task: Task<Item>): void {
    this.#nextPart(task, task.records);
  }

  /** A row that waits will stand for the user that the record before it names. */
  #touchesOf(record: Item): string[] {
    const touches = touchedBy(record);
    const before = record.rowToken === undefined ? undefined : this.#latest.get(record.rowToken);
    if (before) addAll(touches, before.touches);
    return touches;
  }

  /** The last tasks that touch one of these identities. */
  #earlierThan(touches: readonly string[]): readonly Task<Item>[] {
    let earlier = NO_TASKS as Task<Item>[];
    for (const identity of touches) {
      const task = this.#latest.get(identity);
      if (!task || earlier.includes(task)) continue;
      if (earlier === NO_TASKS) earlier = [];
      earlier.push(task);
    }
    return earlier;
  }

  #countWaiting(identities: readonly string[], change: 1 | -1): void {
    for (const identity of identities) {
      const count = (this.#waiting.get(identity) ?? 0) + change;
      if (count === 0) this.#waiting.delete(identity);
      else this.#waiting.set(identity, count);
      if (count > this.#options.maxWaitingPerUser) this.#crowded.add(identity);
      else this.#crowded.delete(identity);
    }
  }

  #nextPart(whole: Task<Item>, records: readonly Item[]): void {
    const [record, ...rest] = records;
    if (record === undefined) {
      this.settle(whole);
      return;
    }
    const part = new Task(record, []);
    part.partOf = { whole, rest };
    this.#options.onReady(part);
  }

  /** Merges the record into the waiting task, if that means the same as sending both. */
  #merge(task: Task<Item>, record: Item, touches: readonly string[]): boolean {
    if (task.isStarted || task.records.length >= this.#options.maxMerged) return false;
    const [first] = task.records;
    if (first?.streamKey !== record.streamKey || first.rowToken !== record.rowToken) return false;
    // Which user had the previous address decides whether the profile moves.
    if (mayMove(record.change) && first.primaryKey !== record.primaryKey) return false;
    const merged = mergeChanges(task.change, record.change, this.#options);
    if (!merged || !this.#options.mayMerge(merged, record.streamKey)) return false;
    task.change = merged;
    task.namedSince = undefined;
    task.records.push(record);
    addAll(task.touches, touches);
    for (const identity of touches) this.#latest.set(identity, task);
    if (task.waitingFor === 0) this.#options.onReady(task);
    return true;
  }
}

const NO_TASKS: readonly unknown[] = [];

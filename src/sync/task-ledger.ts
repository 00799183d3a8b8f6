/** The ledger's side of a task: what of it is to be sent, and what the ledger holds once it has ended. */
import type { ChangeDetector } from '../diff/change-detector.ts';
import type { Keepers } from '../diff/holds.ts';
import type { RemovalDecision } from '../diff/removals.ts';
import { entryAfter, identitiesOfUpsert, type RowUpsert } from '../diff/row.ts';
import type { Decision, RowTask } from '../diff/upserts.ts';
import type { WrittenRow } from '../diff/row-results.ts';
import { mergedHash } from '../diff/values-hash.ts';
import type { Removal, Upsert } from '../model.ts';
import { keepersByProfile, type HeldOtherwiseOptions } from './held-otherwise.ts';
import { isRejection, type TaskResult } from './outcomes.ts';
import type { Task } from './task.ts';

const NO_ENTRIES: Pick<RemovalDecision, 'gone' | 'stale'> = { gone: [], stale: [] };

export class TaskLedger {
  readonly #detector: ChangeDetector;

  constructor(detector: ChangeDetector) {
    this.#detector = detector;
  }

  /** True while something is being written to the ledger. */
  get isBusy(): boolean {
    return this.#detector.isBusy;
  }

  /** True for an upsert of which the ledger may say that it is to be sent otherwise, or not at all. */
  mayChange(task: Task): boolean {
    const records = rowUpserts(task);
    return records !== undefined && task.change.kind === 'upsert'
      ? this.#detector.concerns({ records, change: task.change })
      : false;
  }

  /** One decision for each task. Throws what the ledger throws. */
  async decide(tasks: readonly Task[]): Promise<(Decision | undefined)[]> {
    const rowTasks = tasks.map(rowTaskOf);
    const decisions = await this.#detector.decide(rowTasks.filter((task) => task !== undefined));
    let next = 0;
    return tasks.map((task, index) => {
      const { change } = task;
      if (!rowTasks[index]) return change.kind === 'upsert' ? { kind: 'write', change } : undefined;
      const decision = decisions[next++];
      if (decision?.previousEntries) task.move = decision;
      task.changedFields = decision?.changedFields;
      task.fieldHashes = decision?.fieldHashes;
      if (decision?.stale) task.stale = decision.stale;
      return decision;
    });
  }

  /** Whom the removal removes. Throws what the ledger throws. */
  async decideRemoval(task: Task, removal: Removal): Promise<RemovalDecision> {
    const last = task.records.at(-1);
    const decision = await this.#detector.decideRemoval(last?.row, last?.streamKey ?? '', removal);
    task.removal = decision;
    return decision;
  }

  /** Rows that hold the user by an identity which only its profile in Iterable tells. Throws what a lookup or the ledger throws. */
  keepersByProfile(user: Removal, remover: HeldOtherwiseOptions['remover']): Promise<Keepers> {
    return keepersByProfile(user, { remover, detector: this.#detector });
  }

  /**
   * Calls for these tasks are about to be made: until it is known how they ended, their rows are unconfirmed in the ledger. To
   * be awaited before the first of the calls. Throws what the ledger throws.
   */
  async markUnconfirmed(tasks: readonly Task[]): Promise<void> {
    const fresh = tasks.filter((task) => !task.isUnconfirmed);
    for (const task of fresh) task.isUnconfirmed = true;
    await this.#detector.markUnconfirmed(fresh.map(rowTaskOf).filter((task) => task !== undefined));
    await this.#detector.markEntriesUnconfirmed(
      fresh.flatMap(({ change, removal, move }) =>
        change.kind === 'removal' ? (removal?.gone ?? []) : (move?.previousEntries ?? []),
      ),
    );
  }

  /** No deleted user has these identities any longer. Throws what the ledger throws. */
  noteFree(identities: readonly string[]): Promise<void> {
    return this.#detector.noteFree(identities);
  }

  /** The profile has left its previous address: the entry of that address ends, and what it says goes for the row. */
  noteMoved(task: Task): void {
    const previous = task.move?.previousEntries ?? [];
    task.hasMoved = true;
    for (const { row } of task.records) row?.takeOver(previous[0]);
    this.#detector.results.gone(previous, () => undefined);
  }

  /** The task has ended so; `onCommitted` is called once the ledger holds what follows from that. */
  commit(task: Task, result: TaskResult, onCommitted: () => void): void {
    this.#commit(task, result, onCommitted);
    const { namedSince } = task.partOf?.rest.length === 0 ? task.partOf.whole : task;
    const row = task.records.at(-1)?.row;
    if (row && namedSince) this.#detector.results.named(row, namedSince);
  }

  #commit(task: Task, result: TaskResult, onCommitted: () => void): void {
    const { results } = this.#detector;
    const row = task.records.at(-1)?.row;
    const rowTask = rowTaskOf(task);
    // Nothing was written, and which row it is can't be told.
    const commitKeyless = () => {
      results.keyless(task.records[0]?.streamKey ?? '', onCommitted);
    };
    const isUnknown = !row || row.isKeyedByIdentity;
    if (isRejection(result)) {
      this.commitRejected(task, () => {
        if (!row) commitKeyless();
        else if (task.change.kind === 'upsert')
          results.rejected(row, identitiesOfUpsert(task.change), isUnknown ? commitKeyless : onCommitted);
        else if (isUnknown) commitKeyless();
        else results.seen(row, onCommitted);
      });
    } else if (result === 'unchanged') {
      if (rowTask) results.unchanged(this.#written(task, rowTask), onCommitted);
      else onCommitted();
    } else if (result === 'not_in_iterable') {
      if (row) results.missing(row, isUnknown ? commitKeyless : onCommitted);
      else commitKeyless();
    } else if (task.change.kind === 'removal') {
      results.removed(task.removal ?? NO_ENTRIES, task.deleted, onCommitted);
    } else if (rowTask && task.entry) {
      results.writtenAs(task.entry, this.#written(task, rowTask), onCommitted);
    } else if (rowTask) {
      results.written(this.#written(task, rowTask), onCommitted);
    } else {
      onCommitted();
    }
  }

  /** The entry that the row of the task gets when it is delivered: taken before the task forgets its values. */
  keepEntry(task: Task): void {
    const rowTask = rowTaskOf(task);
    if (rowTask) task.entry = entryAfter(this.#written(task, rowTask));
  }

  #written(task: Task, { records, change, valuesHash }: RowTask): WrittenRow {
    const [first] = records;
    const { hasMoved, stale } = task;
    const row = { records, key: change.key, hasMoved, stale, valuesHash };
    // Where the user was not written, Iterable has what the decision says, or what it had.
    if (!first || !task.isWritten) return { ...row, keepsOrigin: true, fieldHashes: task.fieldHashes };
    const dropped = task.leavesOutUserId ? [...task.droppedFields, 'userId'] : task.droppedFields;
    return {
      ...row,
      fieldHashes: this.#detector.fieldHashesOf(first.row, change.values, task.fieldHashes, dropped),
    };
  }

  /** Iterable refused the task: where nothing of it was written, its row is as it was. */
  commitRejected(task: Task, onCommitted: () => void): void {
    const records = rowUpserts(task);
    if (records && task.isUnconfirmed && !task.isWritten)
      this.#detector.results.asBefore(records, onCommitted);
    else onCommitted();
  }
}

/** Of a task that has started. Undefined for a removal, and for records without a row. */
function rowTaskOf(task: Task): RowTask | undefined {
  const { change } = task;
  const records = rowUpserts(task);
  if (!records || change.kind !== 'upsert') return undefined;
  return { records, change, valuesHash: hashOf(task, change), isSentWhole: task.isSentWhole };
}

/** Taken when the task starts: what it sends may change later. */
function hashOf(task: Task, { values }: Upsert): string {
  const last = task.records.at(-1)?.row?.valuesHash ?? '';
  if (task.records.length === 1) return last;
  return (task.mergedHash ??= mergedHash(values, last));
}

function rowUpserts({ change, records }: Task): RowUpsert[] | undefined {
  if (change.kind !== 'upsert') return undefined;
  const upserts: RowUpsert[] = [];
  for (const { row, change: own } of records) {
    if (!row || own.kind !== 'upsert') return undefined;
    upserts.push({ row, change: own });
  }
  return upserts;
}

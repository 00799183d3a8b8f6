/** Counts the results of a dry run per stream: in more detail than the summary of a sync, with a few examples of each kind. */
import type { ListChange } from '../delivery/list-members.ts';
import type { MissingRow } from '../diff/pending-deletions.ts';
import type { HeldEntry } from '../ledger/ledger.ts';
import type { Rejection, Upsert } from '../model.ts';
import type { TaskResult } from '../sync/outcomes.ts';
import type { StreamCounts } from '../sync/stream-summary.ts';
import { SyncSummary } from '../sync/stream-summary.ts';
import type { RecordPlace } from '../sync/sync-log.ts';
import type { Task } from '../sync/task.ts';
import { streamKey } from '../protocol/catalog.ts';
import { masked } from './mask.ts';

/** A change of one user, without any of its values. */
export interface Example {
  /** The line of the input; absent for a user whose row is missing from the snapshot. */
  readonly line?: number;
  readonly who?: string;
  /** Fields that would be sent; absent if only lists change. */
  readonly fields?: readonly string[];
  /** Fields that would be cleared, because no mapping names them any longer. */
  readonly cleared?: readonly string[];
  readonly joins?: readonly string[];
  readonly leaves?: readonly string[];
  /** The user's previous address. */
  readonly previously?: string;
  readonly why?: string;
}

export type ExampleKind =
  'new' | 'changed' | 'created_or_updated' | 'removed' | 'removed_by_absence' | 'absent' | 'rejected';

export interface StreamTally {
  new: number;
  changed: number;
  /** Of the changed: the fields that changed, by path. */
  readonly changedFields: Map<string, number>;
  /** Of the changed: those of which it can't be told which fields changed, so that the whole row is sent. */
  sentWhole: number;
  /** Upserts without a ledger, when new and changed can't be told apart. */
  written: number;
  /** Entries that would be dropped although their users stay. */
  staying: number;
  /** How many of the users removed for a missing row were already pending, from an earlier run. */
  leftOver: number;
  readonly lists: Map<string, { joins: number; leaves: number }>;
  readonly examples: Map<ExampleKind, Example[]>;
}

export const MAX_EXAMPLES = 3;

export class PlanTally extends SyncSummary {
  readonly #streams = new Map<string, StreamTally>();

  /** The tally of the stream, created on first use, so that streams without records have one too. */
  tallyOf(streamKey: string): StreamTally {
    let tally = this.#streams.get(streamKey);
    if (!tally) {
      tally = {
        new: 0,
        changed: 0,
        changedFields: new Map(),
        sentWhole: 0,
        written: 0,
        staying: 0,
        leftOver: 0,
        lists: new Map(),
        examples: new Map(),
      };
      this.#streams.set(streamKey, tally);
    }
    return tally;
  }

  override changedList(streamKey: string, change: ListChange): void {
    super.changedList(streamKey, change);
    this.#countList(streamKey, change);
  }

  /** To be called when a task ends. */
  noteTask(task: Task, result: TaskResult): void {
    const [first] = task.records;
    if (!first || result !== undefined) return;
    const { change } = task;
    if (change.kind === 'removal') {
      const { email, userId } = change;
      // A deletion may identify its user by the primary key alone.
      const person = (email ?? userId) === undefined ? task.records.at(-1)?.row?.entry : { email, userId };
      this.#example(first.streamKey, 'removed', () => ({ ...lineOf(task), ...personOf(person ?? {}) }));
      return;
    }
    const kind = !first.row ? 'written' : first.row.entry ? 'changed' : 'new';
    const tally = this.tallyOf(first.streamKey);
    tally[kind] += task.records.length;
    if (kind === 'changed' && task.isWritten) countFields(tally, task);
    this.#example(first.streamKey, kind === 'written' ? 'created_or_updated' : kind, () =>
      exampleOf(task, change),
    );
  }

  /** To be called with all rows missing from a snapshot whose users are removed or whose entries are dropped. */
  noteMissing(
    rows: readonly MissingRow[],
    {
      removal,
      isLeftOver,
      notThere,
    }: {
      readonly removal: 'delete_user' | 'remove_from_lists';
      readonly isLeftOver: (entry: HeldEntry) => boolean;
      readonly notThere: ReadonlySet<MissingRow>;
    },
  ): void {
    for (const row of rows) {
      const { entry, stays, streamKey, removal: person } = row;
      const tally = this.tallyOf(streamKey);
      const leaves = stays || removal === 'remove_from_lists' ? (person.lists ?? []) : [];
      for (const list of leaves) this.#countList(streamKey, { list, isOn: false });
      if (stays) {
        tally.staying++;
        continue;
      }
      if (notThere.has(row)) continue;
      if (isLeftOver(entry)) tally.leftOver++;
      this.#example(streamKey, 'removed_by_absence', () => ({ ...personOf(entry), leaves }));
    }
  }

  /** To be called for a row that is missing from a snapshot when its user is not removed. */
  noteKeptMissing(streamKey: string, entry: HeldEntry): void {
    this.#example(streamKey, 'absent', () => personOf(entry));
  }

  noteRejected({ line, stream }: RecordPlace, { code, field, reason }: Rejection): void {
    const why = `${code}${field === undefined ? '' : `, field ${field}`}: ${reason}`;
    this.#example(streamKey(stream), 'rejected', () => ({ line, why }));
  }

  /** Drops the counts of lists that don't exist: no call would be made for them. */
  async dropMissingLists(exists: (list: string) => Promise<boolean>): Promise<void> {
    for (const { lists } of this.#streams.values())
      for (const list of lists.keys()) if (!(await exists(list))) lists.delete(list);
  }

  #countList(streamKey: string, { list, isOn }: ListChange): void {
    const { lists } = this.tallyOf(streamKey);
    const counts = lists.get(list) ?? { joins: 0, leaves: 0 };
    counts[isOn ? 'joins' : 'leaves']++;
    lists.set(list, counts);
  }

  #example(streamKey: string, kind: ExampleKind, example: () => Example): void {
    const { examples } = this.tallyOf(streamKey);
    const known = examples.get(kind) ?? [];
    if (known.length >= MAX_EXAMPLES) return;
    examples.set(kind, [...known, example()]);
  }
}

export type PlannedStream = StreamCounts & StreamTally;

/** Names after the first 200 are not counted: there may be as many as the source has values. */
const MAX_FIELDS = 200;

function countFields(tally: StreamTally, { changedFields, records }: Task): void {
  if (!changedFields) tally.sentWhole += records.length;
  for (const field of changedFields ?? []) {
    const count = tally.changedFields.get(field) ?? 0;
    if (count > 0 || tally.changedFields.size < MAX_FIELDS) tally.changedFields.set(field, count + 1);
  }
}

function exampleOf(task: Task, change: Upsert): Example {
  const { key, values, changedValues, lists, previousEmail } = change;
  const own = new Set(
    task.records.flatMap(({ change }) => (change.kind === 'upsert' ? Object.keys(change.values) : [])),
  );
  const cleared = Object.keys(values).filter((target) => !own.has(target));
  const fields = changedValues
    ? (task.changedFields ?? []).filter((field) => !cleared.includes(field))
    : [...own];
  const named = (isOn: boolean) => [...(lists ?? [])].flatMap(([list, on]) => (on === isOn ? [list] : []));
  return {
    ...lineOf(task),
    who: masked(key),
    ...(task.isWritten ? { fields } : {}),
    ...(cleared.length === 0 ? {} : { cleared }),
    joins: named(true),
    leaves: named(false),
    ...(previousEmail === undefined ? {} : { previously: masked({ value: previousEmail }) }),
  };
}

function lineOf({ records }: Task): Pick<Example, 'line'> {
  const last = records.at(-1);
  return last ? { line: last.line } : {};
}

function personOf({
  email,
  userId,
}: {
  readonly email?: string | undefined;
  readonly userId?: string | undefined;
}): Pick<Example, 'who'> {
  const value = email ?? userId;
  return value === undefined ? {} : { who: masked({ value }) };
}

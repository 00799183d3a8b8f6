/** The last steps of a work: its lists, what the ledger keeps of it, and its records' outcomes. */
import type { Clock } from '../clock.ts';
import type { BatchLimits } from '../batching/batcher.ts';
import type { ListChange, ListMembers } from '../delivery/list-members.ts';
import type { Outcome, UserKey } from '../model.ts';
import { ListLanes } from './list-lanes.ts';
import { isRejection, listChanges, outcomeOf, type WorkEnd } from './outcomes.ts';
import type { PendingRecord, PendingWork } from './pending-record.ts';
import type { Leaver } from './removal-lane.ts';
import type { SyncSummary } from './stream-summary.ts';
import type { UserQueue } from './user-queue.ts';
import type { WorkMemory } from './work-memory.ts';

export interface WorkEndsOptions {
  /** Where the works are from. */
  readonly queue: UserQueue<PendingRecord>;
  /** With a ledger. */
  readonly memory: WorkMemory | undefined;
  readonly listMembers: ListMembers;
  /** Of a list call, but for its envelope. */
  readonly limits: Omit<BatchLimits, 'envelopeBytes'>;
  readonly preferUserId: boolean;
  readonly clock: Clock;
  /** A partial list call waits no longer than this. */
  readonly maxWaitMs: number;
  /** The work's user has been written. */
  readonly onWritten: (work: PendingWork) => void;
  /** True for streams that update only users whom Iterable knows. */
  readonly isEnriched: (streamKey: string) => boolean;
  readonly summary: SyncSummary;
  /** Each record of a work that has ended, once. */
  readonly onSettled: (record: PendingRecord, outcome: Outcome) => void;
  /** Something was settled, or is no longer in flight. */
  readonly onProgress: () => void;
  /** A call failed for good. */
  readonly onFailure: (error: Error) => void;
  /** Each work with how it ended, before its records are settled. */
  readonly onEnded?: ((work: PendingWork, end: WorkEnd) => void) | undefined;
}

/** A work whose user changes lists, and how it ends then. */
interface ListWork {
  readonly work: PendingWork;
  readonly changes: readonly ListChange[];
  /** What follows once they are changed. */
  readonly onChanged: () => void;
}

export class WorkEnds {
  readonly #options: WorkEndsOptions;
  readonly #lists: ListLanes<ListWork>;

  constructor(options: WorkEndsOptions) {
    this.#options = options;
    this.#lists = new ListLanes({
      members: options.listMembers,
      limits: options.limits,
      preferUserId: options.preferUserId,
      clock: options.clock,
      maxWaitMs: options.maxWaitMs,
      onChanged: ({ work, changes, onChanged }, rejection) => {
        const [first] = work.records;
        if (!rejection && first) options.summary.changedLists(first.streamKey, changes);
        if (rejection) this.settle(work, rejection);
        else onChanged();
      },
      onFailure: options.onFailure,
      onDone: options.onProgress,
    });
  }

  /** Works whose lists are being changed, or wait for that. */
  get lists(): Pick<ListLanes<unknown>, 'size' | 'busyBatches' | 'inFlight' | 'flush' | 'stop'> {
    return this.#lists;
  }

  /** The work's user has been written, and goes by this key now. */
  written(work: PendingWork, key: UserKey): void {
    this.#options.onWritten(work);
    this.#options.memory?.noteWritten(work);
    this.changeLists(work, key);
  }

  /** Ends the work once the lists of its user are changed. */
  changeLists(work: PendingWork, key: UserKey): void {
    this.#changeLists(work, key, listChanges(work.change), () => {
      this.settle(work, undefined);
    });
  }

  /** Ends the work so, once these users have left their lists, one after the other. */
  leaveLists(work: PendingWork, [leaver, ...others]: readonly Leaver[], end: WorkEnd): void {
    if (!leaver) {
      this.settle(work, end);
      return;
    }
    const changes = leaver.lists.map((list) => ({ list, isOn: false }));
    this.#changeLists(work, leaver.key, changes, () => {
      this.leaveLists(work, others, end);
    });
  }

  /** Tries the records of a refused work one by one, if it has several; otherwise each has its outcome. */
  settle(work: PendingWork, end: WorkEnd): void {
    const { memory, onProgress } = this.#options;
    // Gone since it was looked for, or nobody had to look.
    const isStranger = isRejection(end) && end.code === 'not_found' && this.#isEnriched(work);
    const result = isStranger ? 'not_in_iterable' : end;
    if (isRejection(result) && work.records.length > 1) {
      this.#retryOneByOne(work);
      return;
    }
    if (!memory) {
      this.#end(work, result);
      return;
    }
    memory.keep(work, result, () => {
      this.#end(work, result);
      onProgress();
    });
  }

  #changeLists(work: PendingWork, key: UserKey, changes: readonly ListChange[], onChanged: () => void): void {
    const first = work.records[0];
    if (changes.length === 0 || !first) {
      onChanged();
      return;
    }
    const how = { since: first.since, onlyExisting: this.#isEnriched(work) };
    this.#lists.put({ work, changes, onChanged }, key, changes, how);
  }

  #retryOneByOne(work: PendingWork): void {
    const { queue, memory, onProgress } = this.#options;
    const retry = () => {
      for (const { row } of work.records) if (row) row.isCurrent = false;
      queue.retryOneByOne(work);
      onProgress();
    };
    if (memory) memory.keepRefused(work, retry);
    else retry();
  }

  #end(work: PendingWork, end: WorkEnd): void {
    const { queue, onEnded, onSettled } = this.#options;
    const last = work.records.at(-1);
    onEnded?.(work, end);
    for (const record of work.records) onSettled(record, outcomeOf(work.change, end, record === last));
    queue.settle(work);
  }

  #isEnriched({ records: [first] }: PendingWork): boolean {
    return first !== undefined && this.#options.isEnriched(first.streamKey);
  }
}

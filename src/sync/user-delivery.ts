/** One person's changes on their way: queue per person → batch or removal → lists → outcome. */
import { TextPages } from '../batching/text-pages.ts';
import {
  buildUserRequest,
  withWaitingNumbers,
  type UserRequest,
  type UserRequestOptions,
} from '../batching/user-request.ts';
import type { AddressChanger } from '../delivery/change-address.ts';
import type { UserRemover } from '../delivery/remove-users.ts';
import type { UserUpserter } from '../delivery/upsert-users.ts';
import type { NewFieldTypes } from '../mapping/new-field-types.ts';
import type { Memory } from '../diff/memory.ts';
import type { TargetValues, Upsert, UserKey } from '../model.ts';
import { singleCalls, type Pace } from './backlog.ts';
import { BatchLane } from './batch-lane.ts';
import { BulkDelivery } from './bulk-delivery.ts';
import { Conflicts } from './conflicts.ts';
import type { PendingRecord, PendingWork } from './pending-record.ts';
import { PlannedUpserts } from './planned-upserts.ts';
import { RemovalLane } from './removal-lane.ts';
import { closeTypes } from './settle-types.ts';
import type { SyncLog } from './sync-log.ts';
import type { UpsertPlanner } from './upsert-planner.ts';
import { touchedKeys, type QueuedRecord } from './touched-identities.ts';
import { UserQueue } from './user-queue.ts';
import { WorkEnds, type WorkEndsOptions } from './work-ends.ts';
import { WorkMemory } from './work-memory.ts';

export interface UserDeliveryOptions extends Pick<
  WorkEndsOptions,
  'listMembers' | 'clock' | 'isEnriched' | 'summary' | 'onSettled' | 'onProgress' | 'onFailure' | 'onEnded'
> {
  readonly upserter: UserUpserter;
  readonly remover: UserRemover;
  /** With a ledger. */
  readonly memory?: Memory | undefined;
  /** Where some upserts need to know something first; with a ledger always. */
  readonly planning?: { readonly planner: UpsertPlanner; readonly changer: AddressChanger };
  readonly removal: 'delete_user' | 'remove_from_lists';
  readonly log: SyncLog;
  readonly batchSize: number;
  readonly pace: Pace;
  readonly request: UserRequestOptions;
  /** Where Iterable creates fields. */
  readonly newFields?: NewFieldTypes | undefined;
}

/** A partial batch waits no longer than this, so that states move under slow traffic. */
const MAX_BATCH_WAIT_MS = 10_000;
/** Users who had to wait for something else wait so long at most for others of their kind, however late they are. */
const MAX_LATE_BATCH_WAIT_MS = 1_000;
/** Enough to use 5 calls a second to the full while each takes up to 2 seconds. */
const MAX_BATCHES_IN_FLIGHT = 10;

export class UserDelivery {
  readonly #options: UserDeliveryOptions;
  readonly #queue: UserQueue<PendingRecord>;
  readonly #lane: BatchLane<PendingWork>;
  readonly #removals: RemovalLane;
  readonly #memory: WorkMemory | undefined;
  readonly #planned: PlannedUpserts | undefined;
  readonly #ends: WorkEnds;
  readonly #bulk: BulkDelivery;
  readonly #texts = new TextPages();
  #waitingForGone = 0;
  /** Of a flush that is due. */
  #flushing: AbortController | undefined;
  #isStopped = false;

  constructor(options: UserDeliveryOptions) {
    this.#options = options;
    this.#memory = options.memory && new WorkMemory(options.memory);
    const maxSequentialCalls = singleCalls(options.pace.batches);
    this.#queue = new UserQueue({
      maxMerged: maxSequentialCalls,
      maxWaitingPerPerson: maxSequentialCalls,
      mergeNestedObjects: options.request.mergeNestedObjects,
      removalUndoesAll: options.removal === 'delete_user',
      mayMerge: (change, streamKey) =>
        change.kind === 'removal' || this.#lane.fitsAlone(this.requestFor(change, streamKey)),
      onReady: (work) => {
        this.#onReady(work);
      },
    });
    this.#lane = new BatchLane({
      limits: { maxItems: options.batchSize, ...options.upserter.bodyLimits },
      clock: options.clock,
      maxWaitMs: MAX_BATCH_WAIT_MS,
      maxBatchesInFlight: MAX_BATCHES_IN_FLIGHT,
      onClosed: (work, request) => {
        this.#queue.start(work);
        closeTypes(request);
      },
      deliver: (batch) => this.#bulk.deliver(batch),
      onDone: options.onProgress,
    });
    this.#ends = new WorkEnds({
      ...options,
      queue: this.#queue,
      memory: this.#memory,
      onWritten: (work) => {
        this.#noteWritten(work);
      },
      limits: { maxItems: options.batchSize, maxBytes: options.upserter.bodyLimits.maxBytes },
      preferUserId: options.request.preferUserId,
      maxWaitMs: MAX_BATCH_WAIT_MS,
    });
    this.#planned = options.planning && this.#planUpserts(options.planning);
    this.#removals = this.#removalLane();
    this.#bulk = new BulkDelivery({
      ...options,
      conflicts: new Conflicts({
        deletions: options.remover.deletions,
        removals: this.#removals,
        planner: options.planning?.planner,
      }),
      planned: this.#planned,
      memory: this.#memory,
      ends: this.#ends,
      requestFor: (work, key, values) => this.#requestOf(work, key, values),
      onAgain: (work, request) => {
        this.#putInBulk(work, request);
      },
    });
  }

  /** Works that are not settled. */
  get size(): number {
    return this.#queue.size;
  }

  /** True while so many works of one person wait in line that no more should come. */
  get isCrowded(): boolean {
    return this.#queue.isCrowded;
  }

  /** Calls under way. */
  get inFlight(): number {
    const planned = this.#planned?.inFlight ?? 0;
    const kept = this.#memory?.isBusy === true ? 1 : 0;
    return this.#lane.inFlight + this.#ends.lists.inFlight + this.#removals.inFlight + planned + kept;
  }

  /** Works whose user is written, and whose lists are not changed yet. */
  get waitingForLists(): number {
    return this.#ends.lists.size;
  }

  /** Works that wait for time to pass between two calls for their user. */
  get resting(): number {
    return this.#planned?.resting ?? 0;
  }

  /** True when nothing moves unless more comes, or it is told to {@link flush}. */
  get isIdle(): boolean {
    const busyBatches =
      this.#lane.busyBatches + this.#ends.lists.busyBatches + (this.#planned?.busyBatches ?? 0);
    const isKeeping = this.#memory?.isBusy === true;
    return (
      busyBatches + this.#removals.inFlight + this.#waitingForGone + this.#bulk.judging === 0 && !isKeeping
    );
  }

  /** True when the record would have to wait for an earlier one. */
  mustWait(record: QueuedRecord): boolean {
    return this.#queue.mustWait(record);
  }

  /** True for an upsert that may write a user who was just deleted: it has to be seen first that the user is gone. */
  mustBeLookedUp(change: Upsert): boolean {
    const { deletions } = this.#options.remover;
    return !deletions.isEmpty && deletions.concern(touchedKeys(change));
  }

  add(record: PendingRecord): void {
    this.#queue.add(record);
  }

  fitsAlone(request: UserRequest): boolean {
    return this.#lane.fitsAlone(request);
  }

  /** The call's share of one user. Throws RangeError when a value is nested too deeply to be written. */
  requestFor({ key, values }: { key: UserKey; values: TargetValues }, streamKey: string): UserRequest {
    const { request, isEnriched, newFields } = this.#options;
    const preferUserId = request.preferUserId && !isEnriched(streamKey);
    const built = buildUserRequest(key, values, { ...request, preferUserId }, this.#texts);
    if (newFields?.hasWaiting !== true) return built;
    return withWaitingNumbers(built, values, () => this.requestFor({ key, values }, streamKey));
  }

  /** Sends what waits, full or not: at once, or where others may soon join it, within a second. */
  flush(): void {
    if (this.#areComingBack) this.#flushSoon();
    else this.#flushNow();
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = new AbortController();
    this.#options.clock.sleep(MAX_LATE_BATCH_WAIT_MS, this.#flushing.signal).then(
      () => {
        this.#flushNow();
      },
      () => undefined,
    );
  }

  #flushNow(): void {
    this.#cancelFlush();
    this.#planned?.flush();
    const planning = this.#planned?.busyBatches ?? 0;
    // Those who are planned, or looked up, may join those who wait for a bulk call.
    if (planning === 0) this.#lane.flush();
    // Whoever is being updated may join those who wait for the same list.
    if (this.#lane.busyBatches + planning === 0) this.#ends.lists.flush();
  }

  #cancelFlush(): void {
    this.#flushing?.abort(new Error('no longer waited for'));
    this.#flushing = undefined;
  }

  /** Begins nothing more; what is in flight goes on. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelFlush();
    this.#planned?.stop();
    this.#lane.stop();
    this.#removals.stop();
    this.#ends.lists.stop();
  }

  /** Users who are looked up, or deleted, before they are written: sent one by one as they come, each would take a bulk call. */
  get #areComingBack(): boolean {
    const areBehindDeletions = this.#removals.inFlight > 0 && this.#queue.hasWaiting;
    return this.#waitingForGone + this.#bulk.judging > 0 || areBehindDeletions;
  }

  #onReady(work: PendingWork): void {
    if (this.#isStopped) return;
    if (work.change.kind === 'removal') {
      this.#lane.remove(work);
      this.#planned?.remove(work);
      this.#removals.put(work);
    } else if (this.mustBeLookedUp(work.change)) {
      void this.#waitUntilGone(work);
    } else {
      this.#putUpsert(work);
    }
  }

  #putUpsert(work: PendingWork, since = work.records[0]?.since ?? 0): void {
    const first = work.records[0];
    const second = work.records[1];
    if (!first || work.change.kind !== 'upsert') return;
    // Only records laid over each other need a request that none of them has.
    const request = (second ? undefined : first.request) ?? this.requestFor(work.change, first.streamKey);
    if (this.#planned?.concerns(work)) {
      // A record that was laid over the work may have made it one.
      this.#lane.remove(work);
      this.#planned.put(work, request, since);
    } else {
      this.#lane.put(work, request, since);
    }
  }

  #noteWritten(work: PendingWork): void {
    const { planning, remover } = this.#options;
    if (planning) planning.planner.noteWritten(work);
    else if (work.change.kind === 'upsert') remover.noteWritten(work.change);
  }

  #planUpserts(planning: NonNullable<UserDeliveryOptions['planning']>): PlannedUpserts {
    const { upserter, clock, onFailure, onProgress } = this.#options;
    return new PlannedUpserts({
      ...planning,
      memory: this.#memory,
      upserter,
      clock,
      maxWaitMs: MAX_BATCH_WAIT_MS,
      onStarted: (work) => {
        this.#queue.start(work);
      },
      requestFor: (work, key, values) => this.#requestOf(work, key, values),
      onBulk: (work, request) => {
        this.#putInBulk(work, request);
      },
      onWritten: (work, key) => {
        this.#ends.written(work, key);
      },
      onRevised: (work, change) => {
        this.#queue.revise(work, change);
      },
      onListsOnly: (work, key) => {
        this.#ends.changeLists(work, key);
      },
      onUnchanged: (work) => {
        this.#ends.settle(work, 'unchanged');
      },
      onSkipped: (work) => {
        this.#ends.settle(work, 'not_in_iterable');
      },
      onRejected: (work, rejection) => {
        this.#ends.settle(work, rejection);
      },
      onFailure,
      onDone: onProgress,
    });
  }

  #removalLane(): RemovalLane {
    const { remover, removal, planning, onFailure, onProgress } = this.#options;
    return new RemovalLane({
      remover,
      removal,
      memory: this.#memory,
      onStarted: (work) => {
        this.#queue.start(work);
      },
      onRemoved: (key) => {
        planning?.planner.noteRemoved(key);
      },
      onLeaving: (work, leavers, end) => {
        this.#ends.leaveLists(work, leavers, end);
      },
      onEnded: (work, end) => {
        this.#ends.settle(work, end);
      },
      onFailure,
      onDone: onProgress,
    });
  }

  async #waitUntilGone(work: PendingWork): Promise<void> {
    const { remover, planning, onFailure, onProgress } = this.#options;
    this.#queue.start(work);
    this.#waitingForGone++;
    try {
      const gone = await remover.deletions.waitUntilGone(touchedKeys(work.change));
      for (const key of gone) planning?.planner.noteRemoved(key);
      this.#putUpsert(work, this.#lateSince(work));
    } catch (error) {
      onFailure(error as Error);
    } finally {
      this.#waitingForGone--;
      onProgress();
    }
  }

  #requestOf({ records }: PendingWork, key: UserKey, values: TargetValues): UserRequest {
    return this.requestFor({ key, values }, records[0]?.streamKey ?? '');
  }

  #putInBulk(work: PendingWork, request: UserRequest): void {
    this.#lane.put(work, request, this.#lateSince(work));
  }

  /** Since when a work waits for its batch that others may have waited with elsewhere, of whom the last are yet to come. */
  #lateSince({ records: [first] }: PendingWork): number {
    const latest = this.#options.clock.now() - MAX_BATCH_WAIT_MS + MAX_LATE_BATCH_WAIT_MS;
    return Math.max(first?.since ?? 0, latest);
  }
}

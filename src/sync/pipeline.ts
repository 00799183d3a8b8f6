/**
 * Wires the stages: mapped record → queue per person → batch → call → outcome → state. Bounds what is pending, so that
 * stdin is read no faster than Iterable takes, and settles every record in exactly one outcome.
 */
import { buildUserRequest, type UserRequest, type UserRequestOptions } from '../batching/user-request.ts';
import type { CheckpointTracker, ReleasedState, Ticket } from '../checkpoint/tracker.ts';
import type { Clock } from '../clock.ts';
import type { ListMembers } from '../delivery/list-members.ts';
import type { UserRemover } from '../delivery/remove-users.ts';
import type { UserUpserter } from '../delivery/upsert-users.ts';
import type { Outcome, Rejection, Upsert, UserChange, UserKey } from '../model.ts';
import type { InputMessage, RecordMessage } from '../protocol/messages.ts';
import { streamKey } from '../protocol/catalog.ts';
import { recordDataText } from '../protocol/record-text.ts';
import type { RejectedRecords } from '../rejected-records/rejected-records.ts';
import type { Router } from '../streams/router.ts';
import { Backlog, singleCalls, type Load, type Pace } from './backlog.ts';
import type { BatchReport, RecordPlace, SyncLog } from './sync-log.ts';
import { SYNC_MODES, type SyncMode } from './modes.ts';
import { doneOutcome, listChanges, TOO_DEEP, TOO_LARGE, withinDepth } from './outcomes.ts';
import type { RejectionGuard } from './rejection-guard.ts';
import { ListLanes } from './list-lanes.ts';
import { RemovalLane } from './removal-lane.ts';
import { StateOutput } from './state-output.ts';
import type { SyncSummary } from './stream-summary.ts';
import type { StreamStatuses } from './stream-statuses.ts';
import { BatchLane, type LaneItem } from './batch-lane.ts';
import { touchedKeys, UserQueue, type Work } from './user-queue.ts';

export interface PipelineOptions {
  readonly router: Router;
  readonly tracker: CheckpointTracker;
  readonly upserter: UserUpserter;
  readonly remover: UserRemover;
  readonly listMembers: ListMembers;
  readonly removal: 'delete_user' | 'remove_from_lists';
  readonly summary: SyncSummary;
  readonly log: SyncLog;
  readonly statuses: StreamStatuses;
  readonly guard: RejectionGuard;
  readonly rejectedRecords?: RejectedRecords;
  readonly emitStates: (states: readonly ReleasedState[]) => Promise<void>;
  readonly clock: Clock;
  readonly mode: SyncMode;
  readonly batchSize: number;
  readonly pace: Pace;
  readonly request: UserRequestOptions;
  /** Told once, when a delivery fails for good: the input needn't be read any further. */
  readonly onFailure: () => void;
}

/** A record that waits for its outcome. */
interface UnsettledRecord {
  readonly streamKey: string;
  readonly place: RecordPlace;
  readonly emittedAt: number;
  /** The record's line, where rejected records are stored. Not kept otherwise: thousands wait at a time. */
  readonly text?: string;
  readonly ticket: Ticket;
}

interface PendingRecord extends UnsettledRecord {
  readonly change: UserChange;
  readonly since: number;
  readonly load: Load;
  /** An upsert's own request. */
  readonly request?: UserRequest;
}

type PendingWork = Work<PendingRecord>;

/** A partial batch waits no longer than this, so that states move under slow traffic. */
const MAX_BATCH_WAIT_MS = 10_000;
/** Enough to use 5 calls a second to the full while each takes up to 2 seconds. */
const MAX_BATCHES_IN_FLIGHT = 10;
const MAX_REMOVALS_IN_FLIGHT = 64;
/** A run that failed waits this long for calls in flight, whose outcome may still release states. */
const FAILURE_GRACE_MS = 8_000;

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #queue: UserQueue<PendingRecord>;
  readonly #lane: BatchLane<PendingWork>;
  readonly #removals: RemovalLane<PendingWork>;
  readonly #lists: ListLanes<PendingWork>;
  readonly #backlog: Backlog;
  readonly #states: StateOutput;
  #waitingForGone = 0;
  #failure: Error | undefined;
  #onProgress: (() => void) | undefined;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#backlog = new Backlog(options.batchSize, options.pace);
    this.#states = new StateOutput({
      tracker: options.tracker,
      ...(options.rejectedRecords ? { rejectedRecords: options.rejectedRecords } : {}),
      emit: options.emitStates,
      onFailure: (error) => {
        this.#fail(error);
      },
    });
    const callsInLine = singleCalls(options.pace.batches);
    this.#queue = new UserQueue({
      maxMerged: callsInLine,
      maxWaitingPerPerson: callsInLine,
      mergeNestedObjects: options.request.mergeNestedObjects,
      mayMerge: (change) => change.kind === 'removal' || this.#lane.fitsAlone(this.#requestFor(change)),
      onReady: (work) => {
        this.#onReady(work);
      },
    });
    this.#lane = new BatchLane({
      limits: { maxItems: options.batchSize, ...options.upserter.bodyLimits },
      clock: options.clock,
      maxWaitMs: MAX_BATCH_WAIT_MS,
      maxBatchesInFlight: MAX_BATCHES_IN_FLIGHT,
      onClosed: (work) => {
        this.#queue.start(work);
      },
      deliver: (batch) => this.#deliver(batch),
      onDone: () => {
        this.#progress();
      },
    });
    this.#lists = new ListLanes({
      members: options.listMembers,
      limits: { maxItems: options.batchSize, maxBytes: options.upserter.bodyLimits.maxBytes },
      preferUserId: options.request.preferUserId,
      clock: options.clock,
      maxWaitMs: MAX_BATCH_WAIT_MS,
      onChanged: (work, rejection) => {
        const [first] = work.records;
        if (!rejection && first)
          options.summary.changedLists(first.streamKey, listChanges(work.change).length);
        this.#settleWork(work, rejection);
      },
      onFailure: (error) => {
        this.#fail(error);
      },
      onDone: () => {
        this.#progress();
      },
    });
    this.#removals = new RemovalLane({
      maxInFlight: MAX_REMOVALS_IN_FLIGHT,
      remove: (work) => this.#remove(work),
      onDone: () => {
        this.#progress();
      },
    });
  }

  /** What made the delivery fail for good, if something did. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Takes messages in input order; resolves when there is room for more. Throws for a record of an unknown stream, and the failure. */
  async accept(messages: readonly InputMessage[]): Promise<void> {
    for (const message of messages) {
      if (this.#failure) throw this.#failure;
      switch (message.kind) {
        case 'record':
          this.#acceptRecord(message);
          if (this.#isFull) await this.#untilRoom();
          break;
        case 'state':
          this.#options.tracker.trackState({
            scope: message.scope,
            text: message.text,
            ...(message.stream ? { streamKey: streamKey(message.stream) } : {}),
          });
          this.#states.release();
          break;
        case 'streamStatus':
          this.#options.statuses.note(message);
          break;
      }
    }
    await this.#states.untilRoom();
  }

  /** Delivers and settles everything accepted. Throws the failure, after what is in flight has ended or a grace has passed. */
  async finish(): Promise<void> {
    while (this.#queue.size > 0 && !this.#failure) {
      this.#lane.flush();
      // Whoever is being updated may join those who wait for the same list.
      if (this.#lane.busyBatches === 0) this.#lists.flush();
      await this.#nextProgress();
    }
    if (this.#failure) await this.#drainAfterFailure();
    await this.#states.finish();
    if (this.#failure) throw this.#failure;
  }

  /** Ends the run early, as by a signal: nothing new is sent, `finish` then throws `reason`. */
  stop(reason: Error): void {
    this.#fail(reason);
  }

  #acceptRecord(message: RecordMessage): void {
    const { router, tracker, summary, mode, rejectedRecords } = this.#options;
    const stream = router.route(message);
    summary.received(stream.key);
    const ticket = tracker.trackRecord(stream.key);
    const mapped = stream.map(message);
    const record: UnsettledRecord = {
      streamKey: stream.key,
      place: { line: message.line, stream: message.stream },
      emittedAt: message.emittedAt,
      ...(rejectedRecords ? { text: message.text } : {}),
      ticket,
    };
    if (mapped.kind === 'rejected') {
      this.#settleRecord(record, mapped);
    } else if (mapped.kind === 'removal' && !SYNC_MODES[mode].remove) {
      this.#settleRecord(record, { kind: 'skipped', why: 'removal_not_allowed' });
    } else {
      this.#enqueue(record, mapped);
    }
  }

  #enqueue(record: UnsettledRecord, change: UserChange): void {
    const since = this.#options.clock.now();
    const textBytes = record.text?.length ?? 0;
    if (change.kind === 'removal') {
      this.#addToQueue({ ...record, change, since, load: { bytes: textBytes, isRemoval: true } });
      return;
    }
    const request = withinDepth(() => this.#requestFor(change));
    if (request && this.#lane.fitsAlone(request)) {
      const load = { bytes: request.bytes + textBytes, isRemoval: false };
      this.#addToQueue({ ...record, change, since, load, request });
    } else {
      this.#settleRecord(record, { kind: 'rejected', ...(request ? TOO_LARGE : TOO_DEEP) });
    }
  }

  #addToQueue(record: PendingRecord): void {
    this.#backlog.add(record.load);
    this.#queue.add(record);
  }

  #requestFor({ key, values }: Upsert): UserRequest {
    return buildUserRequest(key, values, this.#options.request);
  }

  #onReady(work: PendingWork): void {
    if (this.#failure) return;
    if (work.change.kind === 'removal') {
      this.#lane.remove(work);
      this.#removals.put(work);
    } else if (this.#options.remover.wasRemovedLately(touchedKeys(work.change))) {
      void this.#waitUntilGone(work);
    } else {
      this.#putInLane(work);
    }
  }

  #putInLane(work: PendingWork): void {
    if (work.change.kind !== 'upsert') return;
    const [first, second] = work.records;
    // Only records laid over each other need a request that none of them has.
    const request = (second ? undefined : first?.request) ?? this.#requestFor(work.change);
    this.#lane.put(work, request, first?.since ?? this.#options.clock.now());
  }

  async #waitUntilGone(work: PendingWork): Promise<void> {
    this.#queue.start(work);
    this.#waitingForGone++;
    try {
      await this.#options.remover.waitUntilGone(touchedKeys(work.change));
      this.#putInLane(work);
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#waitingForGone--;
      this.#progress();
    }
  }

  async #deliver(batch: readonly LaneItem<PendingWork>[]): Promise<void> {
    const { clock, upserter, log, summary } = this.#options;
    const startedAt = clock.now();
    const report: BatchReport = { users: batch.length, records: 0, rejected: 0, retried: 0, tookMs: 0 };
    try {
      const rejections = await upserter.deliver(batch.map(({ request }) => request));
      for (const { work, request } of batch) {
        const rejection = rejections.get(request);
        report.records += work.records.length;
        if (rejection && work.records.length > 1) report.retried++;
        else if (rejection) report.rejected++;
        if (rejection) this.#settleWork(work, rejection);
        else this.#changeLists(work, request.key);
      }
      report.tookMs = clock.now() - startedAt;
      log.batch(report, summary);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  async #remove(work: PendingWork): Promise<void> {
    if (work.change.kind !== 'removal') return;
    const { remover, removal } = this.#options;
    this.#queue.start(work);
    try {
      if (removal === 'delete_user') {
        this.#settleWork(work, await remover.remove(work.change));
        return;
      }
      const person = await remover.identify(work.change);
      if ('code' in person) this.#settleWork(work, person);
      else this.#changeLists(work, person);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** The last step of a work: after the user's own update was answered. */
  #changeLists(work: PendingWork, key: UserKey): void {
    const changes = listChanges(work.change);
    const since = work.records[0]?.since ?? this.#options.clock.now();
    if (changes.length === 0) this.#settleWork(work, undefined);
    else this.#lists.put(work, key, changes, since);
  }

  #settleWork(work: PendingWork, rejection: Rejection | undefined): void {
    if (rejection && work.records.length > 1) {
      this.#queue.retryOneByOne(work);
      return;
    }
    const last = work.records.at(-1);
    for (const record of work.records) {
      this.#backlog.remove(record.load);
      this.#settleRecord(
        record,
        rejection ? { kind: 'rejected', ...rejection } : doneOutcome(work.change, record === last),
      );
    }
    this.#queue.settle(work);
  }

  #settleRecord(record: UnsettledRecord, outcome: Outcome): void {
    const { summary, tracker, guard } = this.#options;
    summary.settled(record.streamKey, outcome);
    if (outcome.kind === 'rejected') this.#noteRejected(record, outcome);
    tracker.settle(record.ticket, outcome.kind === 'rejected' ? 'rejected' : 'confirmed');
    const excess = guard.afterRecord(record.streamKey);
    if (excess) this.#fail(excess);
  }

  /** Before the record counts as settled: its state must not overtake it. */
  #noteRejected({ place, emittedAt, text }: UnsettledRecord, rejection: Rejection): void {
    this.#options.log.rejected(place, rejection);
    if (text === undefined) return;
    this.#options.rejectedRecords?.add({ ...place, emittedAt, rejection, dataText: recordDataText(text) });
  }

  get #isFull(): boolean {
    return this.#backlog.isFull || this.#queue.isCrowded;
  }

  get #isIdle(): boolean {
    return (
      this.#lane.busyBatches + this.#lists.busyBatches + this.#removals.inFlight + this.#waitingForGone === 0
    );
  }

  async #untilRoom(): Promise<void> {
    while (this.#isFull && !this.#failure) {
      if (this.#isIdle) {
        this.#lane.flush();
        this.#lists.flush();
      }
      await this.#nextProgress();
    }
  }

  #nextProgress(): Promise<void> {
    return new Promise((resolve) => {
      this.#onProgress = resolve;
    });
  }

  /** Something was settled, or is no longer in flight: states may leave, and whoever waits looks again. */
  #progress(): void {
    this.#states.release();
    this.#onProgress?.();
    this.#onProgress = undefined;
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#lane.stop();
    this.#removals.stop();
    this.#lists.stop();
    this.#options.onFailure();
    this.#progress();
  }

  async #drainAfterFailure(): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.now() + FAILURE_GRACE_MS;
    const grace = new AbortController();
    const timeUp = clock.sleep(FAILURE_GRACE_MS, grace.signal).catch(() => undefined);
    while (!this.#isDrained && clock.now() < deadline) await Promise.race([this.#nextProgress(), timeUp]);
    grace.abort(new Error('drained'));
  }

  get #isDrained(): boolean {
    return this.#lane.inFlight + this.#lists.inFlight + this.#removals.inFlight === 0;
  }
}

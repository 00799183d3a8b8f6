/**
 * Wires the stages: mapped record → queue per person → batch → call → outcome → state. Bounds what is pending, so that
 * stdin is read no faster than Iterable takes, and settles every record in exactly one outcome.
 */
import { buildUserRequest, type UserRequest, type UserRequestOptions } from '../batching/user-request.ts';
import type { CheckpointTracker, ReleasedState, Ticket } from '../checkpoint/tracker.ts';
import type { Clock } from '../clock.ts';
import type { UserRemover } from '../delivery/remove-users.ts';
import type { UserUpserter } from '../delivery/upsert-users.ts';
import type { Outcome, Rejection, Upsert, UserChange } from '../model.ts';
import type { InputMessage, RecordMessage } from '../protocol/messages.ts';
import { streamKey } from '../protocol/catalog.ts';
import type { Router } from '../streams/router.ts';
import type { BatchReport, RecordPlace, SyncLog } from './sync-log.ts';
import { SYNC_MODES, type SyncMode } from './modes.ts';
import { doneOutcome, TOO_DEEP, TOO_LARGE, withinDepth } from './outcomes.ts';
import { RemovalLane } from './removal-lane.ts';
import type { SyncSummary } from './stream-summary.ts';
import type { StreamStatuses } from './stream-statuses.ts';
import { UpsertLane, type LaneItem } from './upsert-lane.ts';
import { touchedKeys, UserQueue, type Work } from './user-queue.ts';

export interface PipelineOptions {
  readonly router: Router;
  readonly tracker: CheckpointTracker;
  readonly upserter: UserUpserter;
  readonly remover: UserRemover;
  readonly summary: SyncSummary;
  readonly log: SyncLog;
  readonly statuses: StreamStatuses;
  readonly emitStates: (states: readonly ReleasedState[]) => Promise<void>;
  readonly clock: Clock;
  readonly mode: SyncMode;
  readonly batchSize: number;
  readonly request: UserRequestOptions;
  /** Told once, when a delivery fails for good: the input needn't be read any further. */
  readonly onFailure: () => void;
}

interface PendingRecord {
  readonly streamKey: string;
  readonly change: UserChange;
  /** Where the record stood in the input. Its data is not kept: thousands wait at a time. */
  readonly place: RecordPlace;
  readonly ticket: Ticket;
  /** An upsert's own request; its size measures the memory that the record holds. */
  readonly request?: UserRequest;
}

type PendingWork = Work<PendingRecord>;

/** A partial batch waits no longer than this, so that states move under slow traffic. */
const MAX_BATCH_WAIT_MS = 10_000;
/** Enough to use 5 calls a second to the full while each takes up to 2 seconds. */
const MAX_BATCHES_IN_FLIGHT = 10;
const MAX_REMOVALS_IN_FLIGHT = 64;
const MAX_PENDING_BATCHES = 12;
const MAX_PENDING_BYTES = 24_000_000;
const MIN_PENDING_RECORDS = 1_000;
/** A run that failed waits this long for calls in flight, whose outcome may still release states. */
const FAILURE_GRACE_MS = 8_000;

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #queue: UserQueue<PendingRecord>;
  readonly #lane: UpsertLane<PendingWork>;
  readonly #removals: RemovalLane<PendingWork>;
  readonly #maxPendingRecords: number;
  #waitingForGone = 0;
  #pendingRecords = 0;
  #pendingBytes = 0;
  #failure: Error | undefined;
  #onProgress: (() => void) | undefined;
  #output: Promise<void> = Promise.resolve();

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#maxPendingRecords = Math.max(MAX_PENDING_BATCHES * options.batchSize, MIN_PENDING_RECORDS);
    this.#queue = new UserQueue({
      mergeNestedObjects: options.request.mergeNestedObjects,
      mayMerge: (change) => change.kind === 'removal' || this.#lane.fitsAlone(this.#requestFor(change)),
      onReady: (work) => {
        this.#onReady(work);
      },
    });
    this.#lane = new UpsertLane({
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
          if (this.#isFull()) await this.#untilRoom();
          break;
        case 'state':
          this.#options.tracker.trackState({
            scope: message.scope,
            text: message.text,
            ...(message.stream ? { streamKey: streamKey(message.stream) } : {}),
          });
          this.#emitStates();
          break;
        case 'streamStatus':
          this.#options.statuses.note(message);
          break;
      }
    }
    await this.#output;
  }

  /** Delivers and settles everything accepted. Throws the failure, after what is in flight has ended or a grace has passed. */
  async finish(): Promise<void> {
    while (this.#queue.size > 0 && !this.#failure) {
      this.#lane.flush();
      await this.#nextProgress();
    }
    if (this.#failure) await this.#drainAfterFailure();
    await this.#output;
    if (this.#failure) throw this.#failure;
  }

  /** Ends the run early, as by a signal: nothing new is sent, `finish` then throws `reason`. */
  stop(reason: Error): void {
    this.#fail(reason);
  }

  #acceptRecord(message: RecordMessage): void {
    const { router, tracker, summary, mode } = this.#options;
    const stream = router.route(message);
    summary.received(stream.key);
    const ticket = tracker.trackRecord(stream.key);
    const mapped = stream.map(message);
    const record = { streamKey: stream.key, place: { line: message.line, stream: message.stream }, ticket };
    if (mapped.kind === 'rejected') {
      this.#settleRecord(record, mapped);
    } else if (mapped.kind === 'removal' && !SYNC_MODES[mode].remove) {
      this.#settleRecord(record, { kind: 'skipped', why: 'removal_not_allowed' });
    } else {
      this.#enqueue({ ...record, change: mapped });
    }
  }

  #enqueue(record: PendingRecord): void {
    const { change } = record;
    if (change.kind === 'removal') {
      this.#addToQueue(record);
      return;
    }
    const request = withinDepth(() => this.#requestFor(change));
    if (request && this.#lane.fitsAlone(request)) this.#addToQueue({ ...record, request });
    else this.#settleRecord(record, { kind: 'rejected', ...(request ? TOO_LARGE : TOO_DEEP) });
  }

  #addToQueue(record: PendingRecord): void {
    this.#pendingRecords++;
    this.#pendingBytes += record.request?.bytes ?? 0;
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
    // Only records laid over each other need a request that none of them has.
    const ownRequest = work.records.length === 1 ? work.records[0]?.request : undefined;
    this.#lane.put(work, ownRequest ?? this.#requestFor(work.change));
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
        this.#settleWork(work, rejection);
      }
      report.tookMs = clock.now() - startedAt;
      log.batch(report, summary);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  async #remove(work: PendingWork): Promise<void> {
    if (work.change.kind !== 'removal') return;
    this.#queue.start(work);
    try {
      this.#settleWork(work, await this.#options.remover.remove(work.change));
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #settleWork(work: PendingWork, rejection: Rejection | undefined): void {
    if (rejection && work.records.length > 1) {
      this.#queue.retryOneByOne(work);
      return;
    }
    const last = work.records.at(-1);
    for (const record of work.records) {
      this.#pendingRecords--;
      this.#pendingBytes -= record.request?.bytes ?? 0;
      this.#settleRecord(
        record,
        rejection ? { kind: 'rejected', ...rejection } : doneOutcome(work.change, record === last),
      );
    }
    this.#queue.settle(work);
  }

  #settleRecord(
    { streamKey, place, ticket }: Pick<PendingRecord, 'streamKey' | 'place' | 'ticket'>,
    outcome: Outcome,
  ): void {
    const { summary, tracker, log } = this.#options;
    summary.settled(streamKey, outcome);
    if (outcome.kind === 'rejected') log.rejected(place, outcome);
    tracker.settle(ticket, outcome.kind === 'rejected' ? 'rejected' : 'confirmed');
  }

  #emitStates(): void {
    const released = this.#options.tracker.takeReleased();
    if (released.length === 0) return;
    this.#output = this.#output.then(() => this.#options.emitStates(released));
  }

  #isFull(): boolean {
    return this.#pendingRecords >= this.#maxPendingRecords || this.#pendingBytes >= MAX_PENDING_BYTES;
  }

  get #isIdle(): boolean {
    return this.#lane.busyBatches === 0 && this.#removals.inFlight === 0 && this.#waitingForGone === 0;
  }

  async #untilRoom(): Promise<void> {
    while (this.#isFull() && !this.#failure) {
      if (this.#isIdle) this.#lane.flush();
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
    this.#emitStates();
    this.#onProgress?.();
    this.#onProgress = undefined;
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#lane.stop();
    this.#removals.stop();
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
    return this.#lane.inFlight === 0 && this.#removals.inFlight === 0;
  }
}

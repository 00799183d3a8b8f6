/**
 * Wires the stages: mapped record → delivery → outcome → state. Bounds what is pending, so that stdin is read no faster than
 * Iterable takes, and settles every record in exactly one outcome.
 */
import type { CheckpointTracker, ReleasedState } from '../checkpoint/tracker.ts';
import type { Outcome, Rejection, UserChange } from '../model.ts';
import type { InputMessage, RecordMessage } from '../protocol/messages.ts';
import { streamKey } from '../protocol/catalog.ts';
import { recordDataText } from '../protocol/record-text.ts';
import type { RejectedRecords } from '../rejected-records/rejected-records.ts';
import { SYNC_MODES } from '../streams/modes.ts';
import type { RoutedStream, Router } from '../streams/router.ts';
import { Backlog } from './backlog.ts';
import { TOO_DEEP, TOO_LARGE, withinDepth } from './outcomes.ts';
import type { PendingRecord, UnsettledRecord } from './pending-record.ts';
import type { RejectionGuard } from './rejection-guard.ts';
import { StateOutput } from './state-output.ts';
import type { StreamStatuses } from './stream-statuses.ts';
import { UserDelivery, type UserDeliveryOptions } from './user-delivery.ts';

export interface PipelineOptions extends Omit<UserDeliveryOptions, 'onSettled' | 'onProgress' | 'onFailure'> {
  readonly router: Router;
  readonly tracker: CheckpointTracker;
  readonly statuses: StreamStatuses;
  readonly guard: RejectionGuard;
  readonly rejectedRecords?: RejectedRecords;
  readonly emitStates: (states: readonly ReleasedState[]) => Promise<void>;
  /** Told once, when a delivery fails for good: the input needn't be read any further. */
  readonly onStopped: () => void;
}

/** A run that failed waits this long for calls in flight, whose outcome may still release states. */
const FAILURE_GRACE_MS = 8_000;

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #delivery: UserDelivery;
  readonly #backlog: Backlog;
  readonly #states: StateOutput;
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
    this.#delivery = new UserDelivery({
      ...options,
      onSettled: (record, outcome) => {
        this.#backlog.remove(record.load);
        this.#settleRecord(record, outcome);
      },
      onProgress: () => {
        this.#progress();
      },
      onFailure: (error) => {
        this.#fail(error);
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
    while (this.#delivery.size > 0 && !this.#failure) {
      this.#delivery.flush();
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
    const { router, tracker, summary, rejectedRecords } = this.#options;
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
      ...primaryKeyOf(stream, message),
    };
    if (mapped.kind === 'rejected') {
      this.#settleRecord(record, mapped);
    } else if (mapped.kind === 'removal' && !SYNC_MODES[stream.mode].remove) {
      this.#settleRecord(record, { kind: 'skipped', why: 'removal_not_allowed' });
    } else {
      this.#enqueue(record, mapped);
    }
  }

  #enqueue(record: UnsettledRecord, change: UserChange): void {
    const since = this.#options.clock.now();
    const textBytes = record.text?.length ?? 0;
    if (change.kind === 'removal') {
      this.#addToQueue({ ...record, change, since, load: { bytes: textBytes, needsOwnCalls: true } });
      return;
    }
    const request = withinDepth(() => this.#delivery.requestFor(change, record.streamKey));
    if (request && this.#delivery.fitsAlone(request)) {
      const needsOwnCalls = change.previousEmail !== undefined;
      const load = { bytes: request.bytes + textBytes, needsOwnCalls };
      this.#addToQueue({ ...record, change, since, load, request });
    } else {
      this.#settleRecord(record, { kind: 'rejected', ...(request ? TOO_LARGE : TOO_DEEP) });
    }
  }

  #addToQueue(record: PendingRecord): void {
    this.#backlog.add(record.load);
    this.#delivery.add(record);
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
    return this.#backlog.isFull || this.#delivery.isCrowded;
  }

  async #untilRoom(): Promise<void> {
    while (this.#isFull && !this.#failure) {
      if (this.#delivery.isIdle) this.#delivery.flush();
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
    this.#delivery.stop();
    this.#options.onStopped();
    this.#progress();
  }

  async #drainAfterFailure(): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.now() + FAILURE_GRACE_MS;
    const grace = new AbortController();
    const timeUp = clock.sleep(FAILURE_GRACE_MS, grace.signal).catch(() => undefined);
    while (this.#delivery.inFlight > 0 && clock.now() < deadline)
      await Promise.race([this.#nextProgress(), timeUp]);
    grace.abort(new Error('drained'));
  }
}

function primaryKeyOf(stream: RoutedStream, { data }: RecordMessage): { readonly primaryKey?: string } {
  const primaryKey = stream.primaryKeyOf(data);
  return primaryKey === undefined ? {} : { primaryKey };
}

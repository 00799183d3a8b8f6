/**
 * Wires the stages: mapped record → delivery → outcome → state. Bounds what is pending, so that stdin is read no faster than
 * Iterable takes, and settles every record in exactly one outcome.
 */
import type { UserRequest } from '../batching/user-request.ts';
import type { ReleasedState } from '../checkpoint/tracker.ts';
import type { Removal, Upsert, UserChange } from '../model.ts';
import type { InputMessage } from '../protocol/messages.ts';
import { streamKey } from '../protocol/catalog.ts';
import { SYNC_MODES } from '../streams/modes.ts';
import type { Router } from '../streams/router.ts';
import { Backlog } from './backlog.ts';
import type { Memory } from '../diff/memory.ts';
import { NOBODY_NAMED, TOO_DEEP, TOO_LARGE, UNCHANGED } from './outcomes.ts';
import type { PendingRecord, UnsettledRecord } from './pending-record.ts';
import { LookupQueue } from './lookup-queue.ts';
import { RecordIntake, type MappedItem } from './record-intake.ts';
import { Settlement, type SettlementOptions } from './settlement.ts';
import { StateOutput } from './state-output.ts';
import type { StreamStatuses } from './stream-statuses.ts';
import { UserDelivery, type UserDeliveryOptions } from './user-delivery.ts';

export interface PipelineOptions
  extends
    Omit<UserDeliveryOptions, 'onSettled' | 'onProgress' | 'onFailure'>,
    Omit<SettlementOptions, 'onProgress' | 'onExcess'> {
  readonly router: Router;
  readonly statuses: StreamStatuses;
  readonly emitStates: (states: readonly ReleasedState[]) => Promise<void>;
  /** How many calls have been sent and are not answered. */
  readonly callsInFlight: () => number;
  /** Told once, when a delivery fails for good: the input needn't be read any further. */
  readonly onStopped: () => void;
}

/** A run that failed waits this long for calls in flight, whose outcome may still release states. */
export const FAILURE_GRACE_MS = 8_000;
const NOBODY: readonly string[] = [];

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #intake: RecordIntake;
  readonly #delivery: UserDelivery;
  readonly #backlog: Backlog;
  readonly #states: StateOutput;
  readonly #settlement: Settlement;
  /** With a ledger. */
  readonly #recalls: LookupQueue<MappedItem> | undefined;
  #failure: Error | undefined;
  #onProgress: (() => void) | undefined;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#intake = new RecordIntake(options);
    this.#backlog = new Backlog(options.batchSize, options.pace, {
      pending: () => this.#delivery.size,
      // Of users spread over many lists, the more wait the fewer calls they take.
      underWay: () =>
        options.callsInFlight() * options.batchSize + this.#delivery.waitingForLists + this.#delivery.resting,
      resting: () => this.#delivery.resting,
    });
    this.#states = new StateOutput({
      tracker: options.tracker,
      ...(options.rejectedRecords ? { rejectedRecords: options.rejectedRecords } : {}),
      emit: options.emitStates,
      onFailure: (error) => {
        this.#fail(error);
      },
    });
    this.#settlement = new Settlement({
      ...options,
      onProgress: () => {
        this.#progress();
      },
      onExcess: (excess) => {
        this.#fail(excess);
      },
    });
    const { memory } = options;
    this.#recalls =
      memory &&
      new LookupQueue({
        recall: (items) => this.#recall(memory, items),
        onFailure: (error) => {
          this.#fail(error);
        },
      });
    this.#delivery = new UserDelivery({
      ...options,
      onSettled: (record, outcome) => {
        this.#backlog.remove(record);
        this.#settlement.settle(record, outcome);
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

  /**
   * Takes messages in input order; resolves when there is room for more. Throws what taking a message throws, for a record of an
   * unknown stream, and the failure.
   */
  async accept(messages: Iterable<InputMessage>): Promise<void> {
    const mapped: MappedItem[] = [];
    try {
      await this.#takeAll(messages, mapped);
    } finally {
      // What came before a record that can't be taken is delivered all the same.
      if (this.#recalls && mapped.length > 0 && !this.#failure) {
        await this.#recalls.add(mapped);
        if (this.#isFull) await this.#recalls.drain();
      }
    }
    await this.#states.untilRoom();
  }

  /** Hands records on; with a ledger into `mapped`, since their rows are looked for together. */
  async #takeAll(messages: Iterable<InputMessage>, mapped: MappedItem[]): Promise<void> {
    for (const message of messages) {
      if (this.#failure) throw this.#failure;
      switch (message.kind) {
        case 'record':
          if (this.#recalls) {
            mapped.push(this.#intake.take(message));
          } else {
            this.#dispatch(this.#intake.take(message));
            if (this.#isFull) await this.#untilRoom();
          }
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
  }

  /** Delivers and settles everything accepted. Throws the failure, after what is in flight has ended or a grace has passed. */
  async finish(): Promise<void> {
    await this.#recalls?.drain();
    while (this.#delivery.size > 0 && !this.#failure) {
      this.#delivery.flush();
      await this.#nextProgress();
    }
    this.#delivery.stop();
    // What the failed call of a commit says is told by `onFailure`.
    await this.#options.memory?.flush();
    if (this.#failure) await this.#drainAfterFailure();
    await this.#states.finish();
    if (this.#failure) throw this.#failure;
  }

  /** Ends the run early, as by a signal: nothing new is sent, `finish` then throws `reason`. */
  stop(reason: Error): void {
    this.#fail(reason);
  }

  /** Looks for the rows of some records, and hands the records on in order. */
  async #recall(memory: Memory, items: readonly MappedItem[]): Promise<void> {
    const rows = items.map(({ record }) => record.row).filter((row) => row !== undefined);
    await memory.recall(rows, async (isHeldStill) => {
      for (const item of items) {
        if (this.#failure) throw this.#failure;
        const { row } = item.record;
        if (row) row.isCurrent = isHeldStill(row);
        this.#dispatch(item);
        if (this.#isFull) await this.#untilRoom();
      }
    });
  }

  #dispatch({ stream, record, mapped }: MappedItem): void {
    if (mapped.kind === 'rejected') {
      this.#settlement.settleUnsent(record, mapped);
    } else if (mapped.kind === 'removal' && !SYNC_MODES[stream.mode].remove) {
      this.#settlement.settleUnsent(record, { kind: 'skipped', why: 'removal_not_allowed' });
    } else if (mapped.kind === 'removal' && !isNamed(mapped) && record.row === undefined) {
      this.#settlement.settleUnsent(record, { kind: 'rejected', ...NOBODY_NAMED });
    } else {
      this.#enqueue(record, mapped);
    }
  }

  #enqueue(record: UnsettledRecord, change: UserChange): void {
    const { memory, clock } = this.#options;
    const { streamKey, row, text } = record;
    const rowToken = row?.token;
    const formerIdentities = row && memory ? memory.identitiesBefore(row) : NOBODY;
    if (row && this.#delivery.mustWait({ streamKey, change, rowToken, formerIdentities }))
      row.isCurrent = false;
    if (change.kind === 'upsert' && row && memory?.isUnchanged(row, change)) {
      this.#settlement.settleUnsent(record, UNCHANGED);
      return;
    }
    const request = change.kind === 'upsert' ? this.#requestFor(change, streamKey) : undefined;
    if (change.kind === 'upsert' && !(request && this.#delivery.fitsAlone(request))) {
      this.#settlement.settleUnsent(record, { kind: 'rejected', ...(request ? TOO_LARGE : TOO_DEEP) });
      return;
    }
    const pending: PendingRecord = {
      streamKey,
      line: record.line,
      stream: record.stream,
      emittedAt: record.emittedAt,
      primaryKey: record.primaryKey,
      text,
      ticket: record.ticket,
      row,
      change,
      since: clock.now(),
      bytes: (request?.bytes ?? 0) + (text?.length ?? 0),
      needsOwnCalls:
        change.kind === 'removal' ||
        change.previousEmail !== undefined ||
        this.#delivery.mustBeLookedUp(change),
      request,
      rowToken,
      formerIdentities,
    };
    this.#backlog.add(pending);
    this.#delivery.add(pending);
  }

  /** Undefined when a value is nested more deeply than it can be written. */
  #requestFor(change: Upsert, streamKey: string): UserRequest | undefined {
    try {
      return this.#delivery.requestFor(change, streamKey);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  get #isFull(): boolean {
    return this.#backlog.isFull || this.#delivery.isCrowded || this.#options.memory?.isFull === true;
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

function isNamed({ email, userId }: Removal): boolean {
  return email !== undefined || userId !== undefined;
}

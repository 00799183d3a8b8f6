/**
 * The way of a record: message → incoming record → pending record → task → outcome → state. Bounds what is pending, so that
 * stdin is read no faster than Iterable takes.
 */
import type { UserRequest } from '../batching/user-request.ts';
import type { ReleasedState } from '../checkpoint/tracker.ts';
import type { ChangeDetector } from '../diff/change-detector.ts';
import { identitiesOfUpsert } from '../diff/row.ts';
import type { RejectedRecord } from '../mapping/compile.ts';
import type { Identities, Removal, Upsert, UserChange } from '../model.ts';
import type { InputMessage } from '../protocol/messages.ts';
import { streamKey } from '../protocol/catalog.ts';
import { SYNC_MODES } from '../streams/modes.ts';
import type { Router } from '../streams/router.ts';
import { Backlog } from './backlog.ts';
import { Dispatcher, type DispatcherOptions } from './dispatcher.ts';
import { LookupQueue } from './lookup-queue.ts';
import { NO_IDENTIFIER, TOO_DEEP, TOO_LARGE, UNCHANGED } from './outcomes.ts';
import type { PendingRecord } from './pending-record.ts';
import { RecordIntake, type IncomingRecord } from './record-intake.ts';
import { Settlement, type SettlementOptions } from './settlement.ts';
import { mayBeDeleted } from './stages/wait.ts';
import { StateOutput } from './state-output.ts';
import type { StreamStatuses } from './stream-statuses.ts';

export interface PipelineOptions
  extends Omit<DispatcherOptions, 'backlog' | 'settlement'>, SettlementOptions {
  readonly router: Router;
  readonly statuses: StreamStatuses;
  readonly emitStates: (states: readonly ReleasedState[]) => Promise<void>;
  /** Calls that have been sent and are not answered. */
  readonly calls: { readonly inFlight: number };
}

/** A run that failed waits this long for calls in flight, whose outcome may still release states. */
export const FAILURE_GRACE_MS = 8_000;
const NO_IDENTITIES: readonly string[] = [];

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #intake: RecordIntake;
  readonly #dispatcher: Dispatcher;
  readonly #backlog: Backlog;
  readonly #states: StateOutput;
  readonly #settlement: Settlement;
  /** With a ledger. */
  readonly #lookups: LookupQueue<IncomingRecord> | undefined;

  constructor(options: PipelineOptions) {
    const { run, detector, tracker, rejectedRecords, emitStates, batchSize, pace, calls } = options;
    this.#options = options;
    this.#intake = new RecordIntake(options);
    this.#backlog = new Backlog(batchSize, pace, calls);
    this.#states = new StateOutput({
      run,
      tracker,
      ...(rejectedRecords ? { rejectedRecords } : {}),
      emit: emitStates,
    });
    run.onMoved(() => {
      this.#states.release();
    });
    this.#settlement = new Settlement(options);
    this.#lookups =
      detector && new LookupQueue({ run, lookUp: (records) => this.#lookUp(detector, records) });
    this.#dispatcher = new Dispatcher({ ...options, backlog: this.#backlog, settlement: this.#settlement });
  }

  /**
   * Takes messages in input order; resolves when there is room for more. Throws what taking a message throws, for a record of an
   * unknown stream, and the run's failure.
   */
  async accept(messages: Iterable<InputMessage>): Promise<void> {
    const incoming: IncomingRecord[] = [];
    try {
      await this.#takeAll(messages, incoming);
    } finally {
      // What came before a record that can't be taken is delivered all the same.
      if (this.#lookups && incoming.length > 0 && !this.#options.run.failure) {
        await this.#lookups.add(incoming);
        if (this.#isFull) await this.#lookups.drain();
      }
    }
    await this.#states.untilRoom();
  }

  /** Sends records on; with a ledger into `incoming`, since their rows are looked up together. */
  async #takeAll(messages: Iterable<InputMessage>, incoming: IncomingRecord[]): Promise<void> {
    const { run, tracker, statuses } = this.#options;
    for (const message of messages) {
      if (run.failure) throw run.failure;
      switch (message.kind) {
        case 'record':
          if (this.#lookups) {
            incoming.push(this.#intake.take(message));
          } else {
            this.#dispatch(this.#intake.take(message));
            if (this.#isFull) await this.#untilRoom();
          }
          break;
        case 'state':
          tracker.trackState({
            scope: message.scope,
            text: message.text,
            ...(message.stream ? { streamKey: streamKey(message.stream) } : {}),
          });
          this.#states.release();
          break;
        case 'streamStatus':
          statuses.note(message);
          break;
      }
    }
  }

  /** Delivers and settles everything accepted. Throws the run's failure, after the calls in flight have ended or a grace has passed. */
  async finish(): Promise<void> {
    const { run, detector } = this.#options;
    await this.#lookups?.drain();
    while (this.#dispatcher.size > 0 && !run.failure) {
      this.#dispatcher.flush();
      await run.untilMoved();
    }
    run.end();
    // A failed commit fails the run.
    await detector?.flush();
    if (run.failure) await this.#drainAfterFailure();
    await this.#states.finish();
    if (run.failure) throw run.failure;
  }

  /** Looks up the rows of some records, and sends the records on in order. */
  async #lookUp(detector: ChangeDetector, records: readonly IncomingRecord[]): Promise<void> {
    const { run } = this.#options;
    const rows = records.map(({ row }) => row).filter((row) => row !== undefined);
    await detector.read(rows, async (changed) => {
      for (const record of records) {
        if (run.failure) throw run.failure;
        const { row } = record;
        if (row && changed.has(row.token)) row.becomeStale();
        this.#dispatch(record);
        if (this.#isFull) await this.#untilRoom();
      }
    });
  }

  #dispatch(record: IncomingRecord): void {
    const { mapped, mode } = record;
    if (mapped.kind === 'rejected') {
      this.#reject(record, mapped, namedBy(mapped));
    } else if (mapped.kind === 'removal' && !SYNC_MODES[mode].remove) {
      this.#settlement.settleUnsent(record, { kind: 'skipped', why: 'removal_not_allowed' });
    } else if (mapped.kind === 'removal' && !isNamed(mapped) && record.row === undefined) {
      this.#settlement.settleUnsent(record, { kind: 'rejected', ...NO_IDENTIFIER });
    } else {
      this.#enqueue(record, mapped);
    }
  }

  #enqueue(record: IncomingRecord, change: UserChange): void {
    const { detector, clock } = this.#options;
    const { streamKey, row, text } = record;
    const { queue, requests } = this.#dispatcher;
    const rowToken = row?.token;
    const previousIdentities = row && detector ? detector.identitiesBefore(row) : NO_IDENTITIES;
    if (row && queue.mustWait({ streamKey, change, rowToken, previousIdentities })) row.becomeStale();
    if (change.kind === 'upsert' && row && detector?.isUnchanged(row, change)) {
      this.#settlement.settleUnsent(record, UNCHANGED);
      return;
    }
    const request = change.kind === 'upsert' ? this.#requestFor(change, streamKey) : undefined;
    if (change.kind === 'upsert' && !(request && requests.fits(request))) {
      const rejection = request ? TOO_LARGE : TOO_DEEP;
      this.#reject(record, { kind: 'rejected', ...rejection }, identitiesOfUpsert(change));
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
      needsOwnCalls: this.#needsOwnCalls(change),
      isParked: false,
      request,
      rowToken,
      previousIdentities,
    };
    this.#backlog.add(pending);
    queue.add(pending);
  }

  #needsOwnCalls(change: UserChange): boolean {
    const { remover, routing, removal } = this.#options;
    if (change.kind === 'removal') return removal === 'delete_user' || remover.mustLookUp(change);
    const movesAlone = change.previousEmail !== undefined && routing?.routes.movesBySingleCalls === true;
    return movesAlone || mayBeDeleted(change, remover.deletions);
  }

  /** @param named whom the record names, as far as it can be told */
  #reject(record: IncomingRecord, rejection: RejectedRecord, named: Identities | undefined): void {
    if (record.row && named) this.#dispatcher.queue.noteRejected(record.row.token, named);
    this.#settlement.settleUnsent(record, rejection, named);
  }

  /** Undefined when a value is nested more deeply than it can be written. */
  #requestFor(change: Upsert, streamKey: string): UserRequest | undefined {
    try {
      return this.#dispatcher.requests.build(change, streamKey);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  get #isFull(): boolean {
    const { detector } = this.#options;
    return (
      this.#backlog.isFull(this.#dispatcher) || this.#dispatcher.queue.isCrowded || detector?.isFull === true
    );
  }

  async #untilRoom(): Promise<void> {
    const { run } = this.#options;
    while (this.#isFull && !run.failure) {
      if (this.#dispatcher.isIdle) this.#dispatcher.flush();
      await run.untilMoved();
    }
  }

  async #drainAfterFailure(): Promise<void> {
    const { clock, run } = this.#options;
    const deadline = clock.now() + FAILURE_GRACE_MS;
    const grace = new AbortController();
    const timeUp = clock.sleep(FAILURE_GRACE_MS, grace.signal).catch(() => undefined);
    while (this.#dispatcher.inFlight > 0 && clock.now() < deadline)
      await Promise.race([run.untilMoved(), timeUp]);
    grace.abort(new Error('drained'));
  }
}

function isNamed({ email, userId }: Removal): boolean {
  return email !== undefined || userId !== undefined;
}

/** The identities that a rejected record names; undefined if none. */
function namedBy({ key, otherKey }: Pick<RejectedRecord, 'key' | 'otherKey'>): Identities | undefined {
  const keys = [key, otherKey].filter((each) => each !== undefined);
  return keys.length === 0 ? undefined : Object.fromEntries(keys.map(({ kind, value }) => [kind, value]));
}

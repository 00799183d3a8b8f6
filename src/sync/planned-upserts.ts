/** Upserts that need to know something first: they wait together to be planned, and go on in bulk, alone, or not at all. */
import type { UserRequest } from '../batching/user-request.ts';
import type { Clock } from '../clock.ts';
import type { AddressChanger } from '../delivery/change-address.ts';
import type { UserUpserter } from '../delivery/upsert-users.ts';
import { mergeValues } from '../mapping/merge-values.ts';
import type { Rejection, TargetValues, Upsert, UserKey } from '../model.ts';
import type { WorkMemory } from './work-memory.ts';
import { BatchLane, type Batch } from './batch-lane.ts';
import type { PendingWork } from './pending-record.ts';
import { settleTypes } from './settle-types.ts';
import { SingleLane } from './single-lane.ts';
import type { Plan, UpsertPlanner } from './upsert-planner.ts';

export interface PlannedUpsertsOptions {
  readonly planner: UpsertPlanner;
  /** With a ledger: what of the works is to be sent at all. */
  readonly memory?: WorkMemory | undefined;
  readonly changer: AddressChanger;
  readonly upserter: UserUpserter;
  readonly clock: Clock;
  readonly maxWaitMs: number;
  /** From here on nothing may be laid over the work any more. */
  readonly onStarted: (work: PendingWork) => void;
  /** What the work does is this instead. */
  readonly onRevised: (work: PendingWork, change: Upsert) => void;
  /** The request for the work's records by these values. */
  readonly requestFor: (work: PendingWork, key: UserKey, values: TargetValues) => UserRequest;
  /** The work can go in a bulk call, as this. */
  readonly onBulk: (work: PendingWork, request: UserRequest) => void;
  /** A call of its own was answered. */
  readonly onWritten: (work: PendingWork, key: UserKey) => void;
  /** Nothing but lists is to be changed. */
  readonly onListsOnly: (work: PendingWork, key: UserKey) => void;
  readonly onUnchanged: (work: PendingWork) => void;
  readonly onSkipped: (work: PendingWork) => void;
  readonly onRejected: (work: PendingWork, rejection: Rejection) => void;
  readonly onFailure: (error: Error) => void;
  /** Something is no longer in flight. */
  readonly onDone: () => void;
}

/** More than the look-ups that may be made, so that many users are known as many. */
const MAX_PLANNED_TOGETHER = 1_000;
const MAX_SINGLE_IN_FLIGHT = 64;

export class PlannedUpserts {
  readonly #options: PlannedUpsertsOptions;
  readonly #planning: BatchLane<PendingWork>;
  readonly #single: SingleLane<PendingWork>;
  readonly #plans = new Map<PendingWork, Plan | 'without change'>();
  /** Works whose bulk request changes the address of a profile. */
  readonly #changing = new Set<PendingWork>();
  readonly #stop = new AbortController();
  #resting = 0;

  constructor(options: PlannedUpsertsOptions) {
    this.#options = options;
    this.#planning = new BatchLane({
      limits: { maxItems: MAX_PLANNED_TOGETHER, maxBytes: Infinity, envelopeBytes: 0 },
      clock: options.clock,
      maxWaitMs: options.maxWaitMs,
      maxBatchesInFlight: 1,
      onClosed: options.onStarted,
      deliver: (batch) => this.#plan(batch),
      onDone: options.onDone,
    });
    this.#single = new SingleLane({
      maxInFlight: MAX_SINGLE_IN_FLIGHT,
      run: (work) => this.#run(work),
      onDone: options.onDone,
    });
  }

  get busyBatches(): number {
    return this.#planning.busyBatches + this.#single.inFlight;
  }

  /** Works that wait before a call of their own, since a bulk call for the same user was just made. */
  get resting(): number {
    return this.#resting;
  }

  get inFlight(): number {
    return this.#planning.inFlight + this.#single.inFlight;
  }

  /** True for an upsert that has to be planned first. */
  concerns(work: PendingWork): boolean {
    const { planner, memory } = this.#options;
    return memory?.concerns(work) === true || planner.concerns(work);
  }

  put(work: PendingWork, request: UserRequest, since: number): void {
    this.#planning.put(work, request, since);
  }

  /** Takes back a work that waits to be planned, if it does. */
  remove(work: PendingWork): void {
    this.#planning.remove(work);
  }

  flush(): void {
    this.#planning.flush();
  }

  /** Begins nothing more; what is in flight goes on. */
  stop(): void {
    this.#planning.stop();
    this.#single.stop();
    this.#stop.abort(new Error('stopped'));
  }

  /** Told of each bulk answer. True when the work goes out once more: the profile could not change its address after all. */
  onBulkAnswer(work: PendingWork, rejection: Rejection | undefined): boolean {
    const { planner, memory, onRevised } = this.#options;
    if (!rejection && work.change.kind === 'upsert') planner.noteInBulk(work.change);
    if (!this.#changing.delete(work) || work.change.kind !== 'upsert') return false;
    if (rejection?.code === 'conflict') {
      this.#putSingle(work, 'without change');
      return true;
    }
    if (!rejection) {
      planner.noteChanged(work.change, 'bulk call');
      memory?.noteMoved(work);
      onRevised(work, memory?.changeAfterMove(work) ?? work.change);
    }
    return false;
  }

  async #plan(batch: Batch<PendingWork>): Promise<void> {
    try {
      const { planner, memory } = this.#options;
      const changing = memory ? await this.#whatChanges(memory, batch) : batch;
      const toPlan = [...changing.keys()].filter((work) => planner.concerns(work));
      const plans = toPlan.length > 0 ? await planner.plan(toPlan) : [];
      const planOf = new Map(toPlan.map((work, index) => [work, plans[index]]));
      for (const [work, request] of changing) {
        const plan = planOf.get(work) ?? 'bulk';
        if (plan !== 'change address') memory?.markNotMoved(work);
        this.#follow(work, plan, request);
      }
    } catch (error) {
      this.#options.onFailure(error as Error);
    }
  }

  /** Those that have something to be written, and what that is; the others go on from here. */
  async #whatChanges(memory: WorkMemory, batch: Batch<PendingWork>): Promise<Batch<PendingWork>> {
    const { onRevised, onUnchanged, onListsOnly, requestFor } = this.#options;
    const decisions = await memory.decide([...batch.keys()]);
    const changing = new Map<PendingWork, UserRequest>();
    const changingLists: { readonly work: PendingWork; readonly key: UserKey }[] = [];
    let next = 0;
    for (const [work, request] of batch) {
      const decision = decisions[next++];
      if (!decision || work.change.kind !== 'upsert') continue;
      const { kind, change } = decision;
      const isAsMapped = change.values === work.change.values;
      onRevised(work, change);
      if (kind === 'unchanged') onUnchanged(work);
      else if (kind === 'lists') changingLists.push({ work, key: change.key });
      else changing.set(work, isAsMapped ? request : requestFor(work, change.key, change.values));
    }
    if (changingLists.length > 0) await memory.holdInDoubt(changingLists.map(({ work }) => work));
    for (const { work, key } of changingLists) onListsOnly(work, key);
    return changing;
  }

  #follow(work: PendingWork, plan: Plan, request: UserRequest): void {
    switch (plan) {
      case 'skip':
        this.#options.onSkipped(work);
        break;
      case 'bulk':
        this.#options.onBulk(work, request);
        break;
      default:
        this.#putSingle(work, plan);
    }
  }

  #putSingle(work: PendingWork, plan: Plan | 'without change'): void {
    this.#plans.set(work, plan);
    const restMs = work.change.kind === 'upsert' ? this.#options.planner.restMs(work.change) : 0;
    if (restMs > 0) void this.#putAfter(restMs, work);
    else this.#single.put(work);
  }

  /** Meanwhile the work is in no other user's way. */
  async #putAfter(restMs: number, work: PendingWork): Promise<void> {
    this.#resting++;
    try {
      await this.#options.clock.sleep(restMs, this.#stop.signal);
      this.#single.put(work);
    } catch {
      // Nothing begins any more.
    } finally {
      this.#resting--;
      this.#options.onDone();
    }
  }

  async #run(work: PendingWork): Promise<void> {
    const plan = this.#plans.get(work);
    this.#plans.delete(work);
    if (work.change.kind !== 'upsert') return;
    try {
      await this.#options.memory?.holdInDoubt([work]);
      if (plan === 'change address') await this.#changeAddress(work, work.change);
      else if (plan === 'without change') await this.#writeWithoutChange(work, work.change);
      else await this.#writeAlone(work, work.change);
    } catch (error) {
      this.#options.onFailure(error as Error);
    }
  }

  async #changeAddress(work: PendingWork, change: Upsert): Promise<void> {
    const { planner, memory, changer, requestFor, onBulk, onRejected, onRevised } = this.#options;
    const { key, values, previousEmail } = change;
    const changeAfterMove = memory?.changeAfterMove(work) ?? change;
    const newEmail = key.kind === 'email' ? key.value : values.email;
    if (previousEmail === undefined || typeof newEmail !== 'string') return;
    const changed = await changer.change(key, { from: previousEmail, to: newEmail });
    if ('code' in changed) {
      onRejected(work, changed);
    } else if (changed.kind === 'changed') {
      planner.noteChanged(change, 'call of its own');
      memory?.noteMoved(work);
      memory?.noteWritten(work);
      onRevised(work, changeAfterMove);
      await this.#writeAlone(work, changeAfterMove);
    } else if (changed.kind === 'by') {
      this.#changing.add(work);
      onBulk(work, requestFor(work, changed.key, mergeValues(changeAfterMove.values, { email: newEmail })));
    } else {
      this.#follow(work, planner.planWithoutChange(work, changed.why), requestFor(work, key, values));
    }
  }

  async #writeWithoutChange(work: PendingWork, change: Upsert): Promise<void> {
    const { planner, requestFor, onBulk } = this.#options;
    await planner.noteConflict(change);
    onBulk(work, requestFor(work, change.key, change.values));
  }

  async #writeAlone(work: PendingWork, { key, values }: Upsert): Promise<void> {
    const { upserter, requestFor, onRejected, onWritten } = this.#options;
    const { sent, refused } = settleTypes(new Map([[work, requestFor(work, key, values)]]));
    const rejection = refused.get(work) ?? (sent[0] && (await upserter.deliverAlone(sent[0])));
    if (rejection) onRejected(work, rejection);
    else onWritten(work, key);
  }
}

/** Where users wait who have been updated and whose lists change now: one lane for each list and direction, one change of a user at a time. */
import { TextPages } from '../batching/text-pages.ts';
import { userIdentity } from '../batching/user-request.ts';
import type { Clock } from '../clock.ts';
import type { ListChange, ListMembers, UserListChange } from '../delivery/list-members.ts';
import type { Rejection, UserKey } from '../model.ts';
import { BatchLane, type Batch } from './batch-lane.ts';

export interface ListLanesOptions<Work> {
  readonly members: ListMembers;
  readonly limits: { readonly maxItems: number; readonly maxBytes: number };
  readonly preferUserId: boolean;
  readonly clock: Clock;
  readonly maxWaitMs: number;
  /** All changes of a work are made, or one was refused and the rest left undone. */
  readonly onChanged: (work: Work, rejection: Rejection | undefined) => void;
  readonly onFailure: (error: Error) => void;
  /** Told after each call, once it is no longer in flight. */
  readonly onDone: () => void;
}

interface Pending<Work> {
  readonly work: Work;
  readonly key: UserKey;
  readonly since: number;
  readonly left: readonly UserListChange[];
}

/** What a call holds besides its users: braces, names, a list's id. */
const ENVELOPE_BYTES = 200;
/** Of one list and direction; Iterable's limit holds for all of them together. */
const MAX_CALLS_IN_FLIGHT = 2;

export class ListLanes<Work> {
  readonly #options: ListLanesOptions<Work>;
  readonly #lanes = new Map<string, BatchLane<Pending<Work>>>();
  readonly #texts = new TextPages();
  #isStopped = false;
  #size = 0;

  constructor(options: ListLanesOptions<Work>) {
    this.#options = options;
  }

  /** Works whose changes are not all made. */
  get size(): number {
    return this.#size;
  }

  get busyBatches(): number {
    return this.#sum(({ busyBatches }) => busyBatches);
  }

  get inFlight(): number {
    return this.#sum(({ inFlight }) => inFlight);
  }

  /** Makes the changes one after the other; there must be one at least. */
  put(
    work: Work,
    key: UserKey,
    changes: readonly ListChange[],
    { since, onlyExisting }: { readonly since: number; readonly onlyExisting: boolean },
  ): void {
    this.#size++;
    this.#next({ work, key, since, left: changes.map((change) => ({ ...change, onlyExisting })) });
  }

  /** Sends what waits, full or not. */
  flush(): void {
    for (const lane of this.#lanes.values()) lane.flush();
  }

  /** Sends nothing more; what is in flight goes on. */
  stop(): void {
    this.#isStopped = true;
    for (const lane of this.#lanes.values()) lane.stop();
  }

  #next(pending: Pending<Work>): void {
    const [change] = pending.left;
    if (!change) {
      this.#changed(pending.work, undefined);
      return;
    }
    if (this.#isStopped) return;
    // A call that takes people off a list creates nobody, and knows no such wish.
    const preferUserId = this.#options.preferUserId && change.isOn && !change.onlyExisting;
    this.#laneOf(change).put(
      pending,
      userIdentity(pending.key, { preferUserId }, this.#texts),
      pending.since,
    );
  }

  #laneOf(change: UserListChange): BatchLane<Pending<Work>> {
    const name = `${change.isOn ? '+' : '-'}${change.onlyExisting ? 'existing' : 'all'} ${change.list}`;
    let lane = this.#lanes.get(name);
    if (!lane) {
      const { clock, limits, maxWaitMs, onDone } = this.#options;
      lane = new BatchLane({
        limits: { ...limits, envelopeBytes: ENVELOPE_BYTES },
        clock,
        maxWaitMs,
        maxBatchesInFlight: MAX_CALLS_IN_FLIGHT,
        onClosed: () => undefined,
        onDone,
        deliver: (batch) => this.#deliver(change, batch),
      });
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  async #deliver(change: UserListChange, batch: Batch<Pending<Work>>): Promise<void> {
    const { members, onFailure } = this.#options;
    try {
      const rejections = await members.change(change, [...batch.values()]);
      for (const [pending, request] of batch) {
        const rejection = rejections.get(request);
        if (rejection) this.#changed(pending.work, rejection);
        else this.#next({ ...pending, left: pending.left.slice(1) });
      }
    } catch (error) {
      onFailure(error as Error);
    }
  }

  #changed(work: Work, rejection: Rejection | undefined): void {
    this.#size--;
    this.#options.onChanged(work, rejection);
  }

  #sum(count: (lane: BatchLane<Pending<Work>>) => number): number {
    let sum = 0;
    for (const lane of this.#lanes.values()) sum += count(lane);
    return sum;
  }
}

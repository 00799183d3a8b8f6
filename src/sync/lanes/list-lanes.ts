/** Users wait here for a change of their lists: one lane for each list and direction. */
import type { BatchLimits } from '../../batching/batcher.ts';
import { TextPages } from '../../batching/text-pages.ts';
import { userIdentity } from '../../batching/user-request.ts';
import type { Clock } from '../../clock.ts';
import type { UserListChange } from '../../delivery/list-members.ts';
import type { UserKey } from '../../model.ts';
import type { Run } from '../../run.ts';
import { BatchLane, type Batch } from './batch-lane.ts';

export interface ListLanesOptions<Item> {
  readonly run: Run;
  readonly clock: Clock;
  /** Of a list call, but for its envelope. */
  readonly limits: Omit<BatchLimits, 'envelopeBytes'>;
  readonly preferUserId: boolean;
  readonly maxWaitMs: number;
  /** Makes one change for a batch of users. What it throws fails the run. */
  readonly change: (change: UserListChange, batch: Batch<Item>) => Promise<void>;
}

/** What a call holds besides its users: braces, names, a list's id. */
const ENVELOPE_BYTES = 200;
/** Of one list and direction; Iterable's limit holds for all of them together. */
const MAX_CALLS_IN_FLIGHT = 2;

export class ListLanes<Item> {
  readonly #options: ListLanesOptions<Item>;
  readonly #lanes = new Map<string, BatchLane<Item>>();
  readonly #texts = new TextPages();

  constructor(options: ListLanesOptions<Item>) {
    this.#options = options;
  }

  get busyBatches(): number {
    let sum = 0;
    for (const { busyBatches } of this.#lanes.values()) sum += busyBatches;
    return sum;
  }

  get inFlight(): number {
    let sum = 0;
    for (const { inFlight } of this.#lanes.values()) sum += inFlight;
    return sum;
  }

  /** @param since when the user's first record came */
  put(item: Item, key: UserKey, change: UserListChange, since: number): void {
    // A call that takes users off a list creates none, and does not have the option.
    const preferUserId = this.#options.preferUserId && change.isOn && !change.onlyExisting;
    this.#laneOf(change).put(item, userIdentity(key, { preferUserId }, this.#texts), since);
  }

  /** Sends what waits, full or not. */
  flush(): void {
    for (const lane of this.#lanes.values()) lane.flush();
  }

  #laneOf(listChange: UserListChange): BatchLane<Item> {
    const { list, isOn, onlyExisting } = listChange;
    const name = `${isOn ? '+' : '-'}${onlyExisting ? 'existing' : 'all'} ${list}`;
    let lane = this.#lanes.get(name);
    if (!lane) {
      const { run, clock, limits, maxWaitMs, change } = this.#options;
      lane = new BatchLane({
        run,
        clock,
        limits: { ...limits, envelopeBytes: ENVELOPE_BYTES },
        maxWaitMs,
        maxBatchesInFlight: MAX_CALLS_IN_FLIGHT,
        close: () => undefined,
        deliver: (batch) => change(listChange, batch),
      });
      this.#lanes.set(name, lane);
    }
    return lane;
  }
}

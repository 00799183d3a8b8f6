/**
 * How much is pending, and how much may be. Stdin is read no faster than Iterable takes records, so that memory stays flat and no
 * state is late.
 */

/** A pending record's share in memory and in calls. */
export interface Load {
  bytes: number;
  /** True for a deletion, a change of address, or an upsert after a deletion: each takes calls that can't go in bulk. */
  needsOwnCalls: boolean;
  /** It only waits for list calls, and keeps little: see {@link Backlog.park}. */
  isParked: boolean;
}

/** Calls a second that Iterable takes. */
export interface Pace {
  readonly batches: number;
  readonly single: number;
}

/** States are promised within 60 s of their line. Pending records may take a third of that; the rest is for waiting and retries. */
const MAX_LAG_SECONDS = 20;
/** Enough to use the limit to the full while calls take up to two seconds. */
const MAX_BATCHES = 12;
/** Besides those in flight: one that is being filled, and one for the next call, so that it does not wait for the input. */
const SPARE_BATCHES = 2;
const MIN_BATCHES = 2;
const MIN_RECORDS = 1_000;
const MAX_BYTES = 24_000_000;
const MIN_SINGLE_CALLS = 10;

/** How many tasks there are. */
export interface TaskCounts {
  /** Not settled yet. */
  readonly size: number;
  /** Of these, those whose lists are being changed. */
  readonly changingLists: number;
  /** Share of the list changes that may wait. Of users spread over many lists, the more wait the fewer calls they take. */
  readonly listLoad: number;
  /** Of those that need calls of their own, those that only wait for time to pass. */
  readonly resting: number;
}

export class Backlog {
  readonly #batchSize: number;
  readonly #maxRecords: number;
  readonly #calls: { readonly inFlight: number };
  readonly #maxOwnCalls: number;
  #records = 0;
  #ownCalls = 0;
  #bytes = 0;
  #parked = 0;

  /** @param calls how many have been sent and are not answered */
  constructor(batchSize: number, { batches, single }: Pace, calls: { readonly inFlight: number }) {
    this.#batchSize = batchSize;
    this.#calls = calls;
    const maxBatches = Math.min(MAX_BATCHES, Math.max(MIN_BATCHES, MAX_LAG_SECONDS * batches));
    this.#maxRecords = Math.max(maxBatches * batchSize, MIN_RECORDS);
    this.#maxOwnCalls = singleCalls(single);
  }

  /** True when nothing more should be read for now. */
  isFull(tasks: TaskCounts): boolean {
    return (
      this.#records >= this.#maxRecords ||
      tasks.size - this.#parked >= this.#usefulTasks(tasks) ||
      tasks.listLoad >= 1 ||
      this.#ownCalls - tasks.resting >= this.#maxOwnCalls ||
      this.#bytes >= MAX_BYTES
    );
  }

  /** What calls carry at the moment, and what the next ones will: more would only fill the memory. */
  #usefulTasks({ changingLists, resting }: TaskCounts): number {
    const underWay = this.#calls.inFlight * this.#batchSize + changingLists - this.#parked + resting;
    return Math.max(underWay + SPARE_BATCHES * this.#batchSize, MIN_RECORDS);
  }

  add(load: Load): void {
    this.#records++;
    this.#bytes += load.bytes;
    if (load.needsOwnCalls) this.#ownCalls++;
  }

  /** The record only waits for list calls from now on, and keeps so many bytes. */
  park(load: Load, keptBytes: number): void {
    this.remove(load);
    load.isParked = true;
    load.bytes = keptBytes;
    load.needsOwnCalls = false;
    this.#parked++;
    this.#bytes += keptBytes;
  }

  remove(load: Load): void {
    if (load.isParked) this.#parked--;
    else this.#records--;
    this.#bytes -= load.bytes;
    if (load.needsOwnCalls) this.#ownCalls--;
  }
}

/** How many calls that must follow one another may be pending at this rate. */
export function singleCalls(perSecond: number): number {
  return Math.max(MIN_SINGLE_CALLS, Math.floor(MAX_LAG_SECONDS * perSecond));
}

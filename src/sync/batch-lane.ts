/** Where users wait until a call carries many of them: full batches at once, a partial one when it has waited long enough or is told to go. */
import { Batcher, sizeOf, type BatchLimits } from '../batching/batcher.ts';
import type { UserRequest } from '../batching/user-request.ts';
import type { Clock } from '../clock.ts';

/** Works that go together, in the order they came, each with its request. */
export type Batch<Work> = ReadonlyMap<Work, UserRequest>;

export interface LaneOptions<Work> {
  readonly limits: BatchLimits;
  readonly clock: Clock;
  /** A partial batch goes out when one of its records has waited this long. */
  readonly maxWaitMs: number;
  readonly maxBatchesInFlight: number;
  /** Nothing joins the work from here on: its request is on its way. */
  readonly onClosed: (work: Work, request: UserRequest) => void;
  /** Delivers one batch; must not reject. */
  readonly deliver: (batch: Batch<Work>) => Promise<void>;
  /** Told after each delivery, once it is no longer in flight. */
  readonly onDone: () => void;
}

/** Works that became ready together go out together, overdue or not. */
const COALESCE_MS = 50;

export class BatchLane<Work> {
  readonly #options: LaneOptions<Work>;
  readonly #batcher: Batcher<Work, UserRequest>;
  readonly #closed: Batch<Work>[] = [];
  #inFlight = 0;
  #isStopped = false;
  #timer: { readonly dueAt: number; readonly cancel: AbortController } | undefined;

  constructor(options: LaneOptions<Work>) {
    this.#options = options;
    this.#batcher = new Batcher(options.limits);
  }

  /** Batches that are complete or under way. */
  get busyBatches(): number {
    return this.#closed.length + this.#inFlight;
  }

  /** Batches under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  fitsAlone(request: UserRequest): boolean {
    return this.#batcher.fitsAlone(sizeOf(request));
  }

  /**
   * Adds a work, or gives one that waits here its new request.
   * @param since when its first record came, which may have waited elsewhere already
   */
  put(work: Work, request: UserRequest, since: number): void {
    for (const batch of this.#batcher.put(work, request)) this.#close(batch);
    if (this.#batcher.size > 0) this.#sendBy(since + this.#options.maxWaitMs);
  }

  /** Takes back a work that waits here, if it does. */
  remove(work: Work): void {
    this.#batcher.remove(work);
  }

  /** Sends what waits, full or not. */
  flush(): void {
    if (this.#batcher.size > 0) this.#close(this.#batcher.take());
  }

  /** Sends nothing more; what is in flight goes on. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
  }

  #close(batch: Batch<Work>): void {
    this.#cancelTimer();
    for (const [work, request] of batch) this.#options.onClosed(work, request);
    this.#closed.push(batch);
    this.#pump();
  }

  #pump(): void {
    while (!this.#isStopped && this.#inFlight < this.#options.maxBatchesInFlight) {
      const batch = this.#closed.shift();
      if (!batch) return;
      this.#inFlight++;
      void this.#options.deliver(batch).finally(() => {
        this.#inFlight--;
        this.#pump();
        this.#options.onDone();
      });
    }
  }

  #sendBy(dueAt: number): void {
    if (this.#timer && this.#timer.dueAt <= dueAt) return;
    this.#cancelTimer();
    const { clock } = this.#options;
    const cancel = new AbortController();
    this.#timer = { dueAt, cancel };
    clock.sleep(Math.max(dueAt - clock.now(), COALESCE_MS), cancel.signal).then(
      () => {
        this.flush();
      },
      () => undefined,
    );
  }

  #cancelTimer(): void {
    this.#timer?.cancel.abort(new Error('no longer waited for'));
    this.#timer = undefined;
  }
}

/** Tasks wait here until one call carries many of them. A full batch goes at once, a partial one after a time or at {@link BatchLane.flush}. */
import { Batcher, type BatchLimits } from '../../batching/batcher.ts';
import type { UserRequest } from '../../batching/user-request.ts';
import type { Clock } from '../../clock.ts';
import type { Run, Timer } from '../../run.ts';

/** Tasks that go together, in the order they came, each with its request. */
export type Batch<Task> = ReadonlyMap<Task, UserRequest>;

export interface LaneOptions<Task> {
  readonly run: Run;
  readonly clock: Clock;
  readonly limits: BatchLimits;
  /** A partial batch goes out when one of its records has waited this long. */
  readonly maxWaitMs: number;
  readonly maxBatchesInFlight: number;
  /** Nothing joins the task from here on: its request is on its way. */
  readonly close: (task: Task, request: UserRequest) => void;
  /** Delivers one batch. What it throws fails the run. */
  readonly deliver: (batch: Batch<Task>) => Promise<void>;
}

/** An overdue batch waits this long for tasks that become ready together with it. */
const COALESCE_MS = 50;

export class BatchLane<Task> {
  readonly #options: LaneOptions<Task>;
  readonly #batcher: Batcher<Task, UserRequest>;
  readonly #closed: Batch<Task>[] = [];
  #inFlight = 0;
  #timer: (Timer & { readonly dueAt: number }) | undefined;

  constructor(options: LaneOptions<Task>) {
    this.#options = options;
    this.#batcher = new Batcher(options.limits);
  }

  /** Batches that are complete or in flight. */
  get busyBatches(): number {
    return this.#closed.length + this.#inFlight;
  }

  /** Batches in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Adds a task, or replaces the request of one that waits here.
   * @param since when its first record came, which may have waited elsewhere already
   */
  put(task: Task, request: UserRequest, since: number): void {
    for (const batch of this.#batcher.put(task, request)) this.#close(batch);
    if (this.#batcher.size > 0) this.#sendBy(since + this.#options.maxWaitMs);
  }

  /** Takes back a task that waits here, if it does. */
  remove(task: Task): void {
    this.#batcher.remove(task);
  }

  /** Sends what waits, full or not. */
  flush(): void {
    if (this.#batcher.size > 0) this.#close(this.#batcher.take());
  }

  #close(batch: Batch<Task>): void {
    this.#cancelTimer();
    for (const [task, request] of batch) this.#options.close(task, request);
    this.#closed.push(batch);
    this.#pump();
  }

  #pump(): void {
    const { run, maxBatchesInFlight, deliver } = this.#options;
    while (!run.isOver && this.#inFlight < maxBatchesInFlight) {
      const batch = this.#closed.shift();
      if (!batch) return;
      this.#inFlight++;
      deliver(batch).then(
        () => {
          this.#delivered();
        },
        (error: unknown) => {
          run.fail(error as Error);
          this.#delivered();
        },
      );
    }
  }

  #delivered(): void {
    this.#inFlight--;
    this.#pump();
    this.#options.run.moved();
  }

  #sendBy(dueAt: number): void {
    if (this.#timer && this.#timer.dueAt <= dueAt) return;
    this.#cancelTimer();
    const { run, clock } = this.#options;
    const { cancel } = run.after(Math.max(dueAt - clock.now(), COALESCE_MS), () => {
      // Also if all tasks were taken back: the next one needs a timer of its own.
      this.#timer = undefined;
      this.flush();
    });
    this.#timer = { dueAt, cancel };
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

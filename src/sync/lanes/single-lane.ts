/** Tasks that need calls of their own wait here: first come, first served, as many at a time as Iterable's limit can use. */
import type { Run } from '../../run.ts';

export interface SingleLaneOptions<Task, Step> {
  readonly run: Run;
  readonly maxInFlight: number;
  /** Carries out the step of one task. What it throws fails the run. */
  readonly carryOut: (task: Task, step: Step) => Promise<void>;
}

export class SingleLane<Task, Step> {
  readonly #options: SingleLaneOptions<Task, Step>;
  readonly #waiting = new Map<Task, Step>();
  #inFlight = 0;

  constructor(options: SingleLaneOptions<Task, Step>) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Adds a task; one that waits already keeps its place. */
  put(task: Task, step: Step): void {
    this.#waiting.set(task, step);
    this.#pump();
  }

  #pump(): void {
    const { run, maxInFlight, carryOut } = this.#options;
    for (const [task, step] of this.#waiting) {
      if (run.isOver || this.#inFlight >= maxInFlight) return;
      this.#waiting.delete(task);
      this.#inFlight++;
      carryOut(task, step).then(
        () => {
          this.#done();
        },
        (error: unknown) => {
          run.fail(error as Error);
          this.#done();
        },
      );
    }
  }

  #done(): void {
    this.#inFlight--;
    this.#pump();
    this.#options.run.moved();
  }
}

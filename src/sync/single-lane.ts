/** Where works wait that need calls of their own: first come first served, so many at a time as Iterable's limit can use. */

export interface SingleLaneOptions<Work> {
  readonly maxInFlight: number;
  /** Carries out one work; must not reject. */
  readonly run: (work: Work) => Promise<void>;
  /** Told after each work, once it is no longer in flight. */
  readonly onDone: () => void;
}

export class SingleLane<Work> {
  readonly #options: SingleLaneOptions<Work>;
  readonly #waiting = new Set<Work>();
  #inFlight = 0;
  #isStopped = false;

  constructor(options: SingleLaneOptions<Work>) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Adds a work; one that waits already stays where it is. */
  put(work: Work): void {
    this.#waiting.add(work);
    this.#pump();
  }

  /** Begins nothing more; what is in flight goes on. */
  stop(): void {
    this.#isStopped = true;
  }

  #pump(): void {
    for (const work of this.#waiting) {
      if (this.#isStopped || this.#inFlight >= this.#options.maxInFlight) return;
      this.#waiting.delete(work);
      this.#inFlight++;
      void this.#options.run(work).finally(() => {
        this.#inFlight--;
        this.#pump();
        this.#options.onDone();
      });
    }
  }
}

/** Where removals wait for their single calls: first come first served, so many at a time as Iterable's limit can use. */

export interface RemovalLaneOptions<Work> {
  readonly maxInFlight: number;
  /** Carries out one removal; must not reject. */
  readonly remove: (work: Work) => Promise<void>;
  /** Told after each removal, once it is no longer in flight. */
  readonly onDone: () => void;
}

export class RemovalLane<Work> {
  readonly #options: RemovalLaneOptions<Work>;
  readonly #waiting = new Set<Work>();
  #inFlight = 0;
  #isStopped = false;

  constructor(options: RemovalLaneOptions<Work>) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Adds a removal; one that waits already stays where it is. */
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
      void this.#options.remove(work).finally(() => {
        this.#inFlight--;
        this.#pump();
        this.#options.onDone();
      });
    }
  }
}

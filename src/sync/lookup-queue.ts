/**
 * Records that wait for a lookup in the ledger, in order. While one group is looked up and sent on, the next one gathers: a
 * ledger far away gets few large queries, and the input is read meanwhile. perf: "Ledger" in docs/performance.md.
 */
import type { Run } from '../run.ts';

export interface LookupQueueOptions<Item> {
  /** Looks up these items and sends them on, in order. What it throws fails the run. */
  readonly lookUp: (items: readonly Item[]) => Promise<void>;
  readonly run: Run;
}

/** They are mapped and take memory. */
const MAX_GATHERED = 2_000;

export class LookupQueue<Item> {
  readonly #options: LookupQueueOptions<Item>;
  #gathered: Item[] = [];
  /** Until nothing is left to look up. */
  #running: Promise<void> | undefined;
  /** The group that is looked up now. */
  #group: Promise<void> = Promise.resolve();

  constructor(options: LookupQueueOptions<Item>) {
    this.#options = options;
  }

  /** Takes items; resolves when there is room for more. */
  async add(items: readonly Item[]): Promise<void> {
    for (const item of items) this.#gathered.push(item);
    if (this.#gathered.length === 0) return;
    this.#running ??= this.#run();
    while (this.#gathered.length >= MAX_GATHERED && !this.#options.run.failure) await this.#group;
  }

  /** Resolves when all items have been sent on, or the run has failed. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#gathered.length > 0 && !this.#options.run.failure) {
      const items = this.#gathered;
      this.#gathered = [];
      this.#group = this.#options.lookUp(items).catch((error: unknown) => {
        this.#options.run.fail(error as Error);
      });
      await this.#group;
    }
    this.#running = undefined;
  }
}

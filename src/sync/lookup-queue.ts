/**
 * Records on their way through the ledger's memory, in order: while one group is looked for and handed on, the next one
 * gathers, so that a ledger far away is asked for many at once, and the input is read meanwhile.
 */

export interface LookupQueueOptions<Item> {
  /** Looks for the rows of these items, and hands the items on in order. */
  readonly recall: (items: readonly Item[]) => Promise<void>;
  /** Told what `recall` throws; nothing is recalled after that. */
  readonly onFailure: (error: Error) => void;
}

/** They are mapped and take memory. */
const MAX_GATHERED = 2_000;

export class LookupQueue<Item> {
  readonly #options: LookupQueueOptions<Item>;
  #gathered: Item[] = [];
  /** Until nothing is gathered any more. */
  #running: Promise<void> | undefined;
  /** The group that is looked for now. */
  #group: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(options: LookupQueueOptions<Item>) {
    this.#options = options;
  }

  /** Takes items; resolves when there is room for more. */
  async add(items: readonly Item[]): Promise<void> {
    for (const item of items) this.#gathered.push(item);
    if (this.#gathered.length === 0) return;
    this.#running ??= this.#run();
    while (this.#gathered.length >= MAX_GATHERED && !this.#hasFailed) await this.#group;
  }

  /** Resolves when all that was added has been handed on, or something failed. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#gathered.length > 0 && !this.#hasFailed) {
      const items = this.#gathered;
      this.#gathered = [];
      this.#group = this.#options.recall(items).catch((error: unknown) => {
        this.#hasFailed = true;
        this.#options.onFailure(error as Error);
      });
      await this.#group;
    }
    this.#running = undefined;
  }
}

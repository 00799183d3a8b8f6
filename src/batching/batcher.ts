/**
 * Gathers items into batches of at most `maxItems` items and `maxBytes` bytes, tested before adding, in the order they
 * came. An item's size may change while it waits.
 */

export interface BatchLimits {
  readonly maxItems: number;
  /** Of the whole body, UTF-8. */
  readonly maxBytes: number;
  /** What the body holds besides its items and the commas between them. */
  readonly envelopeBytes: number;
}

export class Batcher<Item> {
  readonly #limits: BatchLimits;
  #sizes = new Map<Item, number>();
  #itemBytes = 0;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /** Items that wait. */
  get size(): number {
    return this.#sizes.size;
  }

  /** True when a single item of this size can be sent at all. */
  fitsAlone(bytes: number): boolean {
    return this.#limits.envelopeBytes + bytes <= this.#limits.maxBytes;
  }

  /**
   * Adds an item, or gives the new size of one that waits. Returns the batches that are complete by that: the waiting one
   * when the item would not fit into it any more, and the item's own when that is full at once.
   */
  put(item: Item, bytes: number): Item[][] {
    const complete: Item[][] = [];
    this.remove(item);
    if (this.#sizes.size > 0 && !this.#hasRoomFor(bytes)) complete.push(this.take());
    this.#sizes.set(item, bytes);
    this.#itemBytes += bytes;
    if (this.#sizes.size >= this.#limits.maxItems) complete.push(this.take());
    return complete;
  }

  /** The waiting items, which then wait no longer. */
  take(): Item[] {
    const batch = [...this.#sizes.keys()];
    this.#sizes = new Map();
    this.#itemBytes = 0;
    return batch;
  }

  /** Takes back an item that waits; nothing happens when it does not. */
  remove(item: Item): void {
    const bytes = this.#sizes.get(item);
    if (bytes === undefined) return;
    this.#sizes.delete(item);
    this.#itemBytes -= bytes;
  }

  #hasRoomFor(bytes: number): boolean {
    const commas = this.#sizes.size;
    return (
      this.#sizes.size < this.#limits.maxItems &&
      this.#limits.envelopeBytes + this.#itemBytes + commas + bytes <= this.#limits.maxBytes
    );
  }
}

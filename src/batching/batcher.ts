/**
 * Gathers items, each under its key, into batches of at most `maxItems` items and `maxBytes` bytes, tested before adding, in
 * the order they came. An item may be replaced by another one while it waits.
 */

export interface BatchLimits {
  readonly maxItems: number;
  /** Of the whole body, UTF-8. */
  readonly maxBytes: number;
  /** What the body holds besides its items and the commas between them. */
  readonly envelopeBytes: number;
}

export interface Sized {
  readonly bytes: number;
  /** How much larger it may become while it waits. */
  readonly spareBytes?: number | undefined;
}

/** What the item may take of a body. */
export function sizeOf({ bytes, spareBytes = 0 }: Sized): number {
  return bytes + spareBytes;
}

export class Batcher<Key, Item extends Sized> {
  readonly #limits: BatchLimits;
  #items = new Map<Key, Item>();
  #itemBytes = 0;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /** Items that wait. */
  get size(): number {
    return this.#items.size;
  }

  /** True when a single item of this size can be sent at all. */
  fitsAlone(bytes: number): boolean {
    return this.#limits.envelopeBytes + bytes <= this.#limits.maxBytes;
  }

  /**
   * Adds an item, in place of one of the same key. Returns the batches that are complete by that: the waiting one when the
   * item would not fit into it any more, and the item's own when that is full at once.
   */
  put(key: Key, item: Item): readonly ReadonlyMap<Key, Item>[] {
    let complete: ReadonlyMap<Key, Item>[] = NONE;
    this.remove(key);
    if (this.#items.size > 0 && !this.#hasRoomFor(sizeOf(item))) complete = [this.take()];
    this.#items.set(key, item);
    this.#itemBytes += sizeOf(item);
    if (this.#items.size >= this.#limits.maxItems) complete = [...complete, this.take()];
    return complete;
  }

  /** The waiting items, which then wait no longer. */
  take(): ReadonlyMap<Key, Item> {
    const batch = this.#items;
    this.#items = new Map();
    this.#itemBytes = 0;
    return batch;
  }

  /** Takes back an item that waits; nothing happens when it does not. */
  remove(key: Key): void {
    const item = this.#items.get(key);
    if (!item) return;
    this.#items.delete(key);
    this.#itemBytes -= sizeOf(item);
  }

  #hasRoomFor(bytes: number): boolean {
    const commas = this.#items.size;
    return (
      this.#items.size < this.#limits.maxItems &&
      this.#limits.envelopeBytes + this.#itemBytes + commas + bytes <= this.#limits.maxBytes
    );
  }
}

/** What almost every item completes. */
const NONE: never[] = [];

/**
 * Collects keyed items into batches of at most `maxItems` items and `maxBytes` bytes, in insertion order. The limits
 * are checked before an item is added. A pending item can be replaced.
 */

export interface BatchLimits {
  readonly maxItems: number;
  /** Of the whole body, UTF-8. */
  readonly maxBytes: number;
  /** Bytes of the body other than the items and the commas between them. */
  readonly envelopeBytes: number;
}

export interface Sized {
  readonly bytes: number;
  /** By how many bytes the item may grow while it is pending. */
  readonly spareBytes?: number | undefined;
}

/** The item's largest possible size in a body. */
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

  /** The number of pending items. */
  get size(): number {
    return this.#items.size;
  }

  /** True when a single item of this size can be sent at all. */
  fitsAlone(bytes: number): boolean {
    return this.#limits.envelopeBytes + bytes <= this.#limits.maxBytes;
  }

  /**
   * Adds an item, replacing the one with the same key. Returns the batches that this completes: the pending batch if
   * the item no longer fits into it, and the item's own batch if that is full at once.
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

  /** Removes and returns the pending items. */
  take(): ReadonlyMap<Key, Item> {
    const batch = this.#items;
    this.#items = new Map();
    this.#itemBytes = 0;
    return batch;
  }

  /** Removes a pending item; does nothing if there is none with this key. */
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

/** Shared by the many items that complete no batch. */
const NONE: never[] = [];

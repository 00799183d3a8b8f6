/** Ids of entries that were found lately, since those are marked next: nobody has to look for them again. */

/** About as many as are found and not yet marked at any time. */
const MAX_KEPT = 25_000;

export class EntryIds {
  /** Stream → key → id. */
  readonly #ids = new Map<number, Map<string, number>>();
  #kept = 0;

  /** An entry was found, and has this id for good. */
  note(stream: number, key: string, id: number): void {
    if (this.#kept >= MAX_KEPT) this.clear();
    let ids = this.#ids.get(stream);
    if (!ids) {
      ids = new Map();
      this.#ids.set(stream, ids);
    }
    if (!ids.has(key)) this.#kept++;
    ids.set(key, id);
  }

  /** The key's entry is deleted: another one may get the key. */
  forget(stream: number, key: string): void {
    if (this.#ids.get(stream)?.delete(key) === true) this.#kept--;
  }

  clear(): void {
    this.#ids.clear();
    this.#kept = 0;
  }

  /** Gives and forgets the ids of these keys; and the keys of which none is known. */
  take(stream: number, keys: readonly string[]): { readonly ids: number[]; readonly unknown: string[] } {
    const known = this.#ids.get(stream);
    const ids: number[] = [];
    const unknown: string[] = [];
    for (const key of keys) {
      const id = known?.get(key);
      if (id === undefined) unknown.push(key);
      else {
        ids.push(id);
        this.forget(stream, key);
      }
    }
    return { ids, unknown };
  }
}

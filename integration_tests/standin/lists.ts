/** The project's lists: their names, and when they become usable. Membership is stored with the profiles. */
import { BadRequest } from './requests.ts';

export interface InitialList {
  readonly name: string;
  readonly listType: string;
  readonly id?: number;
  readonly createdAt?: number;
  readonly description?: string;
}

export interface ListOptions {
  readonly lists?: readonly InitialList[];
  /** How long after its creation a list accepts subscribers. */
  readonly listUsableAfterMs?: number;
  /** How many calls to subscribe to a new list are refused first. */
  readonly listUsableAfterTries?: number;
  /** How many reads of all lists don't show a new list. */
  readonly listVisibleAfterReads?: number;
}

export interface ListDetails {
  readonly id: number;
  readonly name: string;
  readonly description?: string;
  readonly createdAt: number;
  readonly listType: string;
}

interface StoredList {
  readonly details: ListDetails;
  readonly usableAt: number;
  triesLeft: number;
  readsLeft: number;
}

export class Lists {
  readonly #options: ListOptions;
  readonly #now: () => number;
  readonly #lists = new Map<number, StoredList>();

  constructor(options: ListOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
    for (const [index, { id = index + 1, createdAt = 1, ...list }] of (options.lists ?? []).entries()) {
      if (this.#lists.has(id)) throw new Error(`duplicate list id ${id}`);
      this.#lists.set(id, {
        details: { id, createdAt, ...list },
        usableAt: -Infinity,
        triesLeft: 0,
        readsLeft: 0,
      });
    }
  }

  /** All lists, including those that reads don't show yet. */
  all(): ListDetails[] {
    return [...this.#lists.values()].map(({ details }) => details);
  }

  /** Counts a read of all lists; returns the lists that it shows. */
  read(): ListDetails[] {
    return [...this.#lists.values()].filter((list) => list.readsLeft-- <= 0).map(({ details }) => details);
  }

  /** Creates a static list, even if there already is one of that name. */
  create(name: string, description: string | undefined): number {
    const { listUsableAfterMs = 0, listUsableAfterTries = 0, listVisibleAfterReads = 0 } = this.#options;
    const id = Math.max(0, ...this.#lists.keys()) + 1;
    const createdAt = this.#now();
    this.#lists.set(id, {
      details: {
        id,
        name,
        ...(description === undefined ? {} : { description }),
        createdAt,
        listType: 'Standard',
      },
      usableAt: createdAt + listUsableAfterMs,
      triesLeft: listUsableAfterTries,
      readsLeft: listVisibleAfterReads,
    });
    return id;
  }

  /** Throws BadRequest unless it is a static list. */
  requireStatic(id: number): void {
    if (this.#lists.get(id)?.details.listType !== 'Standard') throw new BadRequest(invalidListId(id));
  }

  /** Throws BadRequest unless the list exists. */
  require(id: number): void {
    if (!this.#lists.has(id)) throw new BadRequest(invalidListId(id));
  }

  /** Counts an attempt to subscribe to a list; false while the list is too new. */
  isUsable(id: number): boolean {
    const list = this.#lists.get(id);
    return list !== undefined && list.triesLeft-- <= 0 && this.#now() >= list.usableAt;
  }

  /** The list with this name or id; for tests. */
  find(list: string | number): ListDetails {
    const found = this.all().filter(({ id, name }) => id === list || name === list);
    const [only] = found;
    if (!only || found.length > 1) throw new Error(`${found.length} lists have the name or id ${list}`);
    return only;
  }
}

/** Iterable's message for a list that does not exist, takes no subscribers, or is too new. */
export function invalidListId(id: number): string {
  return `error.lists.invalidListId: ${id}`;
}

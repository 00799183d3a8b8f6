/** List names → ids of static lists. A missing list is created at most once per run, even if the answer to a call is lost. */
import { ConfigError } from '../errors.ts';
import type { IterableClient, Operation } from '../iterable/client.ts';
import { ApiError } from '../iterable/errors.ts';
import type { IterableList } from '../iterable/schemas.ts';
import type { Caller } from './caller.ts';

/** Iterable's name for the type of static lists, the only ones that take subscribers. */
const STATIC = 'Standard';

export class ListDirectory {
  readonly #caller: Caller;
  readonly #client: IterableClient;
  readonly #mayCreate: boolean;
  readonly #ids = new Map<string, Promise<number>>();
  readonly #otherKinds = new Set<string>();
  readonly #created = new Set<string>();
  #staticLists = 0;
  #loading: Promise<void> | undefined;

  constructor(caller: Caller, client: IterableClient, options: { readonly mayCreate: boolean }) {
    this.#caller = caller;
    this.#client = client;
    this.#mayCreate = options.mayCreate;
  }

  /**
   * Reads the project's lists, once. Optional: the first request for a list does it otherwise, since a ledger may hold lists
   * that the configuration does not name.
   */
  load(): Promise<void> {
    this.#loading ??= this.#read();
    return this.#loading;
  }

  async #read(): Promise<void> {
    const lists = await this.#caller.call(this.#client.getLists());
    for (const [name, id] of oldestStatic(lists)) this.#ids.set(name, Promise.resolve(id));
    for (const { name, listType } of lists) {
      if (listType === STATIC) this.#staticLists++;
      else this.#otherKinds.add(name).add(name.trim());
    }
  }

  /** How many static lists the project had when they were read. */
  get staticLists(): number {
    return this.#staticLists;
  }

  /** Why users can't be added to a list of this name, as text that names the list; undefined if they can. Requires {@link load}. */
  problemWith(name: string): string | undefined {
    if (this.#ids.has(name)) return undefined;
    if (this.#otherKinds.has(name))
      return `the list ${name} is no static list in Iterable (a dynamic or suppression list takes no subscribers)`;
    if (!this.#mayCreate)
      return `Iterable has no list ${name}; create it there, or set create_missing_lists to true`;
    return undefined;
  }

  /** The id of a list to add users to; creates a missing list. Throws ConfigError, and whatever {@link Caller.call} throws. */
  async idFor(name: string): Promise<number> {
    await this.load();
    const problem = this.problemWith(name);
    if (problem !== undefined) throw new ConfigError([`lists: ${problem}`], { code: 'list_unusable' });
    const known = this.#ids.get(name);
    if (known) return known;
    this.#created.add(name);
    const created = this.#create(name);
    this.#ids.set(name, created);
    return created;
  }

  /** The id of the list, if it exists. */
  async idIfThere(name: string): Promise<number | undefined> {
    await this.load();
    return this.#ids.get(name);
  }

  /**
   * True for a list that may be too new to be usable: one that this run created, or any that still exists, since an earlier
   * or a concurrent run may have created it. Makes a single attempt, like an {@link Operation}.
   */
  async mayBeNew(name: string, id: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#created.has(name)) return true;
    const lists = await this.#client.getLists().attempt(signal);
    return lists.some((list) => list.id === id);
  }

  async #create(name: string): Promise<number> {
    try {
      return await this.#caller.call(this.#createOnce(name));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new ConfigError(
        [
          `lists: the list ${name} can't be created: ${error.message}. Fix the name, or create the list in Iterable.`,
        ],
        { code: 'list_unusable', cause: error },
      );
    }
  }

  /** A call without an answer may have created the list, and names are not unique. So a retry first looks for the list. */
  #createOnce(name: string): Operation<number> {
    const create = this.#client.createList(name);
    let isRepeated = false;
    return {
      endpoint: create.endpoint,
      attempt: async (signal) => {
        if (isRepeated) {
          const found = oldestStatic(await this.#client.getLists().attempt(signal)).get(name);
          if (found !== undefined) return found;
        }
        isRepeated = true;
        return create.attempt(signal);
      },
    };
  }
}

/**
 * Names are case-sensitive and not unique; the oldest list of a name wins. An exact match beats a name that has spaces
 * around it, which counts as a match because the names in rules and records are trimmed.
 */
function oldestStatic(lists: readonly IterableList[]): Map<string, number> {
  const age = ({ createdAt }: IterableList) => createdAt ?? Infinity;
  const oldestLast = lists
    .filter(({ listType }) => listType === STATIC)
    .sort((a, b) => (age(a) === age(b) ? b.id - a.id : age(b) > age(a) ? 1 : -1));
  const ids = new Map(oldestLast.map(({ name, id }) => [name.trim(), id]));
  for (const { name, id } of oldestLast) ids.set(name, id);
  return ids;
}

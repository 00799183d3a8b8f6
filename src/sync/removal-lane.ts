/** Removals one by one, so many at a time as Iterable's limit can use: by deleting the user, or by taking it off its lists. */
import type { UserRemover } from '../delivery/remove-users.ts';
import type { Rejection, Removal, UserKey } from '../model.ts';
import type { WorkEnd } from './outcomes.ts';
import type { PendingWork } from './pending-record.ts';
import { SingleLane } from './single-lane.ts';
import { touchedBy } from './touched-identities.ts';
import type { WorkMemory } from './work-memory.ts';

export interface RemovalLaneOptions {
  readonly remover: UserRemover;
  readonly removal: 'delete_user' | 'remove_from_lists';
  /** With a ledger: who is to be removed at all. */
  readonly memory?: WorkMemory | undefined;
  /** From here on nothing may be laid over the work any more. */
  readonly onStarted: (work: PendingWork) => void;
  readonly onRemoved: (key: UserKey) => void;
  /** The work ends when these users have left their lists, in that way. */
  readonly onLeaving: (work: PendingWork, leavers: readonly Leaver[], end: WorkEnd) => void;
  readonly onEnded: (work: PendingWork, end: WorkEnd) => void;
  readonly onFailure: (error: Error) => void;
  readonly onDone: () => void;
}

/** Somebody who leaves lists. */
export interface Leaver {
  readonly key: UserKey;
  readonly lists: readonly string[];
}

/** Enough to use 100 deletions a second to the full while each takes up to a second, with the look-up before it. */
const MAX_IN_FLIGHT = 128;

export class RemovalLane {
  readonly #options: RemovalLaneOptions;
  readonly #lane: SingleLane<PendingWork>;
  /** Works whose deletions wait or are under way. */
  readonly #works = new Set<PendingWork>();

  constructor(options: RemovalLaneOptions) {
    this.#options = options;
    this.#lane = new SingleLane({
      maxInFlight: MAX_IN_FLIGHT,
      run: (work) => this.#run(work).finally(() => this.#works.delete(work)),
      onDone: options.onDone,
    });
  }

  get inFlight(): number {
    return this.#lane.inFlight;
  }

  /** True while nobody need be asked for in {@link isRemoving}. */
  get isEmpty(): boolean {
    return this.#works.size === 0;
  }

  /** True when a deletion waits for its calls, or is under way, of a user with one of these identities. */
  isRemoving(identities: readonly string[]): boolean {
    for (const { records } of this.#works)
      for (const record of records)
        if (touchedBy(record).some((identity) => identities.includes(identity))) return true;
    return false;
  }

  put(work: PendingWork): void {
    if (this.#options.removal === 'delete_user') this.#works.add(work);
    this.#lane.put(work);
  }

  /** Begins nothing more; what is in flight goes on. */
  stop(): void {
    this.#lane.stop();
  }

  async #run(work: PendingWork): Promise<void> {
    const { onStarted, onEnded, onFailure, memory } = this.#options;
    if (work.change.kind !== 'removal') return;
    onStarted(work);
    try {
      if (!memory) {
        await this.#remove(work, [work.change]);
        return;
      }
      const { skip, removals, leaves } = await memory.decideRemoval(work, work.change);
      if (leaves || !skip) await memory.holdInDoubt([work]);
      if (skip && !leaves) onEnded(work, skip);
      else await this.#remove(work, removals, leaves, skip);
    } catch (error) {
      onFailure(error as Error);
    }
  }

  /** More than one person where the record names another one than its row was until now; who stays may leave lists. */
  async #remove(
    work: PendingWork,
    people: readonly Removal[],
    staying?: Removal,
    skip?: WorkEnd,
  ): Promise<void> {
    const { remover, removal, onRemoved, onLeaving } = this.#options;
    const leaving = staying ? [staying] : [];
    let refused: Rejection | undefined;
    let removedOne = false;
    if (removal === 'remove_from_lists') leaving.unshift(...people);
    else {
      // One who is there is enough for the record to have removed somebody.
      const isExported = people.some((person) => person.isExported);
      for (const person of people) {
        const deleted = await remover.remove({ ...person, isExported });
        if ('code' in deleted) refused = deleted;
        else onRemoved(deleted.key);
        removedOne ||= 'key' in deleted && deleted.wasThere;
      }
    }
    const leavers: Leaver[] = [];
    for (const person of leaving) {
      const leaver = await remover.identify(person);
      if ('code' in leaver) refused = leaver;
      else leavers.push({ key: leaver.key, lists: person.lists ?? [] });
    }
    const isNobody = removal === 'delete_user' && people.length > 0 && !removedOne;
    onLeaving(work, leavers, refused ?? skip ?? (isNobody ? 'not_there' : undefined));
  }
}

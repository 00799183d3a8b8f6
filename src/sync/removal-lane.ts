/** Removals one by one, so many at a time as Iterable's limit can use: by deleting the user, or by taking it off its lists. */
import type { UserRemover } from '../delivery/remove-users.ts';
import type { Rejection, Removal, UserKey } from '../model.ts';
import type { WorkEnd } from './outcomes.ts';
import type { PendingWork } from './pending-record.ts';
import { SingleLane } from './single-lane.ts';
import type { WorkMemory } from './work-memory.ts';

export interface RemovalLaneOptions {
  readonly remover: UserRemover;
  readonly removal: 'delete_user' | 'remove_from_lists';
  /** With a ledger: who is to be removed at all. */
  readonly memory?: WorkMemory | undefined;
  /** From here on nothing may be laid over the work any more. */
  readonly onStarted: (work: PendingWork) => void;
  readonly onRemoved: (key: UserKey) => void;
  /** The work ends when the user has left the lists, in that way. */
  readonly onLeaving: (work: PendingWork, key: UserKey, lists: readonly string[], end: WorkEnd) => void;
  readonly onEnded: (work: PendingWork, end: WorkEnd) => void;
  readonly onFailure: (error: Error) => void;
  readonly onDone: () => void;
}

const MAX_IN_FLIGHT = 64;

export class RemovalLane {
  readonly #options: RemovalLaneOptions;
  readonly #lane: SingleLane<PendingWork>;

  constructor(options: RemovalLaneOptions) {
    this.#options = options;
    this.#lane = new SingleLane({
      maxInFlight: MAX_IN_FLIGHT,
      run: (work) => this.#run(work),
      onDone: options.onDone,
    });
  }

  get inFlight(): number {
    return this.#lane.inFlight;
  }

  put(work: PendingWork): void {
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
      if (leaves) await this.#leave(work, leaves, skip);
      else if (skip) onEnded(work, skip);
      else await this.#remove(work, removals);
    } catch (error) {
      onFailure(error as Error);
    }
  }

  /** More than one where the record names another person than its row was until now. */
  async #remove(work: PendingWork, people: readonly Removal[]): Promise<void> {
    const { remover, removal, onEnded, onRemoved } = this.#options;
    if (removal === 'remove_from_lists') {
      // Whoever its row was until now is who was put on them.
      const person = people.at(-1);
      if (person) await this.#leave(work, person, undefined);
      return;
    }
    let refused: Rejection | undefined;
    for (const person of people) {
      const removed = await remover.remove(person);
      if ('code' in removed) refused = removed;
      else onRemoved(removed);
    }
    onEnded(work, refused);
  }

  async #leave(work: PendingWork, person: Removal, end: WorkEnd): Promise<void> {
    const { remover, onEnded, onLeaving } = this.#options;
    const key = await remover.identify(person);
    if ('code' in key) onEnded(work, key);
    else onLeaving(work, key, person.lists ?? [], end);
  }
}

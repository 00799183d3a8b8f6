/** Gives states back in order, each only after the rejected records that it covers are stored. */
import type { CheckpointTracker, ReleasedState } from '../checkpoint/tracker.ts';
import type { RejectedRecords } from '../rejected-records/rejected-records.ts';
import type { Run } from '../run.ts';

export interface StateOutputOptions {
  readonly tracker: CheckpointTracker;
  readonly rejectedRecords?: RejectedRecords;
  readonly emit: (states: readonly ReleasedState[]) => Promise<void>;
  /** Fails when rejected records can't be stored: no state leaves after that. */
  readonly run: Run;
}

export class StateOutput {
  readonly #options: StateOutputOptions;
  #queue: Promise<void> = Promise.resolve();
  #isBroken = false;

  constructor(options: StateOutputOptions) {
    this.#options = options;
  }

  /** Emits the states that may leave by now. */
  release(): void {
    const states = this.#options.tracker.takeReleased();
    if (states.length > 0) this.#then(() => this.#options.emit(states));
  }

  /** Resolves when all released states have left, and the rejected records that wait to be stored fit into memory. */
  async untilRoom(): Promise<void> {
    await this.#queue;
    await this.#options.rejectedRecords?.untilRoom().catch((error: unknown) => {
      this.#break(error);
    });
  }

  /** Resolves when all released states have left and every rejected record is stored. */
  finish(): Promise<void> {
    this.#then(() => Promise.resolve());
    return this.#queue;
  }

  #then(emit: () => Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      if (this.#isBroken) return;
      try {
        await this.#options.rejectedRecords?.flush();
        await emit();
      } catch (error) {
        this.#break(error);
      }
    });
  }

  #break(error: unknown): void {
    this.#isBroken = true;
    this.#options.run.fail(error as Error);
  }
}

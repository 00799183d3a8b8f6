/** Gives states back in order, each only after the rejected records that it covers are stored. */
import type { CheckpointTracker, ReleasedState } from '../checkpoint/tracker.ts';
import type { RejectedRecords } from '../rejected-records/rejected-records.ts';

export interface StateOutputOptions {
  readonly tracker: CheckpointTracker;
  readonly rejectedRecords?: RejectedRecords;
  readonly emit: (states: readonly ReleasedState[]) => Promise<void>;
  /** Told when rejected records can't be stored: no state leaves after that. */
  readonly onFailure: (error: Error) => void;
}

export class StateOutput {
  readonly #options: StateOutputOptions;
  #line: Promise<void> = Promise.resolve();
  #isBroken = false;

  constructor(options: StateOutputOptions) {
    this.#options = options;
  }

  /** Sends whatever may leave by now on its way. */
  release(): void {
    const states = this.#options.tracker.takeReleased();
    if (states.length > 0) this.#then(() => this.#options.emit(states));
  }

  /** Resolves when all that was released has left, and what waits to be stored fits into memory. */
  async untilRoom(): Promise<void> {
    await this.#line;
    await this.#options.rejectedRecords?.untilRoom().catch((error: unknown) => {
      this.#break(error);
    });
  }

  /** Resolves when all that was released has left and every rejected record is stored. */
  finish(): Promise<void> {
    this.#then(() => Promise.resolve());
    return this.#line;
  }

  #then(emit: () => Promise<void>): void {
    this.#line = this.#line.then(async () => {
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
    this.#options.onFailure(error as Error);
  }
}

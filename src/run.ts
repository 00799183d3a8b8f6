/** One sync on its way: whether it goes on, and who waits for it to move. */
import type { Clock } from './clock.ts';

/** A call that is planned for later. */
export interface Timer {
  readonly cancel: () => void;
}

export class Run {
  readonly #clock: Clock;
  readonly #over = new AbortController();
  readonly #timers = new Set<AbortController>();
  readonly #listeners: (() => void)[] = [];
  #failure: Error | undefined;
  #waiters: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What made the run fail for good, if something did. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** True once the run has failed or ended: nothing more begins, what is in flight goes on. */
  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Aborted once the run has failed or ended. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Ends the run as a failure, unless it has failed already. */
  fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.end();
    this.moved();
  }

  /** Begins nothing more. Timers are cancelled, so that they don't keep the process alive. */
  end(): void {
    this.#over.abort(this.#failure ?? new Error('the run has ended'));
    for (const timer of this.#timers) timer.abort(this.#over.signal.reason);
    this.#timers.clear();
  }

  /** A record was settled, or a call is no longer in flight: states may leave, and whatever waits looks again. */
  moved(): void {
    for (const listener of this.#listeners) listener();
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** Calls the listener at each move, before {@link untilMoved} resolves. */
  onMoved(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Resolves at the next move. */
  untilMoved(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  /** Calls `then` after this many milliseconds, unless that is cancelled or the run is over before. */
  after(ms: number, then: () => void): Timer {
    const timer = new AbortController();
    const cancel = () => {
      this.#timers.delete(timer);
      timer.abort(new Error('no longer needed'));
    };
    if (this.isOver) return { cancel };
    this.#timers.add(timer);
    this.#clock.sleep(ms, timer.signal).then(
      () => {
        this.#timers.delete(timer);
        then();
      },
      () => undefined,
    );
    return { cancel };
  }
}

/** Watches which calls touch which users when, and reports what a correct client would not have sent. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonAnswer } from './answers.ts';
import { keysOf, type Fading } from './fading.ts';
import type { Identity } from './identities.ts';
import type { StandinOptions } from './options.ts';
import type { Store } from './store.ts';

/** A call that writes users. */
export interface Visit {
  readonly name: string;
  /** Iterable processes single-user and bulk updates apart from each other. */
  readonly kind: 'single' | 'bulk' | 'list';
  /** Each user by the identities that the call has for it. */
  readonly users: readonly (readonly Identity[])[];
}

/** What a call did: its answer, and the profiles that it wrote. */
export interface Effect {
  readonly answer: JsonAnswer;
  readonly profiles: readonly number[];
}

export class Traffic {
  readonly #store: Store;
  readonly #fading: Fading;
  readonly #options: StandinOptions;
  readonly #now: () => number;
  readonly #report: (what: string) => void;
  readonly #inFlight = new Map<string, number>();
  /** When a user was last written by a single-user call, and by a bulk one. */
  readonly #lastSingle = new Map<string, number>();
  readonly #lastBulk = new Map<string, number>();

  constructor(
    store: Store,
    fading: Fading,
    options: StandinOptions,
    now: () => number,
    report: (what: string) => void,
  ) {
    this.#store = store;
    this.#fading = fading;
    this.#options = options;
    this.#now = now;
    this.#report = report;
  }

  /** Does a call's work; until it is answered, its users are taken. */
  async visit(visit: Visit, work: () => Effect): Promise<JsonAnswer> {
    const keys = visit.users.map((identities) => this.#keys(identities));
    const held = this.#enter(visit, keys);
    try {
      this.#checkFading(visit);
      this.#checkMixing(visit, keys);
      const { answer, profiles } = work();
      // A user that the call created can be named by another identity from now on.
      const written = profiles.map((profile) => `profile:${profile}`);
      this.#hold(written, held);
      const { latencyMs = 0 } = this.#options;
      if (latencyMs > 0) await sleep(latencyMs);
      this.#remember(visit, keys, written);
      return answer;
    } finally {
      for (const key of held) this.#release(key);
    }
  }

  #keys(identities: readonly Identity[]): string[] {
    const profiles = identities
      .map((identity) => this.#store.profileOf(identity))
      .filter((profile) => profile !== undefined);
    return [...identities.flatMap(keysOf), ...profiles.map((profile) => `profile:${profile}`)];
  }

  #enter({ name }: Visit, users: readonly (readonly string[])[]): string[] {
    const held: string[] = [];
    for (const keys of users) {
      if (keys.some((key) => this.#inFlight.has(key)))
        this.#report(`${name}: two calls for one user at a time, or a user twice in one`);
      this.#hold(keys, held);
    }
    return held;
  }

  #hold(keys: readonly string[], held: string[]): void {
    for (const key of keys) {
      held.push(key);
      this.#inFlight.set(key, (this.#inFlight.get(key) ?? 0) + 1);
    }
  }

  #release(key: string): void {
    const count = (this.#inFlight.get(key) ?? 0) - 1;
    if (count > 0) this.#inFlight.set(key, count);
    else this.#inFlight.delete(key);
  }

  #checkFading({ name, users }: Visit): void {
    for (const identity of users.flat()) {
      if (this.#fading.has(identity)) this.#report(`${name} of a user whose deletion is still under way`);
    }
  }

  #checkMixing({ name, kind }: Visit, users: readonly (readonly string[])[]): void {
    const { refuseMixing = true, mixWindowMs = 60_000 } = this.#options;
    if (kind === 'list' || refuseMixing === false || (kind === 'single' && refuseMixing !== 'both')) return;
    const others = kind === 'bulk' ? this.#lastSingle : this.#lastBulk;
    if (others.size === 0) return;
    for (const keys of users) {
      if (keys.some((key) => this.#now() - (others.get(key) ?? -Infinity) < mixWindowMs))
        this.#report(`${name}: single-user and bulk calls for one user within ${mixWindowMs} ms`);
    }
  }

  /** A call that was refused wrote nobody, and is in no other call's way. */
  #remember({ kind }: Visit, users: readonly (readonly string[])[], written: readonly string[]): void {
    if (written.length === 0) return;
    const now = this.#now();
    // The addresses too: the one that a user left could be written as somebody new.
    if (kind === 'single') for (const key of [...users.flat(), ...written]) this.#lastSingle.set(key, now);
    // Nobody asks otherwise, and these can be very many.
    if (kind === 'bulk' && this.#options.refuseMixing === 'both')
      for (const key of written) this.#lastBulk.set(key, now);
  }
}

/** Tracks which calls write which users at which time, and reports what a correct client would not have sent. */
import { setTimeout } from 'node:timers/promises';
import type { JsonAnswer } from './answers.ts';
import type { Identity } from './identities.ts';
import type { StandinOptions } from './options.ts';
import type { Store } from './store.ts';
import { keysOf, type UnfinishedDeletions } from './unfinished-deletions.ts';

/** A call that writes users. */
export interface WriteCall {
  readonly name: string;
  /** Iterable processes single-user and bulk updates independently, so their order is not guaranteed. */
  readonly kind: 'single' | 'bulk' | 'list';
  /** For each user, the identities that the call contains. */
  readonly users: readonly (readonly Identity[])[];
}

/** The effect of a call: its answer, and the profiles that it wrote. */
export interface Effect {
  readonly answer: JsonAnswer;
  readonly profiles: readonly number[];
}

export class Traffic {
  readonly #store: Store;
  readonly #deletions: UnfinishedDeletions;
  readonly #options: StandinOptions;
  readonly #now: () => number;
  readonly #report: (what: string) => void;
  readonly #inFlight = new Map<string, number>();
  /** User → the time of its last single-user call, and of its last bulk call. */
  readonly #lastSingle = new Map<string, number>();
  readonly #lastBulk = new Map<string, number>();

  constructor(
    store: Store,
    deletions: UnfinishedDeletions,
    options: StandinOptions,
    now: () => number,
    report: (what: string) => void,
  ) {
    this.#store = store;
    this.#deletions = deletions;
    this.#options = options;
    this.#now = now;
    this.#report = report;
  }

  /** Executes a call. Until it is answered, its users are in flight, and other calls for them are reported. */
  async run(call: WriteCall, execute: () => Effect): Promise<JsonAnswer> {
    const keys = call.users.map((identities) => this.#keys(identities));
    const held = this.#enter(call, keys);
    try {
      this.#checkDeletions(call);
      this.#checkMixing(call, keys);
      const { answer, profiles } = execute();
      // A user that the call created may be identified differently by later calls.
      const written = profiles.map((profile) => `profile:${profile}`);
      this.#hold(written, held);
      const { latencyMs = 0, sleep = setTimeout } = this.#options;
      if (latencyMs > 0) await sleep(latencyMs);
      this.#remember(call, keys, written);
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

  #enter({ name }: WriteCall, users: readonly (readonly string[])[]): string[] {
    const held: string[] = [];
    for (const keys of users) {
      if (keys.some((key) => this.#inFlight.has(key)))
        this.#report(`${name}: concurrent calls for one user, or one user twice in a call`);
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

  #checkDeletions({ name, users }: WriteCall): void {
    for (const identity of users.flat()) {
      if (this.#deletions.has(identity)) this.#report(`${name} of a user whose deletion is not finished`);
    }
  }

  #checkMixing({ name, kind }: WriteCall, users: readonly (readonly string[])[]): void {
    const { refuseMixing = true, mixWindowMs = 60_000 } = this.#options;
    if (kind === 'list' || refuseMixing === false || (kind === 'single' && refuseMixing !== 'both')) return;
    const others = kind === 'bulk' ? this.#lastSingle : this.#lastBulk;
    if (others.size === 0) return;
    for (const keys of users) {
      if (keys.some((key) => this.#now() - (others.get(key) ?? -Infinity) < mixWindowMs))
        this.#report(`${name}: single-user and bulk calls for one user within ${mixWindowMs} ms`);
    }
  }

  /** Notes the time of a call, unless it was refused and wrote no user. */
  #remember({ kind }: WriteCall, users: readonly (readonly string[])[], written: readonly string[]): void {
    if (written.length === 0) return;
    const now = this.#now();
    // Includes the addresses of the call: a bulk call with the former address of a user would create a new user.
    if (kind === 'single') for (const key of [...users.flat(), ...written]) this.#lastSingle.set(key, now);
    // Bulk calls have many users, and their times are needed only with this option.
    if (kind === 'bulk' && this.#options.refuseMixing === 'both')
      for (const key of written) this.#lastBulk.set(key, now);
  }
}

/** Whose address a user id stands for on email-based projects, where several people can share one: only an export tells. */
import type { Clock } from '../clock.ts';
import type { IterableClient } from '../iterable/client.ts';
import { NoAnswerError } from '../iterable/errors.ts';
import type { Caller } from './caller.ts';

/** Deletions that come together share an export: Iterable takes four a minute. */
const COALESCE_MS = 250;

export class SharedIds {
  readonly #caller: Caller;
  readonly #client: IterableClient;
  readonly #clock: Clock;
  /** Ids that wait for the next export. */
  #waiting: Set<string> | undefined;
  #next: Promise<ReadonlyMap<string, readonly string[]>> | undefined;

  constructor(caller: Caller, client: IterableClient, clock: Clock) {
    this.#caller = caller;
    this.#client = client;
    this.#clock = clock;
  }

  /** The addresses of all who have the id, in lower case. Throws what a call throws. */
  async addressesOf(userId: string): Promise<readonly string[]> {
    this.#waiting ??= new Set();
    this.#waiting.add(userId);
    this.#next ??= this.#exportNext();
    return (await this.#next).get(userId) ?? [];
  }

  async #exportNext(): Promise<ReadonlyMap<string, readonly string[]>> {
    await this.#clock.sleep(COALESCE_MS);
    const wanted = this.#waiting ?? new Set();
    // Whoever comes from here on needs an export that began later.
    this.#waiting = undefined;
    this.#next = undefined;
    return this.#caller.call(
      this.#client.exportUsers(['email', 'userId'], () => {
        const addresses = new Map<string, string[]>();
        let users = 0;
        return {
          add: ({ email, userId }) => {
            users++;
            if (!email || !userId || !wanted.has(userId)) return;
            addresses.set(userId, [...(addresses.get(userId) ?? []), email.toLowerCase()]);
          },
          done: () => {
            // Somebody with one of the ids was seen just before.
            if (users === 0) throw new NoAnswerError('export/data.json', 'the export names nobody');
            return addresses;
          },
        };
      }),
    );
  }
}

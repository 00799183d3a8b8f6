/** Whose address a user id stands for on email-based projects, where several people can share one: only an export tells. */
import type { Clock } from '../clock.ts';
import { coalesce } from '../coalesce.ts';
import type { IterableClient, Operation } from '../iterable/client.ts';
import { NoAnswerError } from '../iterable/errors.ts';
import type { Caller } from './caller.ts';

/** Deletions that come together share an export: Iterable takes four a minute. */
const COALESCE_MS = 250;

/** By user id, in lower case. */
type Addresses = ReadonlyMap<string, readonly string[]>;

export class SharedIds {
  readonly #export: (userId: string) => Promise<Addresses>;

  constructor(caller: Caller, client: IterableClient, clock: Clock) {
    this.#export = coalesce(
      (userIds) => caller.call(exportAddresses(client, new Set(userIds))),
      () => clock.sleep(COALESCE_MS),
    );
  }

  /** The addresses of all who have the id, in lower case. Throws what a call throws. */
  async addressesOf(userId: string): Promise<readonly string[]> {
    return (await this.#export(userId)).get(userId) ?? [];
  }
}

function exportAddresses(client: IterableClient, wanted: ReadonlySet<string>): Operation<Addresses> {
  return client.exportUsers(['email', 'userId'], () => {
    const addresses = new Map<string, string[]>();
    let users = 0;
    return {
      add: ({ email, userId }) => {
        users++;
        if (!email || !userId || !wanted.has(userId)) return;
        addresses.set(userId, [...(addresses.get(userId) ?? []), email.toLowerCase()]);
      },
      done: () => {
        // A user with one of the ids was seen just before.
        if (users === 0) throw new NoAnswerError('export/data.json', 'the export holds no user');
        return addresses;
      },
    };
  });
}

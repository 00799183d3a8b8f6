/** Those who are decided to be removed by absence, as the ledger holds them: page by page, until they are gone. */
import type { DoomedEntry, HeldEntry, Ledger } from '../ledger/ledger.ts';
import type { Removal } from '../model.ts';
import { SYNC_MODES } from '../streams/modes.ts';
import { rowToken } from './row.ts';
import type { StreamMemory } from './streams.ts';

export interface AbsentRow {
  readonly entry: DoomedEntry;
  /** The lists in it are those that nobody else names. */
  readonly removal: Removal;
  /** The person stays in Iterable: another entry holds it, or it was only enriched. */
  readonly stays: boolean;
  readonly streamKey: string;
  readonly streamName: string;
}

export class Absentees {
  readonly #ledger: Ledger;
  /** By the ledger's number; those alone whose mode removes. */
  readonly #streams: ReadonlyMap<number, StreamMemory>;
  /** Refused in this run. */
  readonly #postponed = new Set<string>();

  constructor(ledger: Ledger, streams: readonly StreamMemory[]) {
    this.#ledger = ledger;
    this.#streams = new Map(
      streams
        .filter(({ routed }) => SYNC_MODES[routed.mode].remove)
        .map((stream) => [stream.remembered.id, stream]),
    );
  }

  /** Some of those who are left. */
  async next(limit: number): Promise<AbsentRow[]> {
    if (this.#streams.size === 0) return [];
    const all = await this.#ledger.nextDoomed([...this.#streams.keys()], limit + this.#postponed.size);
    const entries = all
      .filter(({ stream, key }) => !this.#postponed.has(rowToken(stream, key)))
      .slice(0, limit);
    const held = entries.filter(({ isHeld, lists }) => isHeld && lists.size > 0);
    const holders =
      held.length === 0
        ? []
        : await this.#ledger.holders({
            emails: held.flatMap(({ email }) => (email === undefined ? [] : [email])),
            userIds: held.flatMap(({ userId }) => (userId === undefined ? [] : [userId])),
          });
    const staying = holders.filter(({ isDoomed }) => !isDoomed);
    return entries.flatMap((entry) => this.#toRow(entry, staying));
  }

  /** They are gone: so are their entries. */
  async removed(rows: readonly AbsentRow[]): Promise<void> {
    if (rows.length > 0)
      await this.#ledger.commit({ dropped: rows.map(({ entry: { stream, key } }) => ({ stream, key })) });
  }

  /** They stay as they are until the next run. */
  postpone(rows: readonly AbsentRow[]): void {
    for (const { entry } of rows) this.#postponed.add(rowToken(entry.stream, entry.key));
  }

  #toRow(entry: DoomedEntry, holders: readonly HeldEntry[]): AbsentRow[] {
    const memory = this.#streams.get(entry.stream);
    if (!memory) return [];
    const { email, userId, lists } = entry;
    const others = holders.filter(
      (other) =>
        (email !== undefined && other.email === email) || (userId !== undefined && other.userId === userId),
    );
    return [
      {
        entry,
        stays: entry.isHeld || entry.origin === 'enrich',
        streamKey: memory.routed.key,
        streamName: memory.routed.name,
        removal: {
          kind: 'removal',
          identifiedBy: memory.routed.identifyBy === 'email' ? 'email' : 'userId',
          ...(email === undefined ? {} : { email }),
          ...(userId === undefined ? {} : { userId }),
          isExported: true,
          lists: [...lists].flatMap(([list, isOn]) =>
            isOn && !others.some((other) => other.lists.get(list) === true) ? [list] : [],
          ),
        },
      },
    ];
  }
}

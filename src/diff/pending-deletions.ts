/** The pending deletions of the ledger, page by page: users that a snapshot lacks, until they are removed. */
import type { PendingDeletion, HeldEntry, Ledger } from '../ledger/ledger.ts';
import type { Removal } from '../model.ts';
import { SYNC_MODES } from '../streams/modes.ts';
import { rowToken } from './row.ts';
import type { DiffStream } from './streams.ts';

export interface MissingRow {
  readonly entry: PendingDeletion;
  /** Its lists are those that no other entry names. */
  readonly removal: Removal;
  /** The user stays in Iterable: another entry has it, or it was only enriched. */
  readonly stays: boolean;
  readonly streamKey: string;
  readonly streamName: string;
}

export class PendingDeletions {
  readonly #ledger: Ledger;
  /** By the ledger's number: only streams whose mode removes users. */
  readonly #streams: ReadonlyMap<number, DiffStream>;
  /** Rows that {@link next} has given: being removed, or refused in this run. */
  readonly #given = new Set<string>();

  constructor(ledger: Ledger, streams: readonly DiffStream[]) {
    this.#ledger = ledger;
    this.#streams = new Map(
      streams
        .filter(({ routed }) => SYNC_MODES[routed.mode].remove)
        .map((stream) => [stream.rowStream.id, stream]),
    );
  }

  /** Some of those that are left, each once. */
  async next(limit: number): Promise<MissingRow[]> {
    if (this.#streams.size === 0) return [];
    const all = await this.#ledger.nextPendingDeletions([...this.#streams.keys()], limit + this.#given.size);
    const entries = all.filter(({ stream, key }) => !this.#given.has(rowToken(stream, key))).slice(0, limit);
    for (const { stream, key } of entries) this.#given.add(rowToken(stream, key));
    const held = entries.filter(({ isHeld, lists }) => isHeld && lists.size > 0);
    const holders =
      held.length === 0
        ? []
        : await this.#ledger.holders({
            emails: held.flatMap(({ email }) => (email === undefined ? [] : [email])),
            userIds: held.flatMap(({ userId }) => (userId === undefined ? [] : [userId])),
          });
    const staying = holders.filter(({ isPendingDeletion }) => !isPendingDeletion);
    return entries.flatMap((entry) => this.#toRow(entry, staying));
  }

  /** Their users are removed: drops the entries. */
  async removed(rows: readonly MissingRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#ledger.commit({ dropped: rows.map(({ entry: { stream, key } }) => ({ stream, key })) });
    this.later(rows);
  }

  /** {@link next} gives the rows again. Those that it never gives again are left to the next run. */
  later(rows: readonly MissingRow[]): void {
    for (const { entry } of rows) this.#given.delete(rowToken(entry.stream, entry.key));
  }

  #toRow(entry: PendingDeletion, holders: readonly HeldEntry[]): MissingRow[] {
    const stream = this.#streams.get(entry.stream);
    if (!stream) return [];
    const { email, userId, lists } = entry;
    const others = holders.filter(
      (other) =>
        (email !== undefined && other.email === email) || (userId !== undefined && other.userId === userId),
    );
    return [
      {
        entry,
        stays: entry.isHeld || entry.origin === 'enrich',
        streamKey: stream.routed.key,
        streamName: stream.routed.name,
        removal: {
          kind: 'removal',
          identifiedBy: stream.routed.identifyBy === 'email' ? 'email' : 'userId',
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

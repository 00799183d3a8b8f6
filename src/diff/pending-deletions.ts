/** The pending deletions of the ledger, page by page: users that a snapshot lacks, until they are removed. */
import type { PendingDeletion, HeldEntry, Ledger } from '../ledger/ledger.ts';
import type { DeletedIdentity, Removal } from '../model.ts';
import { SYNC_MODES } from '../streams/modes.ts';
import { identitiesIn as userOf, keepersOf, listsLeft } from './holds.ts';
import { rowToken } from './row.ts';
import type { DiffStream } from './streams.ts';

export interface MissingRow {
  readonly entry: PendingDeletion;
  /** Its lists are those that no other entry names. */
  readonly removal: Removal;
  /** Entries that hold the user. */
  readonly keepers: readonly HeldEntry[];
  /** The user stays in Iterable: another entry holds it, or it was only enriched. */
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
  /** Those of them whose users only rejected records name. */
  #named: readonly PendingDeletion[] = [];

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
    const held = entries.filter(({ heldBy }) => heldBy === 'entry');
    const holders =
      held.length === 0
        ? []
        : await this.#ledger.holders({
            emails: held.flatMap(({ email }) => (email === undefined ? [] : [email])),
            userIds: held.flatMap(({ userId }) => (userId === undefined ? [] : [userId])),
          });
    // Whom only rejected records name stays, and is looked at again when these rows may be gone, too.
    this.#named = [...this.#named, ...entries.filter(({ heldBy }) => heldBy === 'named')];
    return entries
      .filter(({ heldBy }) => heldBy !== 'named')
      .flatMap((entry) => this.#toRow(entry, keepersOf(userOf(entry), holders)));
  }

  /**
   * Their users are removed, or stay with another row: drops the entries. Rows that hold a user who stays are sent again when they
   * come, since their values count now.
   * @param deleted the users who were deleted
   */
  async removed(rows: readonly MissingRow[], deleted: readonly DeletedIdentity[]): Promise<void> {
    if (rows.length === 0) return;
    const stale = new Map(
      rows.flatMap(({ keepers }) => keepers.map((row) => [rowToken(row.stream, row.key), row])),
    );
    await this.#ledger.commit({
      dropped: rows.map(({ entry: { stream, key } }) => ({ stream, key })),
      stale: [...stale.values()].map(({ stream, key }) => ({ stream, key })),
      deleted,
    });
    this.later(rows);
  }

  /** More rows are decided on: whom only rejected records named may go now. */
  lookAgain(): void {
    for (const { stream, key } of this.#named) this.#given.delete(rowToken(stream, key));
    this.#named = [];
  }

  /** {@link next} gives the rows again. Those that it never gives again are left to the next run. */
  later(rows: readonly MissingRow[]): void {
    for (const { entry } of rows) this.#given.delete(rowToken(entry.stream, entry.key));
  }

  #toRow(entry: PendingDeletion, keepers: readonly HeldEntry[]): MissingRow[] {
    const stream = this.#streams.get(entry.stream);
    if (!stream) return [];
    const { email, userId } = entry;
    return [
      {
        entry,
        keepers,
        stays: entry.heldBy === 'entry' || entry.origin === 'enrich',
        streamKey: stream.routed.key,
        streamName: stream.routed.name,
        removal: {
          kind: 'removal',
          identifiedBy: stream.routed.identifyBy === 'email' ? 'email' : 'userId',
          ...(email === undefined ? {} : { email }),
          ...(userId === undefined ? {} : { userId }),
          isExported: true,
          lists: listsLeft(userOf(entry), [entry], keepers),
        },
      },
    ];
  }
}

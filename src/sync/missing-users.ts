/** Carries out the pending deletions of the ledger, at Iterable's limit. The next run finishes what is interrupted. */
import type { Clock } from '../clock.ts';
import type { ListMembers } from '../delivery/list-members.ts';
import type { UserRemover } from '../delivery/remove-users.ts';
import { listsBesides, type Keepers } from '../diff/holds.ts';
import type { MissingRow, PendingDeletions } from '../diff/pending-deletions.ts';
import {
  deletedIdentities,
  identityText,
  type DeletedIdentity,
  type Rejection,
  type Removal,
} from '../model.ts';
import { Run } from '../run.ts';
import { ListLeavers, type MissingUser } from './leave-lists.ts';
import type { SyncSummary } from './stream-summary.ts';
import type { SyncLog } from './sync-log.ts';

export interface MissingUsersOptions {
  readonly pendingDeletions: PendingDeletions;
  readonly remover: Pick<UserRemover, 'identify' | 'removePerson'>;
  readonly listMembers: Pick<ListMembers, 'change' | 'rate' | 'untilTurn'>;
  readonly removal: 'delete_user' | 'remove_from_lists';
  /** Rows that hold the user by an identity which only its profile in Iterable tells. */
  readonly keepersByProfile: (user: Removal) => Promise<Keepers>;
  /** Of a list call. */
  readonly listCalls: { readonly maxUsers: number; readonly maxBytes: number };
  /** How many users leave lists at once, so that calls are full although the users are spread over many lists. */
  readonly leavingPage?: number;
  readonly summary: SyncSummary;
  readonly log: SyncLog;
  readonly clock: Clock;
  readonly stop: AbortSignal;
  /**
   * Takes rows that are done: their users are removed, or stay since another row has them.
   * @param notThere those whose users were not in Iterable
   */
  readonly onDone?: ((rows: readonly MissingRow[], notThere: ReadonlySet<MissingRow>) => void) | undefined;
}

/** Two seconds of deletions at Iterable's limit: after each page the ledger is asked again which users are still to go. */
const DELETION_PAGE = 200;
const LEAVING_PAGE = 5_000;
const MAX_LEAVING_PAGES = 4;
const MAX_IN_FLIGHT = 64;
const NONE: ReadonlySet<MissingRow> = new Set();
const LOG_EVERY_MS = 10_000;

/** Carries out all pending deletions. Throws what a call throws, and the stop signal's reason. */
export async function removeMissingUsers(options: MissingUsersOptions): Promise<void> {
  const { clock, stop } = options;
  const run = new Run(clock);
  const onStop = () => {
    run.fail(stop.reason as Error);
  };
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop();
  try {
    await new Removals(options, run).carryOut();
  } finally {
    stop.removeEventListener('abort', onStop);
    run.end();
  }
}

class Removals {
  readonly #options: MissingUsersOptions;
  readonly #run: Run;
  readonly #leavers: ListLeavers;
  #removed = 0;
  #loggedAt: number;

  constructor(options: MissingUsersOptions, run: Run) {
    this.#options = options;
    this.#run = run;
    this.#leavers = new ListLeavers({ ...options, ...options.listCalls, run });
    this.#loggedAt = options.clock.now();
  }

  async carryOut(): Promise<void> {
    const { pendingDeletions, removal, leavingPage = LEAVING_PAGE } = this.#options;
    const pageSize = removal === 'delete_user' ? DELETION_PAGE : leavingPage;
    let isLast = false;
    while (!this.#run.failure && !(isLast && this.#leavers.size === 0)) {
      const isCrowded = this.#leavers.size >= MAX_LEAVING_PAGES * leavingPage;
      const next = isCrowded ? [] : await pendingDeletions.next(pageSize);
      const page = await Promise.all(next.map((row) => this.#unlessHeldOtherwise(row)));
      isLast = page.length === 0;
      const waiting = await this.#removePage(page);
      pendingDeletions.later(waiting);
      // Users who left lists may have other rows, which had to wait for them.
      if (this.#leavers.size > 0 && page.length === waiting.length) {
        this.#leavers.flush();
        await this.#moved();
        isLast = false;
      }
      await this.#settleLeavers();
      this.#logProgress();
    }
    while (this.#leavers.inFlight > 0) await this.#run.untilMoved();
    await this.#settleLeavers();
    if (this.#run.failure) throw this.#run.failure;
  }

  async #unlessHeldOtherwise(row: MissingRow): Promise<MissingRow> {
    if (row.stays) return row;
    const keepers = await this.#options.keepersByProfile(row.removal);
    if (keepers.length === 0) return row;
    const lists = listsBesides(row.removal.lists ?? [], keepers);
    return { ...row, stays: true, keepers, removal: { ...row.removal, lists } };
  }

  async #moved(): Promise<void> {
    if (!this.#run.failure) await this.#run.untilMoved();
  }

  /** Gives the rows that have to wait, since calls for their users are being made. */
  async #removePage(page: readonly MissingRow[]): Promise<readonly MissingRow[]> {
    const { removal } = this.#options;
    const leaves = ({ stays }: MissingRow) => stays || removal === 'remove_from_lists';
    const waiting: MissingRow[] = [];
    for (const user of await this.#usersOf(page.filter(leaves)))
      if (this.#leavers.has(user)) waiting.push(...user.rows);
      else this.#leavers.add(user);
    const going = page.filter((row) => !leaves(row));
    if (going.length > 0) await this.#deleteAll(going);
    return waiting;
  }

  /** A row that does not tell its user for certain is refused. */
  async #usersOf(page: readonly MissingRow[]): Promise<MissingUser[]> {
    const { remover } = this.#options;
    const users = new Map<string, MissingUser>();
    const identified = await Promise.all(page.map(({ removal }) => remover.identify(removal)));
    for (const [index, row] of page.entries()) {
      const found = identified[index];
      if (!found) continue;
      if ('code' in found) {
        this.#noteRefused(row, found);
        continue;
      }
      const known = users.get(identityText(found.key));
      if (known) known.rows.push(row);
      else users.set(identityText(found.key), { ...found, rows: [row] });
    }
    return [...users.values()];
  }

  /** A failed call ends the run, but only once the other calls of the page are answered and in the ledger. */
  async #deleteAll(page: readonly MissingRow[]): Promise<void> {
    const { remover, stop } = this.#options;
    const notThere = new Set<MissingRow>();
    const done: MissingRow[] = [];
    const deleted: DeletedIdentity[] = [];
    const left = await this.#usersOf(page);
    const deleteNext = async (): Promise<void> => {
      for (let user = left.shift(); user && !stop.aborted; user = left.shift()) {
        const result = await remover.removePerson(user);
        if ('code' in result) for (const row of user.rows) this.#noteRefused(row, result);
        else {
          done.push(...user.rows);
          deleted.push(...deletedIdentities(result.key, result.others));
        }
        if ('key' in result && !result.wasThere) for (const row of user.rows) notThere.add(row);
      }
    };
    const results = await Promise.allSettled(Array.from({ length: MAX_IN_FLIGHT }, deleteNext));
    await this.#noteDone(done, notThere, deleted);
    const failure = results.find((result) => result.status === 'rejected');
    if (failure) this.#run.fail(failure.reason as Error);
  }

  async #settleLeavers(): Promise<void> {
    const { done, refused } = this.#leavers.take();
    for (const [row, rejection] of refused) this.#noteRefused(row, rejection);
    await this.#noteDone(done, NONE, []);
  }

  async #noteDone(
    rows: readonly MissingRow[],
    notThere: ReadonlySet<MissingRow>,
    deleted: readonly DeletedIdentity[],
  ): Promise<void> {
    const { pendingDeletions, summary, onDone } = this.#options;
    if (rows.length === 0) return;
    await pendingDeletions.removed(rows, deleted);
    onDone?.(rows, notThere);
    for (const row of rows) {
      if (row.stays) continue;
      this.#removed++;
      summary.removedMissing(row.streamKey, !notThere.has(row));
    }
  }

  #noteRefused({ streamName }: MissingRow, { code, reason }: Rejection): void {
    this.#options.log.warn(
      `A user of stream ${streamName} is missing from the snapshot and could not be removed: ${code}: ${reason}. The next sync tries again.`,
    );
  }

  #logProgress(): void {
    const { clock, log } = this.#options;
    if (clock.now() - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = clock.now();
    log.info(`${this.#removed} users removed so far: missing from the snapshot.`);
  }
}

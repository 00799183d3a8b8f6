/** Carries out the pending deletions of the ledger, at Iterable's limit. The next run finishes what is interrupted. */
import { TextPages } from '../batching/text-pages.ts';
import { userIdentity } from '../batching/user-request.ts';
import type { Clock } from '../clock.ts';
import type { ListMembers } from '../delivery/list-members.ts';
import type { Person, UserRemover } from '../delivery/remove-users.ts';
import type { MissingRow, PendingDeletions } from '../diff/pending-deletions.ts';
import { identityText, type Rejection } from '../model.ts';
import type { SyncSummary } from './stream-summary.ts';
import type { SyncLog } from './sync-log.ts';

export interface MissingUsersOptions {
  readonly pendingDeletions: PendingDeletions;
  readonly remover: UserRemover;
  readonly listMembers: ListMembers;
  readonly removal: 'delete_user' | 'remove_from_lists';
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

/** Two seconds of removals at Iterable's limit: after each page the ledger is asked again which users are still to go. */
const PAGE = 200;
const MAX_IN_FLIGHT = 64;
const NONE: ReadonlySet<MissingRow> = new Set();
const LOG_EVERY_MS = 10_000;

/** Carries out all pending deletions. Throws what a call throws, and the stop signal's reason. */
export async function removeMissingUsers(options: MissingUsersOptions): Promise<void> {
  const { pendingDeletions, log, clock, stop } = options;
  let removed = 0;
  let loggedAt = clock.now();
  for (
    let page = await pendingDeletions.next(PAGE);
    page.length > 0;
    page = await pendingDeletions.next(PAGE)
  ) {
    stop.throwIfAborted();
    removed += await removePage(page, options);
    if (clock.now() - loggedAt < LOG_EVERY_MS) continue;
    loggedAt = clock.now();
    log.info(`${removed} users removed so far: missing from the snapshot.`);
  }
}

async function removePage(page: readonly MissingRow[], options: MissingUsersOptions): Promise<number> {
  const { pendingDeletions, removal, summary, log, onDone } = options;
  const staying = page.filter(({ stays }) => stays);
  const going = page.filter(({ stays }) => !stays);
  const refused = await leaveLists(staying, options);
  const { refused: refusedToGo, notThere } =
    removal === 'delete_user'
      ? await deleteAll(going, options)
      : { refused: await leaveLists(going, options), notThere: NONE };
  for (const [row, rejection] of refusedToGo) refused.set(row, rejection);
  const done = page.filter((row) => !refused.has(row));
  await pendingDeletions.removed(done);
  onDone?.(done, notThere);
  const removed = going.filter((row) => !refused.has(row));
  for (const row of removed) summary.removedMissing(row.streamKey, !notThere.has(row));
  for (const [{ streamName }, { code, reason }] of refused) {
    log.warn(
      `A user of stream ${streamName} is missing from the snapshot and could not be removed: ${code}: ${reason}. The next sync tries again.`,
    );
  }
  pendingDeletions.postpone([...refused.keys()]);
  return removed.length;
}

/** Rows of one user, also of several streams: no two calls may touch the user at once, nor may one call name it twice. */
interface MissingUser extends Person {
  readonly rows: MissingRow[];
}

/** A row that does not tell its user for certain is refused. */
async function usersOf(
  page: readonly MissingRow[],
  remover: UserRemover,
  refused: Map<MissingRow, Rejection>,
): Promise<MissingUser[]> {
  const users = new Map<string, MissingUser>();
  const identified = await Promise.all(page.map(({ removal }) => remover.identify(removal)));
  for (const [index, row] of page.entries()) {
    const found = identified[index];
    if (!found) continue;
    if ('code' in found) {
      refused.set(row, found);
      continue;
    }
    const known = users.get(identityText(found.key));
    if (known) known.rows.push(row);
    else users.set(identityText(found.key), { ...found, rows: [row] });
  }
  return [...users.values()];
}

/** A failed call ends the run, but only once the other calls of the page are answered and in the ledger. */
async function deleteAll(
  page: readonly MissingRow[],
  { remover, pendingDeletions, stop, summary }: MissingUsersOptions,
): Promise<{ readonly refused: Map<MissingRow, Rejection>; readonly notThere: ReadonlySet<MissingRow> }> {
  const refused = new Map<MissingRow, Rejection>();
  const notThere = new Set<MissingRow>();
  const done: MissingRow[] = [];
  const left = await usersOf(page, remover, refused);
  const deleteNext = async (): Promise<void> => {
    for (let user = left.shift(); user && !stop.aborted; user = left.shift()) {
      const result = await remover.removePerson(user);
      if ('code' in result) for (const row of user.rows) refused.set(row, result);
      else done.push(...user.rows);
      if ('key' in result && !result.wasThere) for (const row of user.rows) notThere.add(row);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: MAX_IN_FLIGHT }, deleteNext));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure || stop.aborted) {
    await pendingDeletions.removed(done);
    for (const row of done) summary.removedMissing(row.streamKey, !notThere.has(row));
    throw failure ? (failure.reason as Error) : (stop.reason as Error);
  }
  return { refused, notThere };
}

async function leaveLists(
  page: readonly MissingRow[],
  { remover, listMembers }: MissingUsersOptions,
): Promise<Map<MissingRow, Rejection>> {
  const refused = new Map<MissingRow, Rejection>();
  const onLists = page.filter(({ removal }) => removal.lists?.length !== 0);
  const byList = new Map<string, MissingUser[]>();
  for (const user of await usersOf(onLists, remover, refused)) {
    for (const list of new Set(user.rows.flatMap(({ removal }) => removal.lists ?? []))) {
      const rows = user.rows.filter(({ removal }) => removal.lists?.includes(list));
      byList.set(list, [...(byList.get(list) ?? []), { ...user, rows }]);
    }
  }
  for (const [list, leaving] of byList) {
    const texts = new TextPages();
    const requests = new Map(
      leaving.map(({ key, rows }) => [userIdentity(key, { preferUserId: false }, texts), rows]),
    );
    const rejections = await listMembers.change({ list, isOn: false, onlyExisting: false }, [
      ...requests.keys(),
    ]);
    for (const [request, rejection] of rejections) {
      for (const row of requests.get(request) ?? []) refused.set(row, rejection);
    }
  }
  return refused;
}

/** Carries out the removals that are decided in the ledger, at Iterable's limit; what is interrupted is finished by the next run. */
import { TextPages } from '../batching/text-pages.ts';
import { userIdentity } from '../batching/user-request.ts';
import type { Clock } from '../clock.ts';
import type { ListMembers } from '../delivery/list-members.ts';
import type { Person, UserRemover } from '../delivery/remove-users.ts';
import type { AbsentRow, Absentees } from '../diff/absentees.ts';
import { identityText, type Rejection } from '../model.ts';
import type { SyncSummary } from './stream-summary.ts';
import type { SyncLog } from './sync-log.ts';

export interface AbsenceRemovalsOptions {
  readonly absentees: Absentees;
  readonly remover: UserRemover;
  readonly listMembers: ListMembers;
  readonly removal: 'delete_user' | 'remove_from_lists';
  readonly summary: SyncSummary;
  readonly log: SyncLog;
  readonly clock: Clock;
  readonly stop: AbortSignal;
  /**
   * Told of rows that are done with: removed, or, where their people stay, no longer held.
   * @param notThere those whose users were not in Iterable
   */
  readonly onDone?: ((rows: readonly AbsentRow[], notThere: ReadonlySet<AbsentRow>) => void) | undefined;
}

/** Two seconds of removals at Iterable's limit: so late is it looked again who has come back meanwhile. */
const PAGE = 200;
const MAX_IN_FLIGHT = 64;
const NONE: ReadonlySet<AbsentRow> = new Set();
const TELL_EVERY_MS = 10_000;

/** Removes everybody who is decided to be removed. Throws what a call throws, and the stop signal's reason. */
export async function removeAbsentees(options: AbsenceRemovalsOptions): Promise<void> {
  const { absentees, log, clock, stop } = options;
  let removed = 0;
  let toldAt = clock.now();
  for (let page = await absentees.next(PAGE); page.length > 0; page = await absentees.next(PAGE)) {
    stop.throwIfAborted();
    removed += await removePage(page, options);
    if (clock.now() - toldAt < TELL_EVERY_MS) continue;
    toldAt = clock.now();
    log.info(`${removed} users removed by absence so far.`);
  }
}

async function removePage(page: readonly AbsentRow[], options: AbsenceRemovalsOptions): Promise<number> {
  const { absentees, removal, summary, log, onDone } = options;
  const staying = page.filter(({ stays }) => stays);
  const going = page.filter(({ stays }) => !stays);
  const refused = await leaveLists(staying, options);
  const { refused: refusedToGo, notThere } =
    removal === 'delete_user'
      ? await deleteAll(going, options)
      : { refused: await leaveLists(going, options), notThere: NONE };
  for (const [row, rejection] of refusedToGo) refused.set(row, rejection);
  const done = page.filter((row) => !refused.has(row));
  await absentees.removed(done);
  onDone?.(done, notThere);
  const removed = going.filter((row) => !refused.has(row));
  for (const row of removed) summary.removedByAbsence(row.streamKey, !notThere.has(row));
  for (const [{ streamName }, { code, reason }] of refused) {
    log.warn(
      `A user of stream ${streamName} could not be removed by absence: ${code}: ${reason}. The next sync tries again.`,
    );
  }
  absentees.postpone([...refused.keys()]);
  return removed.length;
}

/** Rows of one person, be it in several streams: no two calls may touch it at once, nor may one name it twice. */
interface AbsentPerson extends Person {
  readonly rows: AbsentRow[];
}

/** Whoever can't be told for certain is refused. */
async function peopleOf(
  page: readonly AbsentRow[],
  remover: UserRemover,
  refused: Map<AbsentRow, Rejection>,
): Promise<AbsentPerson[]> {
  const people = new Map<string, AbsentPerson>();
  const found = await Promise.all(page.map(({ removal }) => remover.identify(removal)));
  for (const [index, row] of page.entries()) {
    const person = found[index];
    if (!person) continue;
    if ('code' in person) {
      refused.set(row, person);
      continue;
    }
    const known = people.get(identityText(person.key));
    if (known) known.rows.push(row);
    else people.set(identityText(person.key), { ...person, rows: [row] });
  }
  return [...people.values()];
}

/** A failed call ends the run, but only after the others of the page are answered and remembered. */
async function deleteAll(
  page: readonly AbsentRow[],
  { remover, absentees, stop, summary }: AbsenceRemovalsOptions,
): Promise<{ readonly refused: Map<AbsentRow, Rejection>; readonly notThere: ReadonlySet<AbsentRow> }> {
  const refused = new Map<AbsentRow, Rejection>();
  const notThere = new Set<AbsentRow>();
  const done: AbsentRow[] = [];
  const left = await peopleOf(page, remover, refused);
  const work = async (): Promise<void> => {
    for (let person = left.shift(); person && !stop.aborted; person = left.shift()) {
      const result = await remover.removePerson(person);
      if ('code' in result) for (const row of person.rows) refused.set(row, result);
      else done.push(...person.rows);
      if ('key' in result && !result.wasThere) for (const row of person.rows) notThere.add(row);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: MAX_IN_FLIGHT }, work));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure || stop.aborted) {
    await absentees.removed(done);
    for (const row of done) summary.removedByAbsence(row.streamKey, !notThere.has(row));
    throw failure ? (failure.reason as Error) : (stop.reason as Error);
  }
  return { refused, notThere };
}

async function leaveLists(
  page: readonly AbsentRow[],
  { remover, listMembers }: AbsenceRemovalsOptions,
): Promise<Map<AbsentRow, Rejection>> {
  const refused = new Map<AbsentRow, Rejection>();
  const onLists = page.filter(({ removal }) => removal.lists?.length !== 0);
  const byList = new Map<string, AbsentPerson[]>();
  for (const person of await peopleOf(onLists, remover, refused)) {
    for (const list of new Set(person.rows.flatMap(({ removal }) => removal.lists ?? []))) {
      const rows = person.rows.filter(({ removal }) => removal.lists?.includes(list));
      byList.set(list, [...(byList.get(list) ?? []), { ...person, rows }]);
    }
  }
  for (const [list, leaving] of byList) {
    const texts = new TextPages();
    const users = new Map(
      leaving.map(({ key, rows }) => [userIdentity(key, { preferUserId: false }, texts), rows]),
    );
    const rejections = await listMembers.change({ list, isOn: false, onlyExisting: false }, [
      ...users.keys(),
    ]);
    for (const [user, rejection] of rejections) {
      for (const row of users.get(user) ?? []) refused.set(row, rejection);
    }
  }
  return refused;
}

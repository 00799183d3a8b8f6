/**
 * By which calls an upsert reaches Iterable, and what has to be known for that: which users exist, for `enrich`; whose address
 * changes, where a record names the previous one. All other upserts go straight into a bulk call.
 */
import type { Clock } from '../clock.ts';
import { IdentityTable } from '../delivery/identity-table.ts';
import type { KnownUsers } from '../delivery/known-users.ts';
import { identityText, type Upsert, type UserKey } from '../model.ts';
import type { PendingRecord } from './pending-record.ts';
import { upsertOf, type Task } from './task.ts';
import { touchedKeys } from './touched-identities.ts';

export interface UpsertRoutesOptions {
  readonly known: KnownUsers;
  /** Keys of streams that update only users whom Iterable knows. */
  readonly enriched: ReadonlySet<string>;
  /** On email-based projects Iterable itself refuses unknown user ids, so that they need no lookup. */
  readonly refusesUnknownIds: boolean;
  readonly clock: Clock;
  /** True on email-based projects: no bulk call changes addresses there. */
  readonly movesBySingleCalls: boolean;
  /** True where single calls are made: they must keep their distance from bulk calls. */
  readonly keepsDistance: boolean;
}

/** Iterable asks to wait this long between calls that depend on each other: it processes single-user and bulk calls apart. */
const BUFFER_MS = 60_000;

/**
 * - `skip`: Iterable does not know the user, and none may be created.
 * - `bulk`: in a bulk call.
 * - `single`: by a call of its own.
 * - `move`: the profile at the previous address gets the new one first, by calls of its own: on email-based projects.
 * - `move in bulk`: a bulk call gives the profile its new address.
 */
export type Route = 'skip' | 'bulk' | 'single' | 'move' | 'move in bulk';

const SINGLE = 1;

export class UpsertRoutes {
  readonly #options: UpsertRoutesOptions;
  /** Users whom a single call has touched: Iterable does not keep the order of single and bulk calls. */
  readonly #single = new IdentityTable();
  /** When a user was last written by a bulk call: the second of the run after it was answered. */
  readonly #inBulk: IdentityTable | undefined;
  readonly #startedAt: number;

  constructor(options: UpsertRoutesOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#inBulk = options.keepsDistance ? new IdentityTable() : undefined;
  }

  /** True where changes of addresses take calls of their own. */
  get movesBySingleCalls(): boolean {
    return this.#options.movesBySingleCalls;
  }

  /** True for an upsert whose route {@link find} has to find out. */
  mustAsk({ change, records }: Task): boolean {
    if (change.kind !== 'upsert') return false;
    if (change.previousEmail !== undefined || this.#mustGoSingle(change)) return true;
    return !this.#refusesUnknown(change.key) && this.#isEnriched(records);
  }

  /** One route for each task. Throws what a call throws. */
  async find(tasks: readonly Task[]): Promise<Route[]> {
    const asked = tasks.flatMap((task) => identitiesInQuestion(upsertOf(task)));
    const existing = await this.#options.known.findExisting(asked);
    return tasks.map((task) => this.#findOne(task, existing));
  }

  /** The route of a user whose profile could not get its new address after all. */
  withoutMove(task: Task, why: 'unknown' | 'taken'): Exclude<Route, 'move in bulk'> {
    const change = upsertOf(task);
    const isUnknown = change.key.kind === 'email' && why === 'unknown';
    if (isUnknown && this.#isEnriched(task.records)) return 'skip';
    return this.#mustGoSingle(change) ? 'single' : 'bulk';
  }

  /** The user has been written. */
  noteWritten(task: Task): void {
    const change = upsertOf(task);
    const { records } = task;
    const { known } = this.#options;
    // Of merged records the last one says whose the user is.
    const owner = ownerOf(records.at(-1), change);
    for (const key of writtenKeys(change)) known.markExists(key, owner);
  }

  /** The user was written by a bulk call, which has just been answered. */
  noteInBulk(change: Upsert): void {
    if (!this.#inBulk) return;
    const second = Math.ceil((this.#options.clock.now() - this.#startedAt) / 1000);
    for (const key of profileKeys(change.key, writtenKeys(change)))
      this.#inBulk.set(identityText(key), second);
  }

  /** How long to wait before a single-user call for this user, since a bulk call has written it: milliseconds, mostly 0. */
  restMs(change: Upsert): number {
    if (!this.#inBulk || this.#inBulk.size === 0) return 0;
    const { clock } = this.#options;
    let dueAt = 0;
    for (const key of profileKeys(change.key, touchedKeys(change))) {
      const second = this.#inBulk.get(identityText(key));
      if (second !== undefined) dueAt = Math.max(dueAt, this.#startedAt + second * 1000 + BUFFER_MS);
    }
    return Math.max(0, dueAt - clock.now());
  }

  noteRemoved(key: UserKey): void {
    this.#options.known.noteGone(key);
  }

  /** The profile has left its previous address. */
  noteMoved(change: Upsert, by: 'single call' | 'bulk call'): void {
    if (change.previousEmail === undefined) return;
    this.#options.known.noteGone({ kind: 'email', value: change.previousEmail });
    if (by === 'single call')
      for (const key of touchedKeys(change)) this.#single.set(identityText(key), SINGLE);
  }

  /** The new address is taken: by another user, or by the profile itself, in an attempt whose answer was lost. */
  async noteConflict({ previousEmail }: Upsert): Promise<void> {
    if (previousEmail !== undefined)
      await this.#options.known.recheck({ kind: 'email', value: previousEmail });
  }

  #findOne(task: Task, existing: ReadonlySet<string>): Route {
    const change = upsertOf(task);
    const { known } = this.#options;
    const write: Route = this.#mustGoSingle(change) ? 'single' : 'bulk';
    const { previousEmail } = change;
    if (previousEmail !== undefined && existing.has(identityText(newEmailOf(change)))) {
      task.staysBehind = true;
    } else if (previousEmail !== undefined) {
      const previous: UserKey = { kind: 'email', value: previousEmail };
      const isFree = !known.isOwnedByAnother(previous, ownerOf(task.records[0], change));
      if (isFree && existing.has(identityText(previous)))
        return this.movesBySingleCalls ? 'move' : 'move in bulk';
      if (!isFree) task.staysBehind = true;
    }
    const mayBeUnknown = !this.#refusesUnknown(change.key) && this.#isEnriched(task.records);
    return mayBeUnknown && !existing.has(identityText(change.key)) ? 'skip' : write;
  }

  #refusesUnknown({ kind }: UserKey): boolean {
    return this.#options.refusesUnknownIds && kind === 'userId';
  }

  #isEnriched(records: readonly PendingRecord[]): boolean {
    const [first] = records;
    return first !== undefined && this.#options.enriched.has(first.streamKey);
  }

  #mustGoSingle(change: Upsert): boolean {
    return (
      this.#single.size > 0 &&
      profileKeys(change.key, writtenKeys(change)).some(
        (key) => this.#single.get(identityText(key)) !== undefined,
      )
    );
  }
}

/** What the user is named by once it is written: not the previous address. */
function writtenKeys(change: Upsert): UserKey[] {
  return touchedKeys({ kind: 'upsert', key: change.key, values: change.values });
}

/**
 * Of the identities those that lead to the user's profile: on email-based projects a user id that does not identify does not,
 * since several users can share it.
 */
function profileKeys({ kind }: UserKey, keys: readonly UserKey[]): UserKey[] {
  return keys.filter((key) => key.kind === 'email' || key.kind === kind);
}

function identitiesInQuestion(change: Upsert): UserKey[] {
  if (change.previousEmail === undefined) return [change.key];
  const emails: UserKey[] = [newEmailOf(change), { kind: 'email', value: change.previousEmail }];
  return change.key.kind === 'email' ? emails : [...emails, change.key];
}

/** A change of address always has one. */
function newEmailOf({ key, values }: Upsert): UserKey {
  if (key.kind === 'email') return key;
  const email = values.email;
  return { kind: 'email', value: typeof email === 'string' ? email : '' };
}

/** What tells a person's records from those of others: the primary key, else the user id, else nothing does. */
function ownerOf(record: PendingRecord | undefined, change: Upsert): string | undefined {
  if (record?.primaryKey !== undefined) return `${record.streamKey} ${record.primaryKey}`;
  const userId = change.key.kind === 'userId' ? change.key.value : change.values.userId;
  return typeof userId === 'string' ? `userId ${userId}` : undefined;
}

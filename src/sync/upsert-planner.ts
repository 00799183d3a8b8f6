/**
 * What has to be known before some users may be written: who exists, for `enrich`; whose address changes, where a record
 * names the one before. Everybody else goes straight on.
 */
import type { Clock } from '../clock.ts';
import { IdentityTable } from '../delivery/identity-table.ts';
import type { KnownUsers } from '../delivery/known-users.ts';
import { identityText, type Upsert, type UserKey } from '../model.ts';
import type { PendingRecord, PendingWork } from './pending-record.ts';
import { touchedKeys } from './touched-identities.ts';

export interface UpsertPlannerOptions {
  readonly known: KnownUsers;
  /** True for streams that update only users whom Iterable knows. */
  readonly isEnriched: (streamKey: string) => boolean;
  /** True where Iterable itself refuses unknown users, so that nobody has to ask. */
  readonly refusesStrangers: (key: UserKey) => boolean;
  readonly clock: Clock;
  /** True where single-user calls change addresses, and must keep their distance from bulk calls. */
  readonly changesByOwnCalls: boolean;
}

/** So long Iterable asks to wait between calls that depend on each other; it processes single-user and bulk calls apart. */
const BUFFER_MS = 60_000;

/**
 * - `skip`: Iterable does not know the user, and none may be created.
 * - `bulk`: in a bulk call, as anybody.
 * - `alone`: by a call of its own.
 * - `change address`: the profile at the previous address is to get the new one first.
 */
export type Plan = 'skip' | 'bulk' | 'alone' | 'change address';

const ALONE = 1;

export class UpsertPlanner {
  readonly #options: UpsertPlannerOptions;
  /** Whom a call of its own has touched: Iterable does not keep the order of single and bulk calls. */
  readonly #alone = new IdentityTable();
  /** When a user was last written by a bulk call: the second of the run after it was answered. */
  readonly #inBulk: IdentityTable | undefined;
  readonly #startedAt: number;
  /** Works whose change of address moves no profile, though one has the previous address. */
  readonly #stayingBehind = new WeakSet<PendingWork>();

  constructor(options: UpsertPlannerOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#inBulk = options.changesByOwnCalls ? new IdentityTable() : undefined;
  }

  /** True for an upsert that has to be planned first. */
  concerns({ change, records }: PendingWork): boolean {
    if (change.kind !== 'upsert') return false;
    if (change.previousEmail !== undefined || this.#mustGoAlone(change)) return true;
    return !this.#options.refusesStrangers(change.key) && this.#isEnriched(records);
  }

  /** One plan for each work. Throws what a call throws. */
  async plan(works: readonly PendingWork[]): Promise<Plan[]> {
    const asked = works.flatMap(({ change }) =>
      change.kind === 'upsert' ? identitiesInQuestion(change) : [],
    );
    const existing = await this.#options.known.findExisting(asked);
    return works.map((work) => this.#planOne(work, existing));
  }

  /** The plan for a user whose profile could not get its new address after all. */
  planWithoutChange({ change, records }: PendingWork, why: 'unknown' | 'taken'): Plan {
    if (change.kind !== 'upsert') return 'bulk';
    const isStranger = change.key.kind === 'email' && why === 'unknown';
    if (isStranger && this.#isEnriched(records)) return 'skip';
    return this.#mustGoAlone(change) ? 'alone' : 'bulk';
  }

  /**
   * True for a change of address of which the profile stays where it is: a user has the new address already, or another record
   * claims the previous one.
   */
  staysBehind(work: PendingWork): boolean {
    return this.#stayingBehind.has(work);
  }

  /** The user has been written. */
  noteWritten({ change, records }: PendingWork): void {
    if (change.kind !== 'upsert') return;
    const { known } = this.#options;
    // Of records laid over each other the last one has the last word.
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
  noteChanged(change: Upsert, by: 'call of its own' | 'bulk call'): void {
    if (change.previousEmail === undefined) return;
    this.#options.known.noteGone({ kind: 'email', value: change.previousEmail });
    if (by === 'call of its own')
      for (const key of touchedKeys(change)) this.#alone.set(identityText(key), ALONE);
  }

  /** The new address is taken: by somebody else, or by the profile itself, in an attempt whose answer was lost. */
  async noteConflict({ previousEmail }: Upsert): Promise<void> {
    if (previousEmail !== undefined)
      await this.#options.known.recheck({ kind: 'email', value: previousEmail });
  }

  #planOne(work: PendingWork, existing: ReadonlySet<string>): Plan {
    const { change, records } = work;
    if (change.kind !== 'upsert') return 'bulk';
    const { known, refusesStrangers } = this.#options;
    const write: Plan = this.#mustGoAlone(change) ? 'alone' : 'bulk';
    const { previousEmail } = change;
    if (previousEmail !== undefined && existing.has(identityText(newEmailOf(change)))) {
      this.#stayingBehind.add(work);
    } else if (previousEmail !== undefined) {
      const previous: UserKey = { kind: 'email', value: previousEmail };
      const isFree = !known.isOwnedByAnother(previous, ownerOf(records[0], change));
      if (isFree && existing.has(identityText(previous))) return 'change address';
      if (!isFree) this.#stayingBehind.add(work);
    }
    const mayBeStranger = !refusesStrangers(change.key) && this.#isEnriched(records);
    return mayBeStranger && !existing.has(identityText(change.key)) ? 'skip' : write;
  }

  #isEnriched(records: readonly PendingRecord[]): boolean {
    const [first] = records;
    return first !== undefined && this.#options.isEnriched(first.streamKey);
  }

  #mustGoAlone(change: Upsert): boolean {
    return (
      this.#alone.size > 0 &&
      profileKeys(change.key, writtenKeys(change)).some(
        (key) => this.#alone.get(identityText(key)) !== undefined,
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

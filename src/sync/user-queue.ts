/**
 * Keeps the changes of one person in order: no two that touch the same address or user id are under way at once, and
 * those that wait together are laid over each other. Generic over what a record carries besides its change.
 */
import type { UserChange } from '../model.ts';
import { mayMove, mergeChanges, type MergeOptions } from './merge-changes.ts';
import { addAll, touchedBy, type QueuedRecord } from './touched-identities.ts';

/** What is to be done for one person: one record, or several of one stream laid over each other. */
export interface Work<Item extends QueuedRecord> {
  /** The records' changes, laid over each other. */
  readonly change: UserChange;
  /** In the order received; the later ones have the last word. */
  readonly records: readonly Item[];
}

export interface UserQueueOptions<Item extends QueuedRecord> extends MergeOptions {
  /** How many records may be laid over each other: where they are refused, each is tried alone. */
  readonly maxMerged: number;
  /** Works that may wait for earlier ones of one person before {@link UserQueue.isCrowded}. */
  readonly maxWaitingPerPerson: number;
  /** Whether a merged change may go out as one (its size, mainly). */
  readonly mayMerge: (change: UserChange, streamKey: string) => boolean;
  /** The work may start now, or, when it is told again, what it waits with has changed. Not called for started work. */
  readonly onReady: (work: Work<Item>) => void;
}

interface Entry<Item extends QueuedRecord> extends Work<Item> {
  change: UserChange;
  records: Item[];
  /** Few, each once. */
  readonly touches: string[];
  /** None for almost every work. */
  followers: Entry<Item>[] | undefined;
  /** Earlier works about the same person that are not settled yet. */
  waitingFor: number;
  /** The identities that it is counted under as waiting; none, if it could start at once. */
  readonly waitingAs: readonly string[];
  isStarted: boolean;
  /** Set on a part of a refused merged work: the work itself, and the records to try after this one. */
  readonly partOf?: { readonly whole: Entry<Item>; readonly rest: readonly Item[] };
}

export class UserQueue<Item extends QueuedRecord> {
  readonly #options: UserQueueOptions<Item>;
  /** Touched identity → the last work that touches it. */
  readonly #latest = new Map<string, Entry<Item>>();
  #size = 0;
  /** Touched identity → works that had to wait and are not settled yet. */
  readonly #waiting = new Map<string, number>();
  readonly #crowded = new Set<string>();

  constructor(options: UserQueueOptions<Item>) {
    this.#options = options;
  }

  /** Works that are not settled. */
  get size(): number {
    return this.#size;
  }

  /** True while works wait for earlier ones. */
  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** True while so many works of one person wait in line that no more should come: they can only go one by one. */
  get isCrowded(): boolean {
    return this.#crowded.size > 0;
  }

  /** True when the record would have to wait for an earlier one. */
  mustWait(record: QueuedRecord): boolean {
    return this.#size > 0 && touchedBy(record).some((identity) => this.#latest.has(identity));
  }

  /** Replaces what a started work does. */
  revise(work: Work<Item>, change: UserChange): void {
    (work as Entry<Item>).change = change;
  }

  add(record: Item): void {
    const touches = this.#touchesOf(record);
    const earlier = this.#earlierThan(touches);
    const only = earlier[0];
    if (only && earlier.length === 1 && this.#merge(only, record, touches)) return;

    const entry: Entry<Item> = {
      change: record.change,
      records: [record],
      touches,
      followers: undefined,
      waitingFor: earlier.length,
      waitingAs: earlier.length > 0 ? [...touches] : NOBODY,
      isStarted: false,
    };
    this.#size++;
    this.#countWaiting(entry.waitingAs, 1);
    for (const predecessor of earlier) (predecessor.followers ??= []).push(entry);
    for (const identity of touches) this.#latest.set(identity, entry);
    if (entry.waitingFor === 0) this.#options.onReady(entry);
  }

  /** From here on nothing is laid over the work any more. */
  start(work: Work<Item>): void {
    (work as Entry<Item>).isStarted = true;
  }

  /** The work is done, whatever came of it: whoever waited for it may start. */
  settle(work: Work<Item>): void {
    const entry = work as Entry<Item>;
    if (entry.partOf) {
      this.#nextPart(entry.partOf.whole, entry.partOf.rest);
      return;
    }
    this.#size--;
    this.#countWaiting(entry.waitingAs, -1);
    for (const identity of entry.touches) {
      if (this.#latest.get(identity) === entry) this.#latest.delete(identity);
    }
    for (const follower of entry.followers ?? []) {
      follower.waitingFor--;
      if (follower.waitingFor === 0) this.#options.onReady(follower);
    }
  }

  /** Instead of settling a refused work of several records: tries them one by one, in order. */
  retryOneByOne(work: Work<Item>): void {
    this.#nextPart(work as Entry<Item>, work.records);
  }

  /** A row that waits will be whoever the record before it makes it. */
  #touchesOf(record: Item): string[] {
    const touches = touchedBy(record);
    const before = record.rowToken === undefined ? undefined : this.#latest.get(record.rowToken);
    if (before) addAll(touches, before.touches);
    return touches;
  }

  /** The last works that touch one of these identities. */
  #earlierThan(touches: readonly string[]): readonly Entry<Item>[] {
    let earlier = NO_ENTRIES as Entry<Item>[];
    for (const identity of touches) {
      const entry = this.#latest.get(identity);
      if (!entry || earlier.includes(entry)) continue;
      if (earlier === NO_ENTRIES) earlier = [];
      earlier.push(entry);
    }
    return earlier;
  }

  #countWaiting(identities: readonly string[], change: 1 | -1): void {
    for (const identity of identities) {
      const count = (this.#waiting.get(identity) ?? 0) + change;
      if (count === 0) this.#waiting.delete(identity);
      else this.#waiting.set(identity, count);
      if (count > this.#options.maxWaitingPerPerson) this.#crowded.add(identity);
      else this.#crowded.delete(identity);
    }
  }

  #nextPart(whole: Entry<Item>, records: readonly Item[]): void {
    const [record, ...rest] = records;
    if (record === undefined) {
      this.settle(whole);
      return;
    }
    this.#options.onReady({
      change: record.change,
      records: [record],
      touches: [],
      followers: undefined,
      waitingFor: 0,
      waitingAs: [],
      isStarted: false,
      partOf: { whole, rest },
    } satisfies Entry<Item> as Entry<Item>);
  }

  /** Lays the record over the waiting work, if that means the same as sending both. */
  #merge(entry: Entry<Item>, record: Item, touches: readonly string[]): boolean {
    if (entry.isStarted || entry.records.length >= this.#options.maxMerged) return false;
    const [first] = entry.records;
    if (first?.streamKey !== record.streamKey || first.rowToken !== record.rowToken) return false;
    // Whose the previous address is decides whether the profile moves.
    if (mayMove(record.change) && first.primaryKey !== record.primaryKey) return false;
    const merged = mergeChanges(entry.change, record.change, this.#options);
    if (!merged || !this.#options.mayMerge(merged, record.streamKey)) return false;
    entry.change = merged;
    entry.records.push(record);
    addAll(entry.touches, touches);
    for (const identity of touches) this.#latest.set(identity, entry);
    if (entry.waitingFor === 0) this.#options.onReady(entry);
    return true;
  }
}

const NOBODY: readonly string[] = [];
const NO_ENTRIES: readonly unknown[] = [];

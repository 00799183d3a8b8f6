/** The ledger's memory for the works of a queue: what of them is to be sent, and what is remembered once they ended. */
import type { Memory } from '../diff/memory.ts';
import type { RemovalDecision } from '../diff/removals.ts';
import type { RowUpsert } from '../diff/row.ts';
import type { Decision, RowWork } from '../diff/upserts.ts';
import { mergedHash } from '../diff/values-hash.ts';
import type { Removal, Upsert } from '../model.ts';
import { isRejection, type WorkEnd } from './outcomes.ts';
import type { PendingWork } from './pending-record.ts';

export class WorkMemory {
  readonly #memory: Memory;
  /** Entries that are true no more once the removal is carried out. */
  readonly #gone = new WeakMap<PendingWork, RemovalDecision['gone']>();
  /** Works whose rows the ledger holds in doubt, since calls for them may have been made. */
  readonly #inDoubt = new WeakSet<PendingWork>();
  /** Decisions about works whose rows the ledger holds by their previous addresses. */
  readonly #moving = new WeakMap<PendingWork, Decision>();
  /** Of works of several records: the hash of what they write together. */
  readonly #mergedHashes = new WeakMap<PendingWork, string>();
  /** Works whose user has been written. */
  readonly #written = new WeakSet<PendingWork>();

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** True while something is on its way into the ledger. */
  get isBusy(): boolean {
    return this.#memory.isBusy;
  }

  /** True for an upsert of which the ledger may say that it is to be sent otherwise, or not at all. */
  concerns(work: PendingWork): boolean {
    const records = rowUpserts(work);
    return records !== undefined && work.change.kind === 'upsert'
      ? this.#memory.concerns({ records, change: work.change })
      : false;
  }

  /** One decision for each work; undefined for one that is as it was. */
  async decide(works: readonly PendingWork[]): Promise<(Decision | undefined)[]> {
    const known = works.map((work) => this.#rowWork(work));
    const decisions = await this.#memory.decide(known.filter((work) => work !== undefined));
    let next = 0;
    return known.map((rows, index) => {
      const work = works[index];
      const change = work?.change;
      if (rows && work) {
        const decision = decisions[next++];
        if (decision?.former) this.#moving.set(work, decision);
        return decision;
      }
      return change?.kind === 'upsert' ? { kind: 'write', change } : undefined;
    });
  }

  async decideRemoval(work: PendingWork, removal: Removal): Promise<RemovalDecision> {
    const last = work.records.at(-1);
    const decision = await this.#memory.decideRemoval(last?.row, last?.streamKey ?? '', removal);
    this.#gone.set(work, decision.gone);
    return decision;
  }

  /** Calls for these works are about to be made. To be awaited before the first of them. Throws what the ledger throws. */
  async holdInDoubt(works: readonly PendingWork[]): Promise<void> {
    const fresh = works.filter((work) => !this.#inDoubt.has(work));
    for (const work of fresh) this.#inDoubt.add(work);
    await this.#memory.holdInDoubt(
      fresh.map((work) => this.#rowWork(work)).filter((work) => work !== undefined),
    );
    await this.#memory.holdEntries(
      fresh.flatMap((work) => this.#gone.get(work) ?? this.#moving.get(work)?.former ?? []),
    );
  }

  /** The profile stays where it is. To be told before {@link holdInDoubt}. */
  markNotMoved(work: PendingWork): void {
    this.#moving.delete(work);
  }

  /** What the work sends if the profile moves, where that is more than it sends otherwise. */
  changeAfterMove(work: PendingWork): Upsert | undefined {
    return this.#moving.get(work)?.changeAfterMove;
  }

  /** The profile has left its previous address: nobody is exported by that any more, and what its entry says goes for the row. */
  noteMoved(work: PendingWork): void {
    const former = this.#moving.get(work)?.former ?? [];
    for (const { row } of work.records) if (row) row.held ??= former[0];
    this.#memory.keep.gone(former, () => undefined);
  }

  /** The user has been written, whatever becomes of its lists. */
  noteWritten(work: PendingWork): void {
    this.#written.add(work);
  }

  /** The work has ended so; `onKept` is called once the ledger holds what follows from that. */
  keep(work: PendingWork, end: WorkEnd, onKept: () => void): void {
    const row = work.records.at(-1)?.row;
    const rows = this.#rowWork(work);
    // Nothing was written, and whose row it is can't be told.
    const keepUnknown = () => {
      this.#memory.keep.keyless(work.records[0]?.streamKey ?? '', onKept);
    };
    const isUnknown = !row || row.isKeyedByIdentity;
    if (isRejection(end)) {
      this.keepRefused(work, () => {
        if (isUnknown) keepUnknown();
        else this.#memory.keep.seen(row, onKept);
      });
    } else if (end === 'unchanged') {
      if (rows) this.#memory.keep.unchanged(rows, onKept);
      else onKept();
    } else if (end === 'not_in_iterable') {
      if (row) this.#memory.keep.missing(row, isUnknown ? keepUnknown : onKept);
      else keepUnknown();
    } else if (work.change.kind === 'removal') {
      this.#memory.keep.gone(this.#gone.get(work) ?? [], onKept);
    } else if (rows) {
      this.#memory.keep.written(rows, onKept);
    } else {
      onKept();
    }
  }

  /** Iterable refused the work: where nothing of it was written, its row is as it was. */
  keepRefused(work: PendingWork, onKept: () => void): void {
    const records = rowUpserts(work);
    if (records && this.#inDoubt.has(work) && !this.#written.has(work))
      this.#memory.keep.asBefore(records, onKept);
    else onKept();
  }

  /** Of a work that has started. Undefined for a removal, and for records without a row. */
  #rowWork(work: PendingWork): RowWork | undefined {
    const { change } = work;
    const records = rowUpserts(work);
    if (!records || change.kind !== 'upsert') return undefined;
    return { records, change, valuesHash: this.#hashOf(work, change) };
  }

  /** Taken when the work starts: what it sends may be something else later. */
  #hashOf(work: PendingWork, { values }: Upsert): string {
    const last = work.records.at(-1)?.row?.valuesHash ?? '';
    if (work.records.length === 1) return last;
    let known = this.#mergedHashes.get(work);
    if (known === undefined) this.#mergedHashes.set(work, (known = mergedHash(values, last)));
    return known;
  }
}

function rowUpserts({ change, records }: PendingWork): RowUpsert[] | undefined {
  if (change.kind !== 'upsert') return undefined;
  const upserts: RowUpsert[] = [];
  for (const { row, change: own } of records) {
    if (!row || own.kind !== 'upsert') return undefined;
    upserts.push({ row, change: own });
  }
  return upserts;
}

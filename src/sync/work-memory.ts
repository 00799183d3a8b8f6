/** The ledger's memory for the works of a queue: what of them is to be sent, and what is remembered once they ended. */
import type { Memory } from '../memory/memory.ts';
import type { RemovalDecision } from '../memory/removals.ts';
import type { RowUpsert } from '../memory/row.ts';
import type { Decision, RowWork } from '../memory/upserts.ts';
import type { Removal } from '../model.ts';
import { isRejection, type WorkEnd } from './outcomes.ts';
import type { PendingRecord } from './pending-record.ts';
import type { Work } from './user-queue.ts';

type PendingWork = Work<PendingRecord>;

export class WorkMemory {
  readonly #memory: Memory;
  /** Entries that are true no more once the removal is carried out. */
  readonly #gone = new WeakMap<PendingWork, RemovalDecision['gone']>();

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** True while something is on its way into the ledger. */
  get isBusy(): boolean {
    return this.#memory.isBusy;
  }

  /** True for an upsert of which the ledger may say that it is to be sent otherwise, or not at all. */
  concerns(work: PendingWork): boolean {
    const rows = rowWork(work);
    return rows !== undefined && this.#memory.concerns(rows);
  }

  /** One decision for each work; undefined for one that is as it was. */
  async decide(works: readonly PendingWork[]): Promise<(Decision | undefined)[]> {
    const known = works.map(rowWork);
    const decisions = await this.#memory.decide(known.filter((work) => work !== undefined));
    let next = 0;
    return known.map((rows, index) => {
      const change = works[index]?.change;
      if (rows) return decisions[next++];
      return change?.kind === 'upsert' ? { kind: 'write', change } : undefined;
    });
  }

  async decideRemoval(work: PendingWork, removal: Removal): Promise<RemovalDecision> {
    const last = work.records.at(-1);
    const decision = await this.#memory.decideRemoval(last?.row, last?.streamKey ?? '', removal);
    this.#gone.set(work, decision.gone);
    return decision;
  }

  /** The work has ended so; `onKept` is called once the ledger holds what follows from that. */
  keep(work: PendingWork, end: WorkEnd, onKept: () => void): void {
    const gone = this.#gone.get(work) ?? [];
    const row = work.records.at(-1)?.row;
    if (isRejection(end) && (!row || row.isStandIn)) {
      this.#memory.keepKeyless(work.records[0]?.streamKey ?? '', onKept);
    } else if (isRejection(end) || end === 'unchanged') {
      if (row) this.#memory.keepSeen(row, onKept);
      else onKept();
    } else if (end === 'not_in_iterable') {
      // Who comes back to Iterable is written again.
      if (row?.held) this.#memory.keepGone([{ stream: row.stream.id, key: row.key }], onKept);
      else onKept();
    } else if (work.change.kind === 'removal') {
      this.#memory.keepGone(gone, onKept);
    } else {
      const rows = rowWork(work);
      if (rows) this.#memory.keepWritten(rows.records, onKept);
      else onKept();
    }
  }
}

/** Undefined for a removal, and for records without a row. */
function rowWork({ change, records }: PendingWork): RowWork | undefined {
  if (change.kind !== 'upsert') return undefined;
  const upserts: RowUpsert[] = [];
  for (const { row, change: own } of records) {
    if (!row || own.kind !== 'upsert') return undefined;
    upserts.push({ row, change: own });
  }
  return { records: upserts, change };
}

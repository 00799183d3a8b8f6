/** Counts the outcomes of each stream's records, for the log and the final summary. */
import type { ListChange } from '../delivery/list-members.ts';
import type { Outcome } from '../model.ts';

/** A received record is settled once: it then counts in exactly one of the outcomes. */
export interface StreamCounts {
  received: number;
  settled: number;
  delivered: number;
  unchanged: number;
  superseded: number;
  removed: number;
  /** Deletions of users that are not in Iterable; they don't count as removed. */
  notThere: number;
  /** Users removed since the snapshot lacks them: they had no record, and don't count as received. */
  removedMissing: number;
  /** The same, of users that are not in Iterable; they don't count as removed. */
  missingNotThere: number;
  /** Users put on a list or taken off one; not an outcome of its own. */
  listChanges: number;
  skipped: Map<string, number>;
  rejected: Map<string, number>;
}

export class SyncSummary {
  readonly #streams = new Map<string, StreamCounts>();

  /** @param streams names for people, by stream key; a stream without records has its line, too */
  constructor(streamKeys: Iterable<string>) {
    for (const key of streamKeys) this.#streams.set(key, emptyCounts());
  }

  received(streamKey: string): void {
    this.of(streamKey).received++;
  }

  removedMissing(streamKey: string, wasThere = true): void {
    this.of(streamKey)[wasThere ? 'removedMissing' : 'missingNotThere']++;
  }

  /** A user was put on a list, or taken off it. */
  changedList(streamKey: string, ...changes: readonly ListChange[]): void {
    this.of(streamKey).listChanges += changes.length;
  }

  settled(streamKey: string, outcome: Outcome): void {
    const counts = this.of(streamKey);
    counts.settled++;
    switch (outcome.kind) {
      case 'delivered':
      case 'unchanged':
      case 'superseded':
      case 'removed':
        counts[outcome.kind]++;
        break;
      case 'not_there':
        counts.notThere++;
        break;
      case 'skipped':
        increment(counts.skipped, outcome.why);
        break;
      case 'rejected':
        increment(counts.rejected, outcome.code);
        break;
    }
  }

  of(streamKey: string): StreamCounts {
    let counts = this.#streams.get(streamKey);
    if (!counts) {
      counts = emptyCounts();
      this.#streams.set(streamKey, counts);
    }
    return counts;
  }

  get streamKeys(): string[] {
    return [...this.#streams.keys()];
  }
}

/** In the order of the log line. The outcomes of records add up to the received ones. */
const PARTS: readonly ((counts: StreamCounts) => string)[] = [
  ({ received }) => `${received} received`,
  ({ delivered }) => `${delivered} delivered`,
  ({ unchanged }) => `${unchanged} unchanged`,
  ({ skipped }) => `${total(skipped)} skipped${byReason(skipped)}`,
  ({ removed }) => `${removed} removed`,
  ({ notThere }) => `${notThere} deleted but not in Iterable`,
  ({ superseded }) => `${superseded} superseded by a later deletion`,
  ({ rejected }) => `${total(rejected)} rejected${byReason(rejected)}`,
  ({ received, settled }) => `${received - settled} without an answer`,
  ({ removedMissing }) => `${removedMissing} removed: missing from the snapshot`,
  ({ missingNotThere }) => `${missingNotThere} missing from the snapshot but not in Iterable`,
  ({ listChanges }) => `${listChanges} list changes`,
];

/** `12 received, 0 delivered, …, 12 rejected (wrong_type 10, conflict 2), …`: always the same parts in the same order, so that runs can be compared. */
export function describeCounts(counts: StreamCounts): string {
  return PARTS.map((part) => part(counts)).join(', ');
}

export function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** Nothing where there is no reason. */
function byReason(counts: ReadonlyMap<string, number>): string {
  if (counts.size === 0) return '';
  return ` (${[...counts].map(([reason, count]) => `${reason} ${count}`).join(', ')})`;
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function emptyCounts(): StreamCounts {
  return {
    received: 0,
    settled: 0,
    delivered: 0,
    unchanged: 0,
    superseded: 0,
    removed: 0,
    notThere: 0,
    removedMissing: 0,
    missingNotThere: 0,
    listChanges: 0,
    skipped: new Map(),
    rejected: new Map(),
  };
}

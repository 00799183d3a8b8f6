/** Builds the log line, with its level, that summarises a stream at the end of a sync. */

/** Counts that are left out are 0. */
export interface Summary {
  readonly received?: number;
  readonly delivered?: number;
  readonly unchanged?: number;
  readonly skipped?: Readonly<Record<string, number>>;
  readonly removed?: number;
  readonly notThere?: number;
  readonly superseded?: number;
  readonly rejected?: Readonly<Record<string, number>>;
  readonly unanswered?: number;
  readonly removedMissing?: number;
  readonly missingNotThere?: number;
  readonly listChanges?: number;
}

export function summaryLine(stream: string, summary: Summary): string {
  const { received = 0, delivered = 0, unchanged = 0, skipped = {}, removed = 0 } = summary;
  const { notThere = 0, superseded = 0, rejected = {}, unanswered = 0 } = summary;
  const { removedMissing = 0, missingNotThere = 0, listChanges = 0 } = summary;
  return (
    `INFO Stream ${stream}: ${received} received, ${delivered} delivered, ${unchanged} unchanged, ${byReason('skipped', skipped)}, ` +
    `${removed} removed, ${notThere} deleted but not in Iterable, ${superseded} superseded by a later deletion, ${byReason('rejected', rejected)}, ` +
    `${unanswered} without an answer, ${removedMissing} removed: missing from the snapshot, ${missingNotThere} missing from the snapshot but not in Iterable, ${listChanges} list changes.`
  );
}

function byReason(what: string, counts: Readonly<Record<string, number>>): string {
  const reasons = Object.entries(counts);
  const total = reasons.reduce((sum, [, count]) => sum + count, 0);
  if (reasons.length === 0) return `0 ${what}`;
  return `${total} ${what} (${reasons.map(([reason, count]) => `${reason} ${count}`).join(', ')})`;
}

/**
 * Decides which users are removed since a full snapshot lacks them. A wrong removal can't be undone: in any doubt users stay. A
 * stream of which no user is removed says why in the log.
 */
import { ConfigError } from '../errors.ts';
import type { DecidedDeletions, Ledger, ProvenSnapshot } from '../ledger/ledger.ts';
import { SYNC_MODES } from '../streams/modes.ts';
import { stateText, type DiffStream } from './streams.ts';

export interface AbsenceOptions {
  readonly ledger: Ledger;
  readonly streams: readonly DiffStream[];
  /** True for a stream of which the whole snapshot is known to have arrived. */
  readonly isProven: (stream: DiffStream) => boolean;
  /** Above this share of a stream's entries no user is removed, of any stream. 100 removes any number. */
  readonly maxRemovalsPercent: number;
}

export interface Absence {
  /** Sentences for the log, each naming its stream. */
  readonly notes: readonly string[];
  /** Stream key → users to be removed: pending deletions, in the ledger. */
  readonly removals: ReadonlyMap<string, number>;
}

/** What follows for a stream whose snapshot is proven. */
export interface SnapshotDecision {
  readonly stream: DiffStream;
  /** Why no user is removed; undefined when those that the snapshot lacks are. */
  readonly keptBecause?: string;
}

/**
 * Ends the proven snapshots, in one transaction for all streams. To be called when the run has succeeded. Throws ConfigError
 * `too_many_removals` when the guard triggers: no user is removed then, of any stream.
 */
export async function decideAbsence(options: AbsenceOptions): Promise<Absence> {
  const { ledger } = options;
  const decisions = evaluate(options);
  const removing = decisions.filter(({ keptBecause }) => keptBecause === undefined);
  const keeping = decisions.filter((decision) => !removing.includes(decision));
  const notes = await notesOnKept(keeping, ledger);
  const atStart = removing.map(({ stream }) => stream.state.open?.entriesAtStart ?? 0);
  for (const { stream } of decisions) endSnapshot(stream);
  const endSnapshots = (ended: readonly SnapshotDecision[]) =>
    ledger.commit({
      states: ended.map(({ stream }) => ({ stream: stream.rowStream.id, state: stateText(stream) })),
    });
  await endSnapshots(keeping);
  let objections: readonly string[] = [];
  const results =
    removing.length === 0
      ? []
      : await ledger.decideDeletions(
          removing.map(({ stream }) => provenSnapshot(stream)),
          (decided) => {
            objections = decided.flatMap(({ removed, entries }, index) =>
              guardObjection(removing[index]?.stream.routed.name ?? '', {
                removed,
                // A first snapshot begins without entries, and its rows may become other users, too.
                entries: atStart[index] || entries,
                maxRemovalsPercent: options.maxRemovalsPercent,
              }),
            );
            return objections.length === 0;
          },
        );
  if (objections.length > 0) {
    await endSnapshots(removing);
    throw new ConfigError(objections, { code: 'too_many_removals' });
  }
  const removals = new Map<string, number>();
  for (const [index, { stream }] of removing.entries()) {
    const { removed: count = 0, staying: dropped = 0 } = results[index] ?? {};
    removals.set(stream.routed.key, count);
    if (count + dropped === 0) continue;
    const kept =
      dropped === 0
        ? ''
        : `; ${dropped} more stay in Iterable, since another row holds them, or nothing shows that this connector created them`;
    notes.push(
      `Stream ${stream.routed.name}: ${count === 1 ? '1 user is no longer among its records and is' : `${count} users are no longer among its records and are`} removed${kept}.`,
    );
  }
  return { notes, removals };
}

/** One decision for each stream with a proven snapshot; changes nothing. */
export function evaluate({
  streams,
  isProven,
}: Pick<AbsenceOptions, 'streams' | 'isProven'>): SnapshotDecision[] {
  const decisions: SnapshotDecision[] = [];
  for (const stream of streams) {
    const { open } = stream.state;
    if (!stream.rowStream.isReplaced || !open || !isProven(stream)) continue;
    const keptBecause = whyKept(stream, open);
    decisions.push({ stream, ...(keptBecause === undefined ? {} : { keptBecause }) });
  }
  return decisions;
}

async function notesOnKept(keeping: readonly SnapshotDecision[], ledger: Ledger): Promise<string[]> {
  const notes: string[] = [];
  for (const { stream, keptBecause = '' } of keeping) {
    const { upserted, enriched } = await ledger.countMissing(stream.rowStream.id, stream.rowStream.snapshot);
    if (upserted + enriched > 0)
      notes.push(`Stream ${stream.routed.name}: users missing from the snapshot stay, since ${keptBecause}.`);
  }
  return notes;
}

/** What triggers the guard (max_removals_percent): a sentence if the stream loses too many users. One such stream keeps the users of all. */
export function guardObjection(
  name: string,
  {
    removed,
    entries,
    maxRemovalsPercent,
  }: Pick<DecidedDeletions, 'removed' | 'entries'> & { readonly maxRemovalsPercent: number },
): string[] {
  if (maxRemovalsPercent >= 100 || removed * 100 <= maxRemovalsPercent * entries) return [];
  const percent = ((100 * removed) / Math.max(entries, 1)).toFixed(1);
  return [
    `Stream ${name}: ${removed} of the ${entries} entries in the ledger are of users whom no record names any longer (${percent} %), more than max_removals_percent (${maxRemovalsPercent}) allows. No user was removed. If they are to go, raise max_removals_percent for one sync; if not, see why the source sent so few.`,
  ];
}

function whyKept(
  { routed, state, hasRecord }: DiffStream,
  open: NonNullable<DiffStream['state']['open']>,
): string | undefined {
  if (!SYNC_MODES[routed.mode].remove) return `the sync mode ${routed.mode} removes no users`;
  if (!open.hasRecord) return 'it had no record at all';
  // After a failed run it may be the rest of a snapshot, or Airbyte's Clear: that can't be told.
  if (!hasRecord) return 'the run that completed it had no record of it';
  if (open.hasKeyless) return 'a record was rejected or skipped that has no key';
  if (state.identityConfigChanged)
    return 'this is the first full snapshot after its primary key, identify_by or project_type changed';
  return undefined;
}

function endSnapshot(stream: DiffStream): void {
  const { basis, earlierBasis, generation, snapshot, targets } = stream.state;
  stream.state = {
    basis,
    identityConfigChanged: false,
    snapshot,
    targets,
    ...(generation === undefined ? {} : { generation }),
    ...(earlierBasis === undefined ? {} : { earlierBasis }),
  };
}

function provenSnapshot(stream: DiffStream): ProvenSnapshot {
  const { id, snapshot } = stream.rowStream;
  return { stream: id, snapshot, state: stateText(stream) };
}

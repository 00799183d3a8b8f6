/**
 * Decides who is removed because a full snapshot did not have them. A wrong removal can't be undone, so every doubt is for
 * staying; each stream of which nobody is removed has a reason that people can read.
 */
import { ConfigError } from '../errors.ts';
import type { Ledger, ProvenSnapshot } from '../ledger/ledger.ts';
import { SYNC_MODES } from '../streams/modes.ts';
import { stateText, type StreamMemory } from './streams.ts';

export interface AbsenceOptions {
  readonly ledger: Ledger;
  readonly streams: readonly StreamMemory[];
  /** True for a stream of which the whole snapshot is known to have arrived. */
  readonly isProven: (stream: StreamMemory) => boolean;
  /** Above this share of the entries that a stream had, nobody is removed at all; 100 never. */
  readonly maxRemovalsPercent: number;
}

export interface Absence {
  /** Sentences for the log, each naming its stream. */
  readonly notes: readonly string[];
  /** People to be removed, by stream key; decided, and in the ledger. */
  readonly doomed: ReadonlyMap<string, number>;
}

/** What follows for a stream whose snapshot has arrived. */
export interface Verdict {
  readonly stream: StreamMemory;
  /** Why nobody is removed; undefined when the absent are. */
  readonly spared?: string;
  /** Entries that the snapshot did not have. */
  readonly absent: number;
}

/**
 * Ends the snapshots that are proven, in one transaction for all streams. To be called when the run has gone well
 * to its end. Throws ConfigError `too_many_removals` when the guard speaks: nobody is removed then, of no stream.
 */
export async function decideAbsence(options: AbsenceOptions): Promise<Absence> {
  const { ledger } = options;
  const verdicts = await judge(options);
  const refused = refusals(verdicts, options.maxRemovalsPercent);
  const removing = refused.length > 0 ? [] : verdicts.filter(({ spared }) => spared === undefined);
  for (const { stream } of verdicts) endSnapshot(stream);
  await ledger.commit({
    states: verdicts
      .filter((verdict) => !removing.includes(verdict))
      .map(({ stream }) => ({ stream: stream.remembered.id, state: stateText(stream) })),
  });
  if (refused.length > 0) throw new ConfigError(refused, { code: 'too_many_removals' });
  const results =
    removing.length > 0 ? await ledger.doomAbsent(removing.map(({ stream }) => provenSnapshot(stream))) : [];
  const doomed = new Map<string, number>();
  const notes = verdicts.flatMap(({ stream, spared, absent }) =>
    spared === undefined || absent === 0
      ? []
      : [`Stream ${stream.routed.name}: nobody is removed by absence, since ${spared}.`],
  );
  for (const [index, { stream }] of removing.entries()) {
    const { removed: count = 0, staying: dropped = 0 } = results[index] ?? {};
    doomed.set(stream.routed.key, count);
    if (count + dropped === 0) continue;
    const kept =
      dropped === 0
        ? ''
        : `; ${dropped} more stay in Iterable, since another row holds them or they were only enriched`;
    notes.push(
      `Stream ${stream.routed.name}: ${count === 1 ? '1 user is no longer among its records and is' : `${count} users are no longer among its records and are`} removed${kept}.`,
    );
  }
  return { notes, doomed };
}

/** What would be decided; changes nothing. Also names the streams whose snapshot has no proof. */
export async function judge({ ledger, streams, isProven }: AbsenceOptions): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const stream of streams) {
    const { open } = stream.state;
    if (!stream.remembered.isReplaced || !open || !isProven(stream)) continue;
    const { upserted, enriched } = await ledger.countAbsent(stream.remembered.id, stream.remembered.snapshot);
    const spared = whySpared(stream, open);
    verdicts.push({ stream, absent: upserted + enriched, ...(spared === undefined ? {} : { spared }) });
  }
  return verdicts;
}

/** The guard's objections. It speaks for all streams: one that is wrong makes the others doubtful. */
export function refusals(verdicts: readonly Verdict[], maxRemovalsPercent: number): string[] {
  return verdicts.flatMap(({ stream, spared, absent }) => {
    const entries = stream.state.open?.entriesAtStart ?? 0;
    if (spared !== undefined || absent * 100 <= maxRemovalsPercent * entries) return [];
    const percent = ((100 * absent) / Math.max(entries, 1)).toFixed(1);
    return [
      `Stream ${stream.routed.name}: ${absent} of the ${entries} entries in the ledger are no longer among its records (${percent} %), more than max_removals_percent (${maxRemovalsPercent}) allows. Nobody was removed by absence. If they are to go, raise max_removals_percent for one sync; if not, see why the source sent so few.`,
    ];
  });
}

function whySpared(
  { routed, state, hasRecord }: StreamMemory,
  open: NonNullable<StreamMemory['state']['open']>,
): string | undefined {
  if (!SYNC_MODES[routed.mode].remove) return `the sync mode ${routed.mode} removes nobody`;
  if (!open.hasRecord) return 'it had no record at all';
  // After a failed run it may be what is left of a snapshot, or Airbyte's Clear: nobody can tell.
  if (!hasRecord) return 'the run that completed it had no record of it';
  if (open.hasKeyless) return 'a record was rejected or skipped that does not say whose it is';
  if (state.identityConfigChanged)
    return 'this is the first full snapshot after its primary key, identify_by or project_type changed';
  return undefined;
}

function endSnapshot(stream: StreamMemory): void {
  const { basis, generation, snapshot, targets } = stream.state;
  stream.state = {
    basis,
    identityConfigChanged: false,
    snapshot,
    targets,
    ...(generation === undefined ? {} : { generation }),
  };
}

function provenSnapshot(stream: StreamMemory): ProvenSnapshot {
  const { id, snapshot } = stream.remembered;
  return { stream: id, snapshot, state: stateText(stream) };
}

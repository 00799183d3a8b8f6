/** What follows when all records are settled: whether the run went well, and which users are removed since a full snapshot lacks them. */
import type { Config } from '../config/schema.ts';
import { TransientError } from '../errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { decideAbsence } from '../diff/absence.ts';
import { PendingDeletions } from '../diff/pending-deletions.ts';
import type { DiffStream } from '../diff/streams.ts';
import { describeStream } from '../protocol/catalog.ts';
import { removeMissingUsers, type MissingUsersOptions } from '../sync/missing-users.ts';
import type { RejectionGuard } from '../sync/rejection-guard.ts';
import type { StreamStatuses } from '../sync/stream-statuses.ts';
import type { SyncLog } from '../sync/sync-log.ts';

/** Throws when too much was rejected, or a stream is known to be incomplete. */
export function refuseBadEnd(guard: RejectionGuard, statuses: StreamStatuses): void {
  const tooManyRejected = guard.atEnd();
  if (tooManyRejected) throw tooManyRejected;
  const incomplete = statuses.incomplete.map(describeStream);
  if (incomplete.length === 0) return;
  throw new TransientError(
    'source_incomplete',
    `The source ended as INCOMPLETE: ${incomplete.join(', ')}. What it sent is delivered and acknowledged; the rest will come with the next sync.`,
  );
}

export interface RemoveMissingOptions {
  readonly config: Pick<Config, 'trust_end_of_input' | 'max_removals_percent'>;
  readonly ledger: Ledger;
  readonly streams: readonly DiffStream[];
  readonly statuses: StreamStatuses;
  readonly log: SyncLog;
  readonly removals: Omit<MissingUsersOptions, 'pendingDeletions'>;
}

/** Finishes the removals that earlier runs have decided; then decides for all streams together, and removes. */
export async function removeMissing(options: RemoveMissingOptions): Promise<void> {
  const { config, ledger, streams, log, removals } = options;
  const isProven = provenBy(options);
  for (const { rowStream, routed, state } of streams) {
    if (rowStream.isReplaced && state.open && !isProven({ routed }))
      log.info(
        `Stream ${routed.name}: users missing from the snapshot stay, since no COMPLETE status says that all of it arrived (see trust_end_of_input).`,
      );
  }
  const pendingDeletions = new PendingDeletions(ledger, streams);
  // Before the guard counts: who was decided on before does not count again.
  await removeMissingUsers({ ...removals, pendingDeletions });
  const { notes } = await decideAbsence({
    ledger,
    streams,
    isProven,
    maxRemovalsPercent: config.max_removals_percent,
  });
  for (const note of notes) log.info(note);
  pendingDeletions.lookAgain();
  await removeMissingUsers({ ...removals, pendingDeletions });
}

/** A stream that the source completed; with `trust_end_of_input` any stream of a run that went well. */
function provenBy({
  config,
  statuses,
}: Pick<RemoveMissingOptions, 'config' | 'statuses'>): (stream: Pick<DiffStream, 'routed'>) => boolean {
  return ({ routed }) => config.trust_end_of_input || statuses.isComplete(routed.configured.id);
}

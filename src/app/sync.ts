/** Wires a sync together and runs it: from messages on stdin to states on stdout. */
import { CheckpointTracker } from '../checkpoint/tracker.ts';
import type { Config } from '../config/schema.ts';
import type { ListDirectory } from '../delivery/list-directory.ts';
import { ListMembers } from '../delivery/list-members.ts';
import { MEMORY_MS } from '../delivery/deletions.ts';
import { UserRemover } from '../delivery/remove-users.ts';
import { UserUpserter } from '../delivery/upsert-users.ts';
import { ENDPOINTS } from '../iterable/endpoints.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { KnownFields } from '../mapping/fields.ts';
import { NewFieldTypes } from '../mapping/new-field-types.ts';
import { ChangeDetector } from '../diff/change-detector.ts';
import { readStreams } from '../diff/streams.ts';
import { describeStream, isFullReplacement, type ConfiguredCatalog } from '../protocol/catalog.ts';
import { InputReview } from '../protocol/input-review.ts';
import { readMessages } from '../protocol/reader.ts';
import { withDestinationStats } from '../protocol/state-text.ts';
import type { RejectedRecords } from '../rejected-records/rejected-records.ts';
import { Run } from '../run.ts';
import { Router, type RoutedStream } from '../streams/router.ts';
import { keepersByProfile } from '../sync/held-otherwise.ts';
import type { MissingUsersOptions } from '../sync/missing-users.ts';
import { FAILURE_GRACE_MS, Pipeline } from '../sync/pipeline.ts';
import { RejectionCauses } from '../sync/rejection-causes.ts';
import { RejectionGuard } from '../sync/rejection-guard.ts';
import { StreamStatuses } from '../sync/stream-statuses.ts';
import { SyncSummary } from '../sync/stream-summary.ts';
import type { SyncLog } from '../sync/sync-log.ts';
import type { DispatcherOptions } from '../sync/dispatcher.ts';
import type { Connection } from './connect.ts';
import type { AppContext } from './context.ts';
import { refuseBadEnd, removeMissing } from './end-of-sync.ts';
import { enrichedKeys, planUpserts, usersOf } from './plan-upserts.ts';

/** What a sync works with, all of it checked. */
export interface SyncContext {
  readonly config: Config;
  readonly catalog: ConfiguredCatalog;
  readonly fields: KnownFields;
  readonly lists: ListDirectory;
  readonly connection: Connection;
  /** Ends the run early: a signal has come, or stdout is closed. */
  readonly stop: AbortSignal;
  /** Ends calls for good. */
  readonly abandonCalls: (reason: Error) => void;
  readonly log: SyncLog;
  readonly rejectedRecords: RejectedRecords | undefined;
  readonly ledger: Ledger | undefined;
}

/** A sync that writes nothing: what takes its results instead. */
export interface DryRunHooks {
  /** Takes the streams before the first record; gives their summary. */
  readonly begin: (streams: readonly RoutedStream[]) => SyncSummary;
  readonly onEnded: NonNullable<DispatcherOptions['onEnded']>;
  /** All records are settled; the users that the snapshots lack are next. */
  readonly onSettled: () => void;
  readonly onMissingDone: NonNullable<MissingUsersOptions['onDone']>;
}

/** Runs a sync to its end. Throws what ended it before, or what makes it a failure. */
export async function sync(
  context: AppContext,
  {
    config,
    catalog,
    fields,
    lists,
    connection,
    stop,
    abandonCalls,
    log,
    rejectedRecords,
    ledger,
  }: SyncContext,
  dryRun?: DryRunHooks,
): Promise<void> {
  const { stdin, writer, clock } = context;
  const { client, caller, rateOf } = connection;
  if (!ledger) warnOfFullReplacement(catalog, log);
  // Where Iterable creates no fields it drops unknown ones: those can't have a wrong type.
  const newFields = config.create_new_fields ? new NewFieldTypes() : undefined;
  const warn = (message: string) => {
    log.warn(message);
  };
  const router = new Router(catalog, config, fields, warn, newFields);
  const streams = router.streams;
  const keys = streams.map(({ key }) => key);
  const enriched = enrichedKeys(streams);
  const summary = dryRun?.begin(streams) ?? new SyncSummary(keys);
  const statuses = new StreamStatuses();
  const causes = new RejectionCauses();
  const guard = new RejectionGuard({
    summary,
    streams,
    causes,
    maxRejectedPercent: config.max_rejected_percent,
  });
  const run = new Run(clock);
  run.over.addEventListener('abort', () => {
    // Nothing more of the input is needed.
    if (run.failure) stdin.destroy();
  });
  const detector =
    ledger &&
    new ChangeDetector({
      ledger,
      streams: await readStreams({
        ledger,
        streams,
        projectType: config.project_type,
        resendUnchanged: config.resend_unchanged,
        mappings: config.mappings,
      }),
      changedFieldsOnly: config.changed_fields_only,
      mergeNestedObjects: config.merge_nested_objects,
      projectType: config.project_type,
      clock,
      run,
    });
  const cancelled = (await detector?.begin()) ?? 0;
  if (cancelled > 0)
    log.info(`${cancelled} pending deletions are cancelled, since the sync mode removes no users now.`);
  const asking = { config, connection, streams, clock, log, isDryRun: dryRun !== undefined };
  const known = usersOf(asking);
  const remover = new UserRemover(caller, client, {
    clock,
    projectType: config.project_type,
    // By user id, the answer to a deletion says whether there was such a user.
    ...(config.project_type === 'user_id' ? {} : { known }),
  });
  if (ledger && !dryRun) remover.deletions.noteEarlier(await ledger.recentlyDeleted(MEMORY_MS));
  const listMembers = new ListMembers(caller, client, lists);
  const upserter = new UserUpserter(caller, client, {
    createNewFields: config.create_new_fields,
    onFilteredFields: filteredFieldsWarning(log),
  });
  const pipeline = new Pipeline({
    router,
    tracker: new CheckpointTracker(keys),
    upserter,
    remover,
    listMembers,
    run,
    ...planUpserts(asking, known),
    detector,
    newFields,
    enriched,
    removal: config.removal,
    summary,
    statuses,
    guard,
    causes,
    ...(rejectedRecords ? { rejectedRecords } : {}),
    log,
    onEnded: dryRun?.onEnded,
    emitStates: async (states) => {
      // A dry run delivers nothing that a state could confirm.
      if (dryRun) return;
      for (const state of states) await writer.state(withDestinationStats(state.text, state));
    },
    clock,
    batchSize: config.batch_size,
    calls: caller,
    pace: { batches: rateOf(ENDPOINTS.bulkUpdate), single: rateOf(ENDPOINTS.deleteByEmail) },
    request: {
      mergeNestedObjects: config.merge_nested_objects,
      preferUserId: config.project_type === 'email',
    },
  });
  const halt = new AbortController();
  const ended = new AbortController();
  const onHalt = (reason: Error) => {
    halt.abort(reason);
    run.fail(reason);
    // Pending deletions are not the pipeline's, and a call may be tried for half an hour.
    clock.sleep(FAILURE_GRACE_MS, ended.signal).then(
      () => {
        abandonCalls(reason);
      },
      () => undefined,
    );
  };
  const onStop = () => {
    onHalt(stop.reason as Error);
  };
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop();

  // perf: only a terminal shows progress, and loads the libraries for it.
  const endProgress = context.showSync
    ? await context.showSync({
        streams,
        summary,
        counts: () => caller.counts,
        config,
        isDryRun: dryRun !== undefined,
      })
    : undefined;
  const inputError = await readAll(stdin, { pipeline, run, log });
  try {
    await pipeline.finish();
    if (inputError !== undefined) throw inputError;
    dryRun?.onSettled();
    refuseBadEnd(guard, statuses);
    if (detector) {
      await removeMissing({
        config,
        ledger: detector.ledger,
        streams: detector.streams,
        statuses,
        log,
        removals: {
          remover,
          listMembers,
          removal: config.removal,
          keepersByProfile: (user) => keepersByProfile(user, { remover, detector }),
          listCalls: { maxUsers: config.batch_size, maxBytes: upserter.bodyLimits.maxBytes },
          summary,
          log,
          clock,
          stop: halt.signal,
          onDone: dryRun?.onMissingDone,
        },
      });
    }
  } finally {
    ended.abort(new Error('the sync has ended'));
    log.summary(streams, summary, caller.counts);
    endProgress?.();
  }
}

/** Feeds the pipeline until the input ends; gives the error that makes the rest of the input untrustworthy, if one does. */
async function readAll(
  stdin: AsyncIterable<Uint8Array>,
  { pipeline, run, log }: { pipeline: Pipeline; run: Run; log: SyncLog },
): Promise<Error | undefined> {
  const review = new InputReview((message) => {
    log.warn(message);
  });
  const input = readMessages(stdin, {
    onNoise: (line) => {
      review.noteNoise(line);
    },
    onIgnored: (message) => {
      review.noteIgnored(message);
    },
  });
  try {
    for await (const messages of input)
      await pipeline.accept(review.hasRecord ? messages : review.untilRecord(messages));
    return review.problem();
  } catch (error) {
    if (run.failure !== undefined) return undefined;
    return error instanceof Error ? error : new Error('reading the input failed', { cause: error });
  } finally {
    review.tellCounts();
  }
}

function warnOfFullReplacement(catalog: ConfiguredCatalog, log: SyncLog): void {
  const replaced = catalog.streams.filter(isFullReplacement).map(({ id }) => describeStream(id));
  if (replaced.length === 0) return;
  log.warn(
    `Without a ledger a full replacement only creates and updates users, and does not remove users that disappeared: ${replaced.join(', ')}.`,
  );
}

/** Names each field that Iterable dropped once. */
function filteredFieldsWarning(log: SyncLog): (fields: readonly string[]) => void {
  const logged = new Set<string>();
  return (fields) => {
    const fresh = fields.filter((field) => !logged.has(field));
    for (const field of fresh) logged.add(field);
    if (fresh.length > 0) {
      log.warn(
        `Iterable does not know these user fields and dropped them: ${fresh.join(', ')}. Set create_new_fields to true, or create them in Iterable.`,
      );
    }
  };
}

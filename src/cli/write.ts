/** `write`: reads messages from stdin, delivers their records to Iterable, and gives each state back once it is true. */
import { setFlagsFromString } from 'node:v8';
import { CheckpointTracker } from '../checkpoint/tracker.ts';
import type { Config } from '../config/schema.ts';
import type { Retry } from '../delivery/caller.ts';
import { ListDirectory } from '../delivery/list-directory.ts';
import { ListMembers } from '../delivery/list-members.ts';
import { UserRemover } from '../delivery/remove-users.ts';
import { UserUpserter } from '../delivery/upsert-users.ts';
import { ConfigError, TransientError } from '../errors.ts';
import { ENDPOINTS } from '../iterable/endpoints.ts';
import { mappingProblems } from '../mapping/check-mappings.ts';
import type { KnownFields } from '../mapping/fields.ts';
import {
  describeStream,
  isFullReplacement,
  parseCatalog,
  type ConfiguredCatalog,
} from '../protocol/catalog.ts';
import { readMessages } from '../protocol/reader.ts';
import { withDestinationStats } from '../protocol/state-text.ts';
import { openRejectedRecords } from '../rejected-records/open.ts';
import type { RejectedRecords } from '../rejected-records/rejected-records.ts';
import { Router } from '../streams/router.ts';
import { destinationObjectProblems, namesIterableFields } from '../streams/users-object.ts';
import { Pipeline } from '../sync/pipeline.ts';
import { RejectionGuard } from '../sync/rejection-guard.ts';
import { StreamStatuses } from '../sync/stream-statuses.ts';
import { SyncSummary } from '../sync/stream-summary.ts';
import { SyncLog } from '../sync/sync-log.ts';
import { planUpserts } from './plan-upserts.ts';
import { connect, listProblems, loadConfig, readTextFile, type Connection } from './connect.ts';
import type { CommandContext, CommandPaths } from './context.ts';

export async function runWrite(context: CommandContext, paths: CommandPaths): Promise<number> {
  // What waits for Iterable lives for seconds, and V8 would rather grow its heap to hundreds of megabytes than collect it.
  // Here and not in main.ts: loading `node:v8` takes 6 ms or more of the 50 in which `spec` starts.
  setFlagsFromString('--optimize-for-size');
  const { writer, clock, stopSignal } = context;
  const config = await loadConfig(paths.config ?? '', writer);
  const catalog = parseCatalog(await readTextFile(paths.catalog ?? '', '--catalog'));
  const log = new SyncLog((level, message) => void writer.log(level, message), clock);
  // Ends calls for good once a failed run has waited for them long enough.
  const abandon = new AbortController();
  const connection = connect(config, {
    clock,
    attemptTimeoutMs: config.attempt_timeout_seconds * 1000,
    callBudgetMs: config.retry_minutes * 60_000,
    onRetry: (retry) => {
      log.warn(describeRetry(retry));
    },
    stop: abandon.signal,
  });
  // A signal that comes before the first record has nothing to wait for; the sync itself replaces this.
  const abandonAtOnce = () => {
    abandon.abort(stopSignal.reason);
  };
  stopSignal.addEventListener('abort', abandonAtOnce, { once: true });
  // It may have come while the files were read, and is told only once.
  if (stopSignal.aborted) abandonAtOnce();
  let rejectedRecords: RejectedRecords | undefined;
  try {
    const fields = await connection.caller.call(connection.client.getFields());
    const lists = new ListDirectory(connection.caller, connection.client, {
      mayCreate: config.create_missing_lists,
    });
    if (config.lists.length > 0) await lists.load();
    refuseUnworkable(config, catalog, fields, lists);
    rejectedRecords = await openRejectedRecords(config.rejected_records, {
      clock,
      budgetMs: config.retry_minutes * 60_000,
      attemptTimeoutMs: config.attempt_timeout_seconds * 1000,
      onRetry: (message) => {
        log.warn(message);
      },
      stop: stopSignal,
    });
    stopSignal.removeEventListener('abort', abandonAtOnce);
    await sync(context, { config, catalog, fields, lists, connection, log, rejectedRecords });
  } catch (error) {
    throw stopSignal.aborted ? stopSignal.reason : error;
  } finally {
    abandon.abort(new Error('the run has ended'));
    connection.close();
    await rejectedRecords?.close();
  }
  return 0;
}

/** What a sync works with, all of it found good. */
interface Prepared {
  readonly config: Config;
  readonly catalog: ConfiguredCatalog;
  readonly fields: KnownFields;
  readonly lists: ListDirectory;
  readonly connection: Connection;
  readonly log: SyncLog;
  readonly rejectedRecords: RejectedRecords | undefined;
}

async function sync(
  context: CommandContext,
  { config, catalog, fields, lists, connection, log, rejectedRecords }: Prepared,
): Promise<void> {
  const { stdin, writer, clock, stopSignal } = context;
  const { client, caller, rateOf } = connection;
  warnOfFullReplacement(catalog, log);
  const router = new Router(catalog, config, fields, (message) => {
    log.warn(message);
  });
  const streams = router.streams;
  const keys = streams.map(({ key }) => key);
  const enriched = new Set(streams.filter(({ mode }) => mode === 'enrich').map(({ key }) => key));
  const summary = new SyncSummary(keys);
  const statuses = new StreamStatuses();
  const guard = new RejectionGuard({ summary, streams, maxRejectedPercent: config.max_rejected_percent });
  const pipeline = new Pipeline({
    router,
    tracker: new CheckpointTracker(keys),
    upserter: new UserUpserter(caller, client, {
      createNewFields: config.create_new_fields,
      onFilteredFields: filteredFieldsWarning(log),
    }),
    remover: new UserRemover(caller, client, { clock, projectType: config.project_type }),
    listMembers: new ListMembers(caller, client, lists),
    ...planUpserts({ config, connection, streams, clock, log }),
    isEnriched: (key) => enriched.has(key),
    removal: config.removal,
    summary,
    statuses,
    guard,
    ...(rejectedRecords ? { rejectedRecords } : {}),
    log,
    emitStates: async (states) => {
      for (const state of states) await writer.state(withDestinationStats(state.text, state));
    },
    clock,
    batchSize: config.batch_size,
    pace: { batches: rateOf(ENDPOINTS.bulkUpdate), single: rateOf(ENDPOINTS.deleteByEmail) },
    request: {
      mergeNestedObjects: config.merge_nested_objects,
      preferUserId: config.project_type === 'email',
    },
    onStopped: () => stdin.destroy(),
  });
  const onStop = () => {
    pipeline.stop(stopSignal.reason as Error);
  };
  stopSignal.addEventListener('abort', onStop, { once: true });
  writer.onClosed = () => {
    pipeline.stop(new TransientError('stdout_closed', 'Nobody reads the output any more.'));
  };
  if (stopSignal.aborted) onStop();

  // Only a person at a terminal waits for the display's libraries to load.
  const { showProgress } = context.terminal ? await import('./show-progress.ts') : {};
  const endProgress = showProgress?.(context, { streams, summary, counts: () => caller.counts, config });
  const inputError = await readAll(stdin, pipeline, log);
  try {
    await pipeline.finish();
  } finally {
    log.summary(streams, summary, caller.counts);
    endProgress?.();
  }
  if (inputError !== undefined) throw inputError;
  const tooManyRejected = guard.atEnd();
  if (tooManyRejected) throw tooManyRejected;
  const incomplete = statuses.incomplete.map(describeStream);
  if (incomplete.length > 0) {
    throw new TransientError(
      'source_incomplete',
      `The source ended as INCOMPLETE: ${incomplete.join(', ')}. What it sent is delivered and acknowledged; the rest will come with the next sync.`,
    );
  }
}

/** Feeds the pipeline until the input ends; gives the error that makes the rest of the input untrustworthy, if one does. */
async function readAll(
  stdin: AsyncIterable<Uint8Array>,
  pipeline: Pipeline,
  log: SyncLog,
): Promise<Error | undefined> {
  const onNoise = (line: number, bytes: number) => {
    log.warn(`Line ${line} (${bytes} bytes) is not a message and was skipped.`);
  };
  try {
    for await (const messages of readMessages(stdin, { onNoise })) await pipeline.accept(messages);
    return undefined;
  } catch (error) {
    if (pipeline.failure !== undefined) return undefined;
    return error instanceof Error ? error : new Error('reading the input failed', { cause: error });
  }
}

function refuseUnworkable(
  config: Config,
  catalog: ConfiguredCatalog,
  fields: KnownFields,
  lists: ListDirectory,
): void {
  const problems = mappingProblems({
    mappings: config.mappings,
    identifyBy: config.identify_by,
    knownFields: fields,
    streams: catalog.streams.filter((stream) => !namesIterableFields(stream)).map(({ id }) => id.name),
  });
  problems.push(...catalog.streams.flatMap((stream) => destinationObjectProblems(stream, config)));
  problems.push(...listProblems(config, lists));
  if (problems.length > 0) throw new ConfigError(problems);
}

function warnOfFullReplacement(catalog: ConfiguredCatalog, log: SyncLog): void {
  const replaced = catalog.streams.filter(isFullReplacement).map(({ id }) => describeStream(id));
  if (replaced.length === 0) return;
  log.warn(
    `Without a ledger a full replacement only creates and updates users, and removes nobody who disappeared: ${replaced.join(', ')}.`,
  );
}

/** Names each field that Iterable dropped once. */
function filteredFieldsWarning(log: SyncLog): (fields: readonly string[]) => void {
  const told = new Set<string>();
  return (fields) => {
    const untold = fields.filter((field) => !told.has(field));
    for (const field of untold) told.add(field);
    if (untold.length > 0) {
      log.warn(
        `Iterable does not know these user fields and dropped them: ${untold.join(', ')}. Set create_new_fields to true, or create them in Iterable.`,
      );
    }
  };
}

function describeRetry({ attempt, error, waitMs }: Retry): string {
  return `${error.message}. Trying again in ${(waitMs / 1000).toFixed(1)} s (attempt ${attempt} failed).`;
}

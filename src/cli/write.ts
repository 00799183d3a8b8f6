/** `write`: reads messages from stdin, delivers their records to Iterable, and gives each state back once it is true. */
import { setFlagsFromString } from 'node:v8';
import { CheckpointTracker } from '../checkpoint/tracker.ts';
import type { Config } from '../config/schema.ts';
import type { Retry } from '../delivery/caller.ts';
import { UserRemover } from '../delivery/remove-users.ts';
import { UserUpserter } from '../delivery/upsert-users.ts';
import { ConfigError, TransientError } from '../errors.ts';
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
import { Router, type RoutedStream } from '../streams/router.ts';
import { Pipeline } from '../sync/pipeline.ts';
import { StreamStatuses } from '../sync/stream-statuses.ts';
import { SyncSummary, total } from '../sync/stream-summary.ts';
import { SyncLog } from '../sync/sync-log.ts';
import { connect, loadConfig, readTextFile, type Connection } from './connect.ts';
import type { CommandContext, CommandPaths } from './context.ts';

/** A bulk call carries up to 4 MB. */
const ATTEMPT_TIMEOUT_MS = 60_000;
/** As long as an outage reasonably lasts. */
const CALL_BUDGET_MS = 30 * 60_000;
/** A stream of fewer records may well consist of bad ones. */
const MIN_RECORDS_TO_JUDGE = 10;

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
    attemptTimeoutMs: ATTEMPT_TIMEOUT_MS,
    callBudgetMs: CALL_BUDGET_MS,
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
  try {
    const fields = await connection.caller.call(connection.client.getFields());
    stopSignal.removeEventListener('abort', abandonAtOnce);
    await sync(context, config, catalog, fields, connection, log);
  } catch (error) {
    throw stopSignal.aborted ? stopSignal.reason : error;
  } finally {
    abandon.abort(new Error('the run has ended'));
    connection.close();
  }
  return 0;
}

async function sync(
  { stdin, writer, clock, stopSignal }: CommandContext,
  config: Config,
  catalog: ConfiguredCatalog,
  fields: KnownFields,
  connection: Connection,
  log: SyncLog,
): Promise<void> {
  const { client, caller } = connection;
  refuseUnworkable(config, catalog, fields);
  warnOfFullReplacement(catalog, log);
  const router = new Router(catalog, config, fields, (message) => {
    log.warn(message);
  });
  const streams = router.streams;
  const keys = streams.map(({ key }) => key);
  const summary = new SyncSummary(keys);
  const statuses = new StreamStatuses();
  const pipeline = new Pipeline({
    router,
    tracker: new CheckpointTracker(keys),
    upserter: new UserUpserter(caller, client, {
      createNewFields: config.create_new_fields,
      onFilteredFields: filteredFieldsWarning(log),
    }),
    remover: new UserRemover(caller, client, {
      clock,
      projectType: config.project_type,
      identifyBy: config.identify_by,
    }),
    summary,
    statuses,
    log,
    emitStates: async (states) => {
      for (const state of states) await writer.state(withDestinationStats(state.text, state));
    },
    clock,
    mode: config.sync_mode,
    batchSize: config.batch_size,
    request: {
      mergeNestedObjects: config.merge_nested_objects,
      preferUserId: config.project_type === 'email' && config.identify_by === 'user_id',
    },
    onFailure: () => stdin.destroy(),
  });
  const onStop = () => {
    pipeline.stop(stopSignal.reason as Error);
  };
  stopSignal.addEventListener('abort', onStop, { once: true });
  writer.onClosed = () => {
    pipeline.stop(new TransientError('stdout_closed', 'Nobody reads the output any more.'));
  };
  if (stopSignal.aborted) onStop();

  const inputError = await readAll(stdin, pipeline, log);
  try {
    await pipeline.finish();
  } finally {
    log.summary(streams, summary, caller.counts);
  }
  if (inputError !== undefined) throw inputError;
  failWhenAllWereRejected(streams, summary);
  const incomplete = statuses.incomplete.map(describeStream);
  if (incomplete.length > 0) {
    throw new TransientError(
      'source_incomplete',
      `The source ended as INCOMPLETE: ${incomplete.join(', ')}. What it sent is delivered and acknowledged; the rest will come with the next sync.`,
    );
  }
}

/** A stream of which nothing at all could be delivered is mapped wrongly, whatever its states say. */
function failWhenAllWereRejected(streams: readonly RoutedStream[], summary: SyncSummary): void {
  const lost = streams.filter(({ key }) => {
    const { received, rejected } = summary.of(key);
    return received >= MIN_RECORDS_TO_JUDGE && total(rejected) === received;
  });
  if (lost.length === 0) return;
  throw new ConfigError(
    lost.map(
      ({ name }) =>
        `Every record of stream ${name} was rejected. See the reasons in the log; mostly the mappings name the wrong columns.`,
    ),
    { code: 'all_rejected' },
  );
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

function refuseUnworkable(config: Config, catalog: ConfiguredCatalog, fields: KnownFields): void {
  const problems = mappingProblems({
    mappings: config.mappings,
    identifyBy: config.identify_by,
    knownFields: fields,
    streams: catalog.streams.map(({ id }) => id.name),
  });
  for (const { id, destinationSyncMode } of catalog.streams) {
    if (destinationSyncMode === 'update') {
      problems.push(
        `Stream ${describeStream(id)}: the destination sync mode update is not offered; choose append_dedup`,
      );
    }
  }
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

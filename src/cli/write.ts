/** `write`: reads messages from stdin, delivers their records to Iterable, and gives each state back once it is true. */
import { setFlagsFromString } from 'node:v8';
import type { Config } from '../config/schema.ts';
import type { Retry } from '../delivery/caller.ts';
import { ListDirectory } from '../delivery/list-directory.ts';
import { ConfigError } from '../errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { openLedger } from '../ledger/open.ts';
import { mappingProblems } from '../mapping/check-mappings.ts';
import type { KnownFields } from '../mapping/fields.ts';
import { parseCatalog, type ConfiguredCatalog } from '../protocol/catalog.ts';
import { openRejectedRecords } from '../rejected-records/open.ts';
import type { RejectedRecords } from '../rejected-records/rejected-records.ts';
import { destinationObjectProblems, namesIterableFields } from '../streams/users-object.ts';
import { SyncLog } from '../sync/sync-log.ts';
import { connect, listProblems, loadConfig, projectOf, readTextFile } from './connect.ts';
import type { CommandContext, CommandPaths } from './context.ts';
import { sync } from './sync.ts';

export async function runWrite(context: CommandContext, paths: CommandPaths): Promise<number> {
  // What waits for Iterable lives for seconds, and V8 would rather grow its heap to hundreds of megabytes than collect it.
  // Half more than what is alive before each full collection, and a young generation that grows no further; V8's own
  // `--optimize-for-size` takes some 15 MB less, and half as much CPU again. See docs/performance.md.
  // Here and not in main.ts: loading `node:v8` takes 6 ms or more of the 50 in which `spec` starts.
  setFlagsFromString('--heap-growing-percent=50');
  setFlagsFromString('--semi-space-growth-factor=1');
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
  let ledger: Ledger | undefined;
  try {
    const fields = await connection.caller.call(connection.client.getFields());
    const lists = new ListDirectory(connection.caller, connection.client, {
      mayCreate: config.create_missing_lists,
    });
    if (config.lists.length > 0) await lists.load();
    refuseUnworkable(config, catalog, fields, lists);
    const retry = {
      clock,
      onRetry: (message: string) => {
        log.warn(message);
      },
    };
    const budgetMs = config.retry_minutes * 60_000;
    rejectedRecords = await openRejectedRecords(config.rejected_records, {
      ...retry,
      budgetMs,
      attemptTimeoutMs: config.attempt_timeout_seconds * 1000,
      stop: stopSignal,
    });
    ledger = await openLedger(config.ledger, {
      project: projectOf(config),
      streams: catalog.streams.map(({ id }) => id),
      access: 'write',
      retry: { ...retry, retryBudgetMs: budgetMs, stop: stopSignal },
    });
    stopSignal.removeEventListener('abort', abandonAtOnce);
    await sync(context, { config, catalog, fields, lists, connection, log, rejectedRecords, ledger });
  } catch (error) {
    throw stopSignal.aborted ? stopSignal.reason : error;
  } finally {
    abandon.abort(new Error('the run has ended'));
    connection.close();
    await rejectedRecords?.close();
    await ledger?.close();
  }
  return 0;
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

function describeRetry({ attempt, error, waitMs }: Retry): string {
  return `${error.message}. Trying again in ${(waitMs / 1000).toFixed(1)} s (attempt ${attempt} failed).`;
}

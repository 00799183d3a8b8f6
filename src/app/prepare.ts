/** What `write` and `plan` begin with: configuration, catalog, Iterable, ledger, all of it found good before the first record. */
import { MAX_TIMER_MS } from '../clock.ts';
import type { Config } from '../config/schema.ts';
import type { Retry } from '../delivery/caller.ts';
import { ListDirectory } from '../delivery/list-directory.ts';
import { describeUnknown } from '../delivery/unknown-refusals.ts';
import { ConfigError, TransientError } from '../errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LedgerOption, OpenOptions } from '../ledger/open.ts';
import { mappingProblems } from '../mapping/check-mappings.ts';
import type { KnownFields } from '../mapping/fields.ts';
import type { Proxies } from '../network/proxies.ts';
import { parseCatalog, type ConfiguredCatalog } from '../protocol/catalog.ts';
import type { RejectedRecordsOption } from '../rejected-records/open.ts';
import type { RejectedRecords } from '../rejected-records/rejected-records.ts';
import type { RetryPolicy } from '../rejected-records/retry-policy.ts';
import { destinationObjectProblems, namesIterableFields } from '../streams/users-object.ts';
import type { SyncLog } from '../sync/sync-log.ts';
import {
  listProblems,
  loadConfig,
  projectOf,
  readTextFile,
  type Connection,
  type ConnectOptions,
} from './connect.ts';
import type { AppContext, InputPaths } from './context.ts';
import type { SyncContext } from './sync.ts';
import { tuneV8 } from './tune-v8.ts';

/** Where `write` and `plan` differ. */
export interface SyncPorts {
  readonly log: SyncLog;
  readonly connect: (config: Config, options: ConnectOptions) => Promise<Connection>;
  readonly openRejectedRecords: (
    option: RejectedRecordsOption,
    policy: RetryPolicy,
    proxies: Proxies,
  ) => Promise<RejectedRecords | undefined>;
  readonly openLedger: (
    option: LedgerOption,
    opening: Omit<OpenOptions, 'access'>,
  ) => Promise<Ledger | undefined>;
  /** At most this long a call is tried; as long as the configuration says without. */
  readonly maxCallBudgetMs?: number;
}

/** Runs `use` with everything open, and closes it afterwards. Throws what can't be opened, what `use` throws, and the stop signal's reason. */
export async function withSyncContext(
  context: AppContext,
  paths: InputPaths,
  { log, connect, openRejectedRecords, openLedger, maxCallBudgetMs = Infinity }: SyncPorts,
  use: (prepared: SyncContext) => Promise<void>,
): Promise<void> {
  tuneV8();
  const { writer, clock, stopSignal } = context;
  const { config, proxies } = await loadConfig(paths.config ?? '', context);
  const catalog = parseCatalog(await readTextFile(paths.catalog ?? '', '--catalog'));
  const attemptTimeoutMs = Math.min(config.attempt_timeout_seconds * 1000, MAX_TIMER_MS);
  const budgetMs = Math.min(config.retry_minutes * 60_000, maxCallBudgetMs);
  // Ends calls for good once a failed run has waited for them long enough.
  const abandon = new AbortController();
  const connection = await connect(config, {
    proxies,
    clock,
    attemptTimeoutMs,
    callBudgetMs: budgetMs,
    onRetry: (retry) => {
      log.warn(describeRetry(retry));
    },
    onUnknownRefusal: (error) => {
      log.warn(
        `${describeUnknown(error)}. Records that it refuses alone are rejected, with this reason; Iterable's support knows what it means.`,
      );
    },
    stop: abandon.signal,
  });
  const closed = new AbortController();
  writer.onClosed = () => {
    closed.abort(new TransientError('stdout_closed', 'Stdout is closed: no program reads the output.'));
  };
  // Ends whatever waits, be it for Iterable, the ledger or a bucket.
  const stop = AbortSignal.any([stopSignal, closed.signal]);
  // What comes before the first record has nothing to wait for; the sync itself replaces this.
  const abandonAtOnce = () => {
    abandon.abort(stop.reason);
  };
  stop.addEventListener('abort', abandonAtOnce, { once: true });
  // The signal may have come while the files were read; it fires only once.
  if (stop.aborted) abandonAtOnce();
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
    rejectedRecords = await openRejectedRecords(
      config.rejected_records,
      { ...retry, budgetMs, attemptTimeoutMs, stop },
      proxies,
    );
    ledger = await openLedger(config.ledger, {
      project: projectOf(config),
      streams: catalog.streams.map(({ id }) => id),
      retry: { ...retry, retryBudgetMs: budgetMs, stop },
    });
    stop.removeEventListener('abort', abandonAtOnce);
    const abandonCalls = (reason: Error) => {
      abandon.abort(reason);
    };
    await use({
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
    });
  } catch (error) {
    throw stop.aborted ? stop.reason : error;
  } finally {
    abandon.abort(new Error('the run has ended'));
    connection.close();
    try {
      await rejectedRecords?.close();
    } finally {
      // Whatever became of the records: claims that are not given back keep the next run waiting.
      await ledger?.close();
    }
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

function describeRetry({ attempt, error, waitMs }: Retry): string {
  return `${error.message}. Trying again in ${(waitMs / 1000).toFixed(1)} s (attempt ${attempt} failed).`;
}

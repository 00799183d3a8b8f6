/** The assembly of a dry run: it reads for real, writes nowhere, and gives what `write` would do. */
import type { Clock } from '../clock.ts';
import type { Config } from '../config/schema.ts';
import { Caller } from '../delivery/caller.ts';
import { KnownUsers } from '../delivery/known-users.ts';
import { ConnectorError } from '../errors.ts';
import type { HeldEntry } from '../ledger/ledger.ts';
import { openLedger, type LedgerOption, type OpenOptions } from '../ledger/open.ts';
import type { Rejection } from '../model.ts';
import { PlannedCalls, DryRunCaller } from '../dry-run/calls.ts';
import { NewFields } from '../dry-run/new-fields.ts';
import { makePlan, type Plan } from '../dry-run/plan.ts';
import { ReadingHttp, DryRunClient } from '../dry-run/dry-run-client.ts';
import { DryRunLedger } from '../dry-run/dry-run-ledger.ts';
import { MAX_EXAMPLES, PlanTally } from '../dry-run/tally.ts';
import { checkRejectedRecords } from '../rejected-records/open.ts';
import type { RoutedStream } from '../streams/router.ts';
import { SyncLog, type RecordPlace } from '../sync/sync-log.ts';
import { httpOptions, ratesOf, type Connection, type ConnectOptions } from './connect.ts';
import type { AppContext, InputPaths } from './context.ts';
import { maxLookUps } from './plan-upserts.ts';
import { withSyncContext, type SyncPorts } from './prepare.ts';
import { sync, type SyncContext } from './sync.ts';

/** People wait for a plan: a call is not tried for half an hour. */
const MAX_CALL_BUDGET_MS = 120_000;
/** `write` may say thousands of things; these are enough to see what is wrong. */
const MAX_NOTES = 100;

/** Runs a sync that only pretends to write; gives what it would have done. Throws what is no fault of its input. */
export async function dryRun(
  context: AppContext,
  paths: InputPaths,
  nextStep: (failure: ConnectorError) => string,
): Promise<Plan> {
  const run = new DryRun(context.clock);
  await withSyncContext(context, paths, run.ports, (prepared) => run.run(context, prepared));
  return run.plan(nextStep);
}

/** One run that only pretends to write, and what was seen of it. */
class DryRun {
  readonly ports: SyncPorts;
  readonly #tally = new PlanTally([]);
  readonly #fields = new NewFields();
  readonly #notes: string[] = [];
  #calls: PlannedCalls | undefined;
  #client: DryRunClient | undefined;
  #ledger: DryRunLedger | undefined;
  #streams: readonly RoutedStream[] = [];
  #config: Config | undefined;
  #failure: ConnectorError | undefined;

  constructor(clock: Clock) {
    this.ports = {
      log: new PlanLog(this.#notes, this.#tally, clock),
      maxCallBudgetMs: MAX_CALL_BUDGET_MS,
      connect: (config, options) => this.#connect(config, options),
      openRejectedRecords: async (option, policy, proxies) => {
        // A bucket shows only by being written to whether it may be.
        if (option.type !== 's3') await checkRejectedRecords(option, policy, proxies);
        return undefined;
      },
      openLedger: (option, opening) => this.#openLedger(option, opening),
    };
  }

  /** Throws what is no fault of the plan's input: a stop, a bug, and whatever comes before the first record. */
  async run(context: AppContext, prepared: SyncContext): Promise<void> {
    const { config, fields, lists } = prepared;
    this.#config = config;
    this.#fields.learn(fields);
    try {
      await sync(context, prepared, {
        begin: (streams) => {
          this.#streams = streams;
          return this.#tally;
        },
        onEnded: (work, end) => {
          this.#tally.noteTask(work, end);
        },
        onSettled: () => {
          this.#calls?.beginPhase();
        },
        onMissingDone: (rows, notThere) => {
          const isLeftOver = (entry: HeldEntry) => this.#ledger?.isLeftOver(entry) === true;
          this.#tally.noteMissing(rows, { removal: config.removal, isLeftOver, notThere });
        },
      });
    } catch (error) {
      const isReported = error instanceof ConnectorError && this.#streams.length > 0;
      if (!isReported || context.stopSignal.aborted || context.writer.isClosed) throw error;
      this.#failure = error;
      if (error.code === 'too_many_removals') await this.#findMissing();
    }
    await this.#tally.dropMissingLists(async (list) => (await lists.idIfThere(list)) !== undefined);
  }

  plan(nextStep: (failure: ConnectorError) => string): Plan {
    const config = this.#config;
    if (!config || !this.#calls) throw new Error('The plan was not made');
    return makePlan({
      ledger: config.ledger.type,
      failure: this.#failure,
      nextStep: this.#failure ? nextStep(this.#failure) : '',
      streams: this.#streams,
      tally: this.#tally,
      calls: this.#calls,
      createdLists: this.#client?.createdLists ?? [],
      fields: this.#fields,
      createsNewFields: config.create_new_fields,
      notes: this.#notes,
      keepsRejectedInBucket: config.rejected_records.type === 's3',
    });
  }

  async #connect(
    config: Config,
    { attemptTimeoutMs, proxies, ...options }: ConnectOptions,
  ): Promise<Connection> {
    const rateOf = ratesOf(config);
    const to = await httpOptions(config, { attemptTimeoutMs, proxies });
    const http = new ReadingHttp(to);
    // It is asked after the project's fields were read.
    const asking = new Caller({ ...options, rateOf, isHostProven: true });
    const calls = new PlannedCalls(rateOf, config.batch_size);
    const client: DryRunClient = new DryRunClient(
      http,
      this.#fields,
      calls,
      (keys) => unknownUsers.findExisting(keys),
      // Only email-based projects create no user by user id, unless a call asks for it.
      config.project_type === 'email',
    );
    const unknownUsers = new KnownUsers(asking, client, {
      clock: options.clock,
      identities: ['userId'],
      maxLookUps: maxLookUps(rateOf),
    });
    this.#client = client;
    this.#calls = calls;
    return {
      client,
      caller: new DryRunCaller({ ...options, rateOf }, calls),
      rateOf,
      proxy: to.route?.proxy,
      close: () => {
        http.close();
      },
    };
  }

  async #openLedger(
    option: LedgerOption,
    opening: Omit<OpenOptions, 'access'>,
  ): Promise<DryRunLedger | undefined> {
    const ledger = await openLedger(option, { ...opening, access: 'read' });
    this.#ledger = ledger && (await DryRunLedger.over(ledger));
    return this.#ledger;
  }

  /** The guard tells how many; a few of them help to see why. */
  async #findMissing(): Promise<void> {
    const ledger = this.#ledger;
    for (const [index, { key }] of this.#streams.entries()) {
      const id = ledger?.own[index]?.id;
      const snapshot = id === undefined ? undefined : ledger?.judged.get(id);
      if (!ledger || id === undefined || snapshot === undefined) continue;
      let left = MAX_EXAMPLES;
      for await (const entry of ledger.absent(id, snapshot)) {
        this.#tally.noteKeptMissing(key, entry);
        if (--left === 0) break;
      }
    }
  }
}

/** What `write` would log, without what the plan itself says. */
class PlanLog extends SyncLog {
  readonly #tally: PlanTally;

  constructor(notes: string[], tally: PlanTally, clock: Clock) {
    super((_level, message) => {
      if (notes.length < MAX_NOTES) notes.push(message);
    }, clock);
    this.#tally = tally;
  }

  override batch(): void {
    // Batches are a matter of speed.
  }

  override rejected(place: RecordPlace, rejection: Rejection): void {
    this.#tally.noteRejected(place, rejection);
  }

  override summary(): void {
    // The plan is the summary.
  }
}

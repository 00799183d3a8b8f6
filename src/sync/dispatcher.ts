/**
 * Takes tasks from step to step. It owns the lanes, in which tasks wait for their calls, and has the only switch over steps;
 * CONTRIBUTING.md draws them.
 */
import type { UserRequestOptions } from '../batching/user-request.ts';
import type { ChangeDetector } from '../diff/change-detector.ts';
import type { Timer } from '../run.ts';
import { singleCalls, type Pace } from './backlog.ts';
import { Conflicts } from './conflicts.ts';
import { DeletionTasks } from './deletion-tasks.ts';
import { BatchLane } from './lanes/batch-lane.ts';
import { ListScheduler } from './lanes/list-scheduler.ts';
import { SingleLane } from './lanes/single-lane.ts';
import { park } from './parking.ts';
import type { PendingRecord } from './pending-record.ts';
import { closeTypes } from './settle-types.ts';
import { deliverBulk } from './stages/bulk.ts';
import { resolveConflict } from './stages/conflict.ts';
import type { Routing, StageContext } from './stages/context.ts';
import { endTask, isEnriched } from './stages/end.ts';
import { changeLists, type ListsTask } from './stages/lists.ts';
import { removeUser } from './stages/remove.ts';
import { routeUpserts } from './stages/route.ts';
import { makeSingleCalls } from './stages/single.ts';
import { mayBeDeleted, waitUntilGone } from './stages/wait.ts';
import type { BulkStep, ConflictStep, Go, ListsStep, RouteStep, SingleCalls, Step } from './steps.ts';
import { TaskLedger } from './task-ledger.ts';
import { upsertOf, type Task } from './task.ts';
import { UserQueue } from './user-queue.ts';
import { UserRequests } from './user-requests.ts';

export interface DispatcherOptions extends Omit<
  StageContext,
  'queue' | 'requests' | 'conflicts' | 'ledger' | 'routes'
> {
  /** With a ledger. */
  readonly detector?: ChangeDetector | undefined;
  /** With a ledger always. */
  readonly routing?: Routing | undefined;
  readonly batchSize: number;
  readonly pace: Pace;
  readonly request: UserRequestOptions;
}

/** A partial batch waits no longer than this, so that states move under slow traffic. */
const MAX_BATCH_WAIT_MS = 10_000;
/** Tasks that have waited elsewhere wait at most this long for others like them. */
const MAX_LATE_BATCH_WAIT_MS = 1_000;
/** Enough to use 5 calls a second to the full while each takes up to 2 seconds. */
const MAX_BATCHES_IN_FLIGHT = 10;
/** More than the lookups that may be made, so that many users are known as many. */
const MAX_ROUTED_TOGETHER = 1_000;
const MAX_SINGLE_IN_FLIGHT = 64;
/** Enough to use 100 deletions a second to the full while each takes up to a second, with the lookup before it. */
const MAX_REMOVALS_IN_FLIGHT = 128;

export class Dispatcher {
  readonly queue: UserQueue<PendingRecord>;
  readonly requests: UserRequests;
  readonly #context: StageContext;
  readonly #deletionTasks = new DeletionTasks();
  readonly #routeLane: BatchLane<Task>;
  readonly #bulkLane: BatchLane<Task>;
  readonly #singleLane: SingleLane<Task, SingleCalls>;
  readonly #removeLane: SingleLane<Task, undefined>;
  readonly #listScheduler: ListScheduler<ListsTask>;
  #changingLists = 0;
  #resting = 0;
  /** Tasks that wait for a deletion, or whose conflict is looked into. */
  #lookedUp = 0;
  /** Of a flush that is due. */
  #flushTimer: Timer | undefined;

  constructor(options: DispatcherOptions) {
    const { run, clock, batchSize, pace, request, upserter, remover, routing, detector } = options;
    const { removal } = options;
    const limits = { maxItems: batchSize, ...upserter.bodyLimits };
    const maxSequentialCalls = singleCalls(pace.batches);
    this.requests = new UserRequests({ ...options, limits });
    this.queue = new UserQueue({
      maxMerged: maxSequentialCalls,
      maxWaitingPerUser: maxSequentialCalls,
      mergeNestedObjects: request.mergeNestedObjects,
      removalUndoesAll: removal === 'delete_user',
      mayMerge: (change, streamKey) =>
        change.kind === 'removal' || this.requests.fits(this.requests.build(change, streamKey)),
      onReady: (task) => {
        this.#ready(task);
      },
    });
    const { deletions } = remover;
    const context: StageContext = {
      ...options,
      queue: this.queue,
      requests: this.requests,
      ledger: detector && new TaskLedger(detector),
      routes: routing?.routes,
      conflicts: new Conflicts({ deletions, deletionTasks: this.#deletionTasks }),
    };
    this.#context = context;
    const go: Go = (task, step) => {
      this.#go(task, step);
    };
    const routingContext = () => {
      if (!routing) throw new Error('A task has come to a stage that this sync does not have');
      return { ...context, ...routing };
    };
    const lane = { run, clock, maxWaitMs: MAX_BATCH_WAIT_MS };
    this.#routeLane = new BatchLane({
      ...lane,
      limits: { maxItems: MAX_ROUTED_TOGETHER, maxBytes: Infinity, envelopeBytes: 0 },
      maxBatchesInFlight: 1,
      close: start,
      deliver: (batch) => routeUpserts(batch, routingContext(), go),
    });
    this.#bulkLane = new BatchLane({
      ...lane,
      limits,
      maxBatchesInFlight: MAX_BATCHES_IN_FLIGHT,
      close: (task, userRequest) => {
        start(task);
        closeTypes(userRequest);
      },
      deliver: (batch) => deliverBulk(batch, context, go),
    });
    this.#singleLane = new SingleLane({
      run,
      maxInFlight: MAX_SINGLE_IN_FLIGHT,
      carryOut: (task, calls) => makeSingleCalls(task, calls, routingContext(), go),
    });
    this.#removeLane = new SingleLane({
      run,
      maxInFlight: MAX_REMOVALS_IN_FLIGHT,
      carryOut: (task) => {
        start(task);
        return removeUser(task, context, go).finally(() => {
          this.#deletionTasks.delete(task);
        });
      },
    });
    this.#listScheduler = new ListScheduler({
      run,
      clock,
      maxUsers: batchSize,
      maxBytes: limits.maxBytes,
      preferUserId: request.preferUserId,
      pace: options.listMembers,
      change: (change, users) => changeLists(change, users, context, go),
      made: ({ task, then }, change, isLast) => {
        const [first] = task.records;
        if (first) context.summary.changedList(first.streamKey, change);
        if (isLast) this.#go(task, then);
      },
    });
  }

  /** Tasks that are not settled. */
  get size(): number {
    return this.queue.size;
  }

  /** Tasks whose user is written, and whose lists are not all changed. */
  get changingLists(): number {
    return this.#changingLists;
  }

  /** Share of the list changes that may wait. */
  get listLoad(): number {
    return this.#listScheduler.load;
  }

  /** Tasks that wait for time to pass between two calls for their user. */
  get resting(): number {
    return this.#resting;
  }

  /** Calls in flight, and results on their way into the ledger. */
  get inFlight(): number {
    const lanes = [this.#routeLane, this.#bulkLane, this.#singleLane, this.#removeLane, this.#listScheduler];
    const calls = lanes.reduce((sum, { inFlight }) => sum + inFlight, 0);
    return calls + (this.#context.ledger?.isBusy === true ? 1 : 0);
  }

  /** True when nothing moves until more records come, or {@link flush} is called. */
  get isIdle(): boolean {
    const busy =
      this.#busyWriting + this.#listScheduler.busyCalls + this.#removeLane.inFlight + this.#lookedUp;
    return busy === 0 && this.#context.ledger?.isBusy !== true;
  }

  /** Sends what waits, full or not: at once, or within a second where other tasks may soon join. */
  flush(): void {
    if (this.#othersMayJoin) {
      this.#flushTimer ??= this.#context.run.after(MAX_LATE_BATCH_WAIT_MS, () => {
        this.#flushNow();
      });
    } else this.#flushNow();
  }

  #flushNow(): void {
    this.#flushTimer?.cancel();
    this.#flushTimer = undefined;
    this.#routeLane.flush();
    // Tasks that are being routed may join those that wait for a bulk call.
    if (this.#busyRouting === 0) this.#bulkLane.flush();
    // Users who are being written, or found out, may join those who wait for the same list.
    if (this.#busyWriting + this.#leaving === 0) this.#listScheduler.flush();
  }

  get #busyRouting(): number {
    return this.#routeLane.busyBatches + this.#singleLane.inFlight;
  }

  get #busyWriting(): number {
    return this.#bulkLane.busyBatches + this.#busyRouting;
  }

  /** Users who are about to leave their lists. */
  get #leaving(): number {
    return this.#context.removal === 'remove_from_lists' ? this.#removeLane.inFlight : 0;
  }

  /** Users who are looked up, or deleted, before they are written: sent one by one as they come, each would take a bulk call. */
  get #othersMayJoin(): boolean {
    return this.#lookedUp > 0 || (this.#removeLane.inFlight > 0 && this.queue.hasWaiting);
  }

  #ready(task: Task): void {
    if (this.#context.run.isOver) return;
    const { change } = task;
    if (change.kind === 'removal') this.#go(task, { kind: 'remove' });
    else if (mayBeDeleted(change, this.#context.remover.deletions)) this.#go(task, { kind: 'wait' });
    else this.#go(task, this.#firstStep(task, false));
  }

  #firstStep(task: Task, isLate: boolean): RouteStep | BulkStep {
    const { ledger, routes } = this.#context;
    const [first, second] = task.records;
    // Only merged records need a request that none of them has.
    const own = second ? undefined : first?.request;
    const request = own ?? this.requests.build(upsertOf(task), first?.streamKey ?? '');
    const mustRoute = routes && (ledger?.mayChange(task) === true || routes.mustAsk(task));
    return { kind: mustRoute ? 'route' : 'bulk', request, isLate };
  }

  /** Synchronous, so that outcomes, states and log lines keep their order. */
  #go(task: Task, step: Step): void {
    switch (step.kind) {
      case 'wait':
        void this.#wait(task);
        break;
      case 'route':
        // A record that was merged into the task may have made routing necessary.
        this.#bulkLane.remove(task);
        this.#routeLane.put(task, step.request, this.#since(task, step));
        break;
      case 'bulk':
        this.#bulkLane.put(task, step.request, this.#since(task, step));
        break;
      case 'single':
        this.#rest(task, step.calls);
        break;
      case 'remove':
        // Or a removal that undoes all that came before it.
        this.#bulkLane.remove(task);
        this.#routeLane.remove(task);
        if (this.#context.removal === 'delete_user') this.#deletionTasks.add(task);
        this.#removeLane.put(task, undefined);
        break;
      case 'conflict':
        void this.#lookInto(task, step);
        break;
      case 'lists':
        this.#changeLists(task, step);
        break;
      case 'end':
        if (task.changesLists) this.#changingLists--;
        task.changesLists = false;
        endTask(task, step.result, this.#context);
    }
  }

  /** Since when a task waits for its batch. Others may have waited with it elsewhere, of whom the last are yet to come. */
  #since({ records: [first] }: Task, { isLate }: RouteStep | BulkStep): number {
    const since = first?.since ?? 0;
    if (!isLate) return since;
    return Math.max(since, this.#context.clock.now() - MAX_BATCH_WAIT_MS + MAX_LATE_BATCH_WAIT_MS);
  }

  /** Begins the calls once enough time has passed since a bulk call for the same user. */
  #rest(task: Task, calls: SingleCalls): void {
    const { run, routes } = this.#context;
    const restMs = routes?.restMs(upsertOf(task)) ?? 0;
    if (restMs === 0) {
      this.#singleLane.put(task, calls);
      return;
    }
    this.#resting++;
    run.after(restMs, () => {
      this.#singleLane.put(task, calls);
      this.#resting--;
      run.moved();
    });
  }

  async #wait(task: Task): Promise<void> {
    const { run, remover, routes, ledger } = this.#context;
    start(task);
    this.#lookedUp++;
    try {
      await waitUntilGone(task, { deletions: remover.deletions, routes, ledger });
      this.#go(task, this.#firstStep(task, true));
    } catch (error) {
      run.fail(error as Error);
    } finally {
      this.#lookedUp--;
      run.moved();
    }
  }

  async #lookInto(task: Task, step: ConflictStep): Promise<void> {
    const { run } = this.#context;
    this.#lookedUp++;
    try {
      await resolveConflict(task, step, this.#context, (of, next) => {
        this.#go(of, next);
      });
    } catch (error) {
      run.fail(error as Error);
    } finally {
      this.#lookedUp--;
      run.moved();
    }
  }

  #changeLists(task: Task, step: ListsStep): void {
    const { key, changes, then } = step;
    const [first] = task.records;
    if (changes.length === 0 || !first) {
      this.#go(task, then);
      return;
    }
    if (!task.changesLists) this.#changingLists++;
    task.changesLists = true;
    // A dry run shows the values of tasks that have ended.
    if (!this.#context.onEnded) park(task, this.#context);
    const onlyExisting = isEnriched(task, this.#context);
    const userChanges = changes.map((change) => ({ ...change, onlyExisting }));
    this.#listScheduler.put({ task, key, then }, userChanges, first.since);
  }
}

/** No record is merged into the task from here on: its calls begin, or wait for a deletion. */
function start(task: Task): void {
  task.isStarted = true;
}

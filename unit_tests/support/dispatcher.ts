/** A dispatcher with all of its lanes and stages. Its calls are noted, and answered when the test says so. */
import { readText } from '../../src/batching/text-pages.ts';
import type { UserRequest } from '../../src/batching/user-request.ts';
import type { AddressChanger } from '../../src/delivery/change-address.ts';
import { Deletions, type ProfileIdentities } from '../../src/delivery/deletions.ts';
import type { ListMembers, UserListChange } from '../../src/delivery/list-members.ts';
import type { Deleted, UserRemover } from '../../src/delivery/remove-users.ts';
import type { UserUpserter } from '../../src/delivery/upsert-users.ts';
import type { ChangeDetector } from '../../src/diff/change-detector.ts';
import type { RemovalDecision } from '../../src/diff/removals.ts';
import type { NewFieldTypes } from '../../src/mapping/new-field-types.ts';
import type { Rejection, Removal, UserChange } from '../../src/model.ts';
import { Run } from '../../src/run.ts';
import { Dispatcher } from '../../src/sync/dispatcher.ts';
import type { PendingRecord } from '../../src/sync/pending-record.ts';
import { SyncSummary } from '../../src/sync/stream-summary.ts';
import { SyncLog } from '../../src/sync/sync-log.ts';
import type { Task } from '../../src/sync/task.ts';
import type { Route, UpsertRoutes } from '../../src/sync/upsert-routes.ts';
import { HandClock, settle } from './hand-clock.ts';
import { keyOf } from './rows.ts';
import { nameOf } from './steps.ts';
import { aRecord } from './tasks.ts';

export interface DispatcherCase {
  readonly batchSize?: number;
  readonly removal?: 'delete_user' | 'remove_from_lists';
  /** Whether the route of the upsert has to be found out, besides those that change an address. */
  readonly isRouted?: (task: Task) => boolean;
  /** How long calls of their own wait. */
  readonly restMs?: number;
  readonly enriched?: readonly string[];
  readonly newFields?: NewFieldTypes;
  readonly hasLedger?: boolean;
  /** Whether the values of tasks that have ended are shown. */
  readonly isDryRun?: boolean;
}

/** Calls under way, by a name such as `bulk a@x b@x`. */
export class OpenCalls {
  /** The names of all that were made, in order. */
  readonly made: string[] = [];
  /** The users of bulk calls as they were sent, in order. */
  readonly texts: string[] = [];
  readonly #open: {
    readonly name: string;
    readonly answer: (value: unknown) => void;
    readonly fail: (error: Error) => void;
  }[] = [];

  make<Answer>(name: string): Promise<Answer> {
    this.made.push(name);
    return new Promise((resolve, fail) => {
      this.#open.push({ name, answer: resolve as (value: unknown) => void, fail });
    });
  }

  /** Answers the call, and lets happen what follows. */
  async answer(name: string, value?: unknown): Promise<void> {
    this.#take(name).answer(value);
    await settle();
  }

  async fail(name: string, message = 'away'): Promise<void> {
    this.#take(name).fail(new Error(message));
    await settle();
  }

  #take(name: string) {
    const at = this.#open.findIndex((call) => call.name === name);
    const [call] = at === -1 ? [] : this.#open.splice(at, 1);
    if (!call) throw new Error(`There is no call "${name}" among: ${this.made.join(', ')}`);
    return call;
  }
}

/** What Iterable refuses, by the text of the user's key. */
export type Refused = Readonly<Record<string, Rejection>>;

export function aDispatcher(given: DispatcherCase = {}) {
  const { batchSize = 100, removal = 'delete_user', restMs = 0, enriched = [], newFields } = given;
  const { isRouted = () => false } = given;
  const clock = new HandClock();
  const run = new Run(clock);
  const calls = new OpenCalls();
  const outcomes: string[] = [];
  /** The lines of records that only wait for list calls. */
  const parked: number[] = [];
  const summary = new SyncSummary(['users']);
  const detector = aDetector();
  const deletions = new Deletions({
    clock,
    lookUp: ({ value }) => calls.make<ProfileIdentities | undefined>(`look up ${value}`),
  });
  const dispatcher = new Dispatcher({
    run,
    clock,
    batchSize,
    pace: { batches: 5, single: 100 },
    request: { mergeNestedObjects: true, preferUserId: false },
    upserter: anUpserter(calls),
    remover: aRemover(calls, deletions),
    removal,
    listMembers: someLists(calls),
    routing: { routes: someRoutes(calls, isRouted, restMs), changer: aChanger(calls) },
    detector: given.hasLedger ? (detector as unknown as ChangeDetector) : undefined,
    newFields,
    enriched: new Set(enriched),
    log: new SyncLog(() => undefined, clock),
    summary,
    onEnded: given.isDryRun ? () => undefined : undefined,
    backlog: {
      park: (load) => parked.push((load as PendingRecord).line),
      remove: () => undefined,
    },
    settlement: {
      settle: (record, { kind }) =>
        outcomes.push(`${record.line} ${nameOf(record as PendingRecord)} ${kind}`),
    },
  });
  let line = 0;
  /** Records come, one line each. */
  const add = async (change: UserChange, rest: Partial<PendingRecord> = {}) => {
    dispatcher.queue.add(aRecord(change, { line: ++line, since: clock.now(), ...rest }));
    await settle();
  };
  const flush = async () => {
    dispatcher.flush();
    await settle();
  };
  return { dispatcher, run, clock, calls, outcomes, parked, summary, deletions, detector, add, flush };
}

/** A ledger that has no entries, as records without rows meet it. */
function aDetector() {
  return {
    isBusy: false,
    decideRemoval: (_row: unknown, _stream: string, removal: Removal): Promise<RemovalDecision> =>
      Promise.resolve({ removals: [removal], leaves: [], gone: [], stale: [] }),
    markUnconfirmed: done,
    markEntriesUnconfirmed: done,
    results: {
      removed: (_decision: unknown, _deleted: unknown, onCommitted: () => void) => {
        onCommitted();
      },
      gone: (_rows: unknown, onCommitted: () => void) => {
        onCommitted();
      },
    },
  };
}

function done(): Promise<void> {
  return Promise.resolve();
}

const namesOf = (users: readonly UserRequest[]) => users.map(({ key }) => key.value).join(' ');

function rejectionsOf(users: readonly UserRequest[], refused: Refused = {}): Map<UserRequest, Rejection> {
  const rejections = new Map<UserRequest, Rejection>();
  for (const user of users) {
    const rejection = refused[user.key.value];
    if (rejection) rejections.set(user, rejection);
  }
  return rejections;
}

function anUpserter(calls: OpenCalls): UserUpserter {
  const upserter: Pick<UserUpserter, 'bodyLimits' | 'deliver' | 'deliverAlone'> = {
    bodyLimits: { maxBytes: 10_000, envelopeBytes: 50 },
    deliver: async (users) => {
      calls.texts.push(...users.map(readText));
      const rejections = rejectionsOf(users, await calls.make<Refused>(`bulk ${namesOf(users)}`));
      return { rejections, dropped: new Map() };
    },
    deliverAlone: (user) => calls.make(`write ${user.key.value}`),
  };
  return upserter as UserUpserter;
}

/** Its deletions are noted as the real one's, once they are answered. */
function aRemover(calls: OpenCalls, deletions: Deletions): UserRemover {
  const remover: Pick<UserRemover, 'deletions' | 'remove' | 'identify' | 'noteWritten'> = {
    deletions,
    remove: async (user: Removal): Promise<Deleted> => {
      const key = keyOf(user.email ?? user.userId ?? '');
      await calls.make(`delete ${key.value}`);
      deletions.note(key, [], { isSeen: true, wasThere: true });
      return { key, others: [], wasThere: true };
    },
    identify: async ({ email, userId = '' }: Removal) => {
      if (email === undefined) await calls.make(`identify ${userId}`);
      return { key: keyOf(email ?? userId), others: [], isKnown: true };
    },
    noteWritten: () => undefined,
  };
  return remover as UserRemover;
}

function someLists(calls: OpenCalls): ListMembers {
  const members: Pick<ListMembers, 'rate' | 'untilTurn' | 'change'> = {
    rate: () => 5,
    untilTurn: done,
    change: async ({ list, isOn, onlyExisting }: UserListChange, users: readonly UserRequest[]) => {
      const name = `${isOn ? '+' : '-'}${list}${onlyExisting ? ' of existing' : ''} ${namesOf(users)}`;
      return rejectionsOf(users, await calls.make<Refused>(name));
    },
  };
  return members as ListMembers;
}

function someRoutes(calls: OpenCalls, isRouted: (task: Task) => boolean, restMs: number): UpsertRoutes {
  const routes: Omit<UpsertRoutes, never> = {
    movesBySingleCalls: true,
    mustAsk: (task: Task) => changesAddress(task) || isRouted(task),
    find: (tasks: readonly Task[]) => calls.make<Route[]>(`find ${tasks.map(nameOf).join(' ')}`),
    restMs: () => restMs,
    withoutMove: () => 'bulk',
    noteConflict: done,
    noteWritten: () => undefined,
    noteInBulk: () => undefined,
    noteMoved: () => undefined,
    noteRemoved: () => undefined,
  };
  return routes as UpsertRoutes;
}

function changesAddress({ change }: Task): boolean {
  return change.kind === 'upsert' && change.previousEmail !== undefined;
}

function aChanger(calls: OpenCalls): AddressChanger {
  const changer: Pick<AddressChanger, 'change'> = {
    change: (_key, { from, to }) => calls.make(`move ${from} to ${to}`),
  };
  return changer as AddressChanger;
}

/** Upserts that need to know something first: what the ledger says is to be sent, and by which calls Iterable takes it. */
import type { UserRequest } from '../../batching/user-request.ts';
import { mergeValues } from '../../mapping/merge-values.ts';
import type { UserRemover } from '../../delivery/remove-users.ts';
import type { Removal, UserKey } from '../../model.ts';
import type { Batch } from '../lanes/batch-lane.ts';
import { bulkAgain, end, listsOf, routeStep, type Go, type Step } from '../steps.ts';
import type { TaskLedger } from '../task-ledger.ts';
import { addressesOf, sentValues, upsertOf, type Leaver, type Task } from '../task.ts';
import type { UpsertRoutes } from '../upsert-routes.ts';
import type { UserRequests } from '../user-requests.ts';

export interface RouteContext {
  readonly routes: UpsertRoutes;
  readonly requests: UserRequests;
  /** With a ledger: what of the tasks is to be sent at all. */
  readonly ledger: TaskLedger | undefined;
  readonly remover: Pick<UserRemover, 'identify'>;
}

/** Throws what a lookup or the ledger throws. */
export async function routeUpserts(batch: Batch<Task>, context: RouteContext, go: Go): Promise<void> {
  const { routes, ledger, requests } = context;
  const changing = ledger ? await onlyChanging(batch, ledger, context, go) : batch;
  const asking = [...changing.keys()].filter((task) => routes.mustAsk(task));
  const found = asking.length > 0 ? await routes.find(asking) : [];
  const routeOf = new Map(asking.map((task, index) => [task, found[index]]));
  for (const [task, request] of changing) {
    const route = routeOf.get(task) ?? 'bulk';
    if (route === 'move in bulk') {
      go(task, moveInBulk(task, requests));
      continue;
    }
    if (route !== 'move') task.move = undefined;
    go(task, routeStep(route, request));
  }
}

/**
 * Names the profile by its previous address: the new one is a field like any other. Source: works in bulk on hybrid projects,
 * as Segment found; documented for user ids.
 */
function moveInBulk(task: Task, requests: UserRequests): Step {
  const change = upsertOf(task);
  const { from, to } = addressesOf(change);
  const { values } = task.move?.changeAfterMove ?? change;
  task.movesInBulk = true;
  return bulkAgain(
    requests.forTask(task, { kind: 'email', value: from }, mergeValues(values, { email: to })),
  );
}

/** The tasks that have something to write, each with its request; the others go on from here. */
async function onlyChanging(
  batch: Batch<Task>,
  ledger: TaskLedger,
  { requests, remover }: RouteContext,
  go: Go,
): Promise<Batch<Task>> {
  const decisions = await ledger.decide([...batch.keys()]);
  const changing = new Map<Task, UserRequest>();
  const changingLists = new Map<Task, UserKey>();
  let next = 0;
  for (const [task, request] of batch) {
    const decision = decisions[next++];
    if (!decision) throw new Error('A removal has come to the stage that routes upserts');
    const { kind, change, leaves } = decision;
    if (leaves) task.leaves = await leaverOf(leaves, remover);
    const values = sentValues(change);
    const isAsMapped = values === upsertOf(task).values;
    task.change = change;
    if (kind === 'unchanged') go(task, end('unchanged'));
    else if (kind === 'lists') changingLists.set(task, change.key);
    else changing.set(task, isAsMapped ? request : requests.forTask(task, change.key, values));
  }
  if (changingLists.size > 0) await ledger.markUnconfirmed([...changingLists.keys()]);
  for (const [task, key] of changingLists) go(task, listsOf(task, key));
  return changing;
}

/** Undefined where its user can't be told for certain: nobody else may leave the lists. */
async function leaverOf(user: Removal, remover: Pick<UserRemover, 'identify'>): Promise<Leaver | undefined> {
  const leaver = await remover.identify(user);
  return 'code' in leaver ? undefined : { key: leaver.key, lists: user.lists ?? [] };
}

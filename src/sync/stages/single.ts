/** Upserts that go by calls of their own: a profile gets its new address, a user is written apart from bulk calls. */
import type { AddressChanger } from '../../delivery/change-address.ts';
import type { UserUpserter } from '../../delivery/upsert-users.ts';
import type { Upsert } from '../../model.ts';
import { settleTypes } from '../settle-types.ts';
import { bulkAgain, end, routeStep, type Go, type SingleCalls } from '../steps.ts';
import type { TaskLedger } from '../task-ledger.ts';
import { addressesOf, sentValues, upsertOf, type Task } from '../task.ts';
import type { UpsertRoutes } from '../upsert-routes.ts';
import type { UserRequests } from '../user-requests.ts';
import { written, type WrittenContext } from './written.ts';

export interface SingleContext extends WrittenContext {
  readonly routes: UpsertRoutes;
  readonly changer: AddressChanger;
  readonly upserter: UserUpserter;
  readonly requests: UserRequests;
  readonly ledger: TaskLedger | undefined;
}

/** Throws what a call or the ledger throws. */
export async function makeSingleCalls(
  task: Task,
  calls: SingleCalls,
  context: SingleContext,
  go: Go,
): Promise<void> {
  const change = upsertOf(task);
  const { ledger, routes, requests } = context;
  await ledger?.markUnconfirmed([task]);
  switch (calls) {
    case 'move':
      await move(task, change, context, go);
      break;
    case 'write in bulk':
      await routes.noteConflict(change);
      go(task, bulkAgain(requests.forTask(task, change.key, sentValues(change))));
      break;
    case 'write':
      await write(task, change, context, go);
  }
}

async function move(task: Task, change: Upsert, context: SingleContext, go: Go): Promise<void> {
  const { routes, ledger, changer, requests } = context;
  const { key } = change;
  const changeAfterMove = task.move?.changeAfterMove ?? change;
  const changed = await changer.change(key, addressesOf(change));
  if ('code' in changed) {
    go(task, end(changed));
  } else if (changed.kind === 'changed') {
    routes.noteMoved(change, 'single call');
    ledger?.noteMoved(task);
    task.isWritten = true;
    task.change = changeAfterMove;
    await write(task, changeAfterMove, context, go);
  } else {
    go(
      task,
      routeStep(routes.withoutMove(task, changed.why), requests.forTask(task, key, sentValues(change))),
    );
  }
}

async function write(task: Task, change: Upsert, context: SingleContext, go: Go): Promise<void> {
  const { upserter, requests } = context;
  const { key } = change;
  const { sent, refused } = settleTypes(new Map([[task, requests.forTask(task, key, sentValues(change))]]));
  const rejection = refused.get(task) ?? (sent[0] && (await upserter.deliverAlone(sent[0])));
  go(task, rejection ? end(rejection) : written(task, key, context));
}

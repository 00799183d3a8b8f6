/** What the stages work with: made once for a run. Each stage names the part that it needs. */
import type { AddressChanger } from '../../delivery/change-address.ts';
import type { ListMembers } from '../../delivery/list-members.ts';
import type { UserRemover } from '../../delivery/remove-users.ts';
import type { UpsertRoutes } from '../upsert-routes.ts';
import type { BulkContext } from './bulk.ts';
import type { ConflictContext } from './conflict.ts';
import type { EndContext } from './end.ts';
import type { RemoveContext } from './remove.ts';
import type { RouteContext } from './route.ts';
import type { SingleContext } from './single.ts';

export interface StageContext
  extends BulkContext, ConflictContext, EndContext, Omit<RemoveContext, 'remover'> {
  readonly remover: UserRemover;
  readonly listMembers: ListMembers;
}

/** What some upserts need to know, and the calls that change addresses. Set for `enrich`, changes of address and ledgers. */
export interface Routing {
  readonly routes: UpsertRoutes;
  readonly changer: AddressChanger;
}

/** Of the stages of a sync with {@link Routing}. */
export type RoutingContext = RouteContext & SingleContext;

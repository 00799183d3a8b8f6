/** Puts together what upserts need that have to ask something first: for `enrich`, and for changes of address. */
import type { Clock } from '../clock.ts';
import type { Config } from '../config/schema.ts';
import { AddressChanger } from '../delivery/change-address.ts';
import { KnownUsers } from '../delivery/known-users.ts';
import { ENDPOINTS } from '../iterable/endpoints.ts';
import { previousEmailColumn, type RoutedStream } from '../streams/router.ts';
import { singleCalls } from '../sync/backlog.ts';
import type { SyncLog } from '../sync/sync-log.ts';
import { UpsertPlanner } from '../sync/upsert-planner.ts';
import type { UserDeliveryOptions } from '../sync/user-delivery.ts';
import type { Connection } from './connect.ts';

/** Five seconds of look-ups, at Iterable's limit; beyond that one export is cheaper. */
const MAX_LOOK_UPS = 500;

/** How many people are looked up one by one before an export is asked for. */
export function maxLookUps(rateOf: Connection['rateOf']): number {
  return Math.min(MAX_LOOK_UPS, singleCalls(rateOf(ENDPOINTS.getByEmail)));
}

/** Nothing where no upsert has to ask. */
export function planUpserts({
  config,
  connection: { caller, client, rateOf },
  streams,
  clock,
  log,
}: {
  readonly config: Config;
  readonly connection: Connection;
  readonly log: SyncLog;
  readonly streams: readonly RoutedStream[];
  readonly clock: Clock;
}): Partial<Pick<UserDeliveryOptions, 'planning'>> {
  const enriches = streams.some(({ mode }) => mode === 'enrich');
  const hasLedger = config.ledger.type !== 'none';
  const changesAddresses =
    hasLedger || streams.some(({ configured }) => previousEmailColumn(config, configured) !== undefined);
  if (!enriches && !changesAddresses) return {};
  const { project_type: projectType } = config;
  const byEmail = changesAddresses || streams.some(({ identifyBy }) => identifyBy === 'email');
  const byUserId = streams.some(({ identifyBy }) => identifyBy === 'user_id');
  const known = new KnownUsers(caller, client, {
    clock,
    identities: [...(byEmail ? (['email'] as const) : []), ...(byUserId ? (['userId'] as const) : [])],
    maxLookUps: maxLookUps(rateOf),
    onExported: (users) => {
      log.info(`Iterable has ${users} users: their identities were exported to know who exists.`);
    },
  });
  const planner = new UpsertPlanner({
    known,
    isEnriched: (key) => streams.some((stream) => stream.key === key && stream.mode === 'enrich'),
    refusesStrangers: ({ kind }) => projectType === 'email' && kind === 'userId',
  });
  return { planning: { planner, changer: new AddressChanger(caller, client, projectType) } };
}

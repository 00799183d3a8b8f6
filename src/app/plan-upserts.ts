/** Puts together what has to ask Iterable something first: upserts for `enrich` and for changes of address, and deletions. */
import type { Clock } from '../clock.ts';
import type { Config } from '../config/schema.ts';
import { AddressChanger } from '../delivery/change-address.ts';
import { KnownUsers } from '../delivery/known-users.ts';
import { ENDPOINTS } from '../iterable/endpoints.ts';
import { SYNC_MODES } from '../streams/modes.ts';
import { previousEmailColumn, type RoutedStream } from '../streams/router.ts';
import { singleCalls } from '../sync/backlog.ts';
import type { SyncLog } from '../sync/sync-log.ts';
import type { DispatcherOptions } from '../sync/dispatcher.ts';
import { UpsertRoutes } from '../sync/upsert-routes.ts';
import type { Connection } from './connect.ts';

/** Five seconds of look-ups, at Iterable's limit; beyond that one export is cheaper. */
const MAX_LOOK_UPS = 500;

/** How many people are looked up one by one before an export is asked for. */
export function maxLookUps(rateOf: Connection['rateOf']): number {
  return Math.min(MAX_LOOK_UPS, singleCalls(rateOf(ENDPOINTS.getByEmail)));
}

interface Asking {
  readonly config: Config;
  readonly connection: Connection;
  readonly log: SyncLog;
  readonly streams: readonly RoutedStream[];
  readonly clock: Clock;
  /** Nothing is written. */
  readonly isDryRun: boolean;
}

/** Knows which users are in Iterable, for all that has to ask. */
export function usersOf(asking: Asking): KnownUsers {
  const { config, connection, streams, clock, log } = asking;
  const deletesByEmail =
    config.project_type !== 'user_id' && streams.some(({ mode }) => SYNC_MODES[mode].remove);
  const byEmail =
    deletesByEmail || changesAddresses(asking) || streams.some(({ identifyBy }) => identifyBy === 'email');
  const byUserId = streams.some(({ identifyBy }) => identifyBy === 'user_id');
  return new KnownUsers(connection.caller, connection.client, {
    clock,
    identities: [...(byEmail ? (['email'] as const) : []), ...(byUserId ? (['userId'] as const) : [])],
    maxLookUps: maxLookUps(connection.rateOf),
    onExported: (users) => {
      log.info(`Iterable has ${users} users: their identities were exported to know who exists.`);
    },
  });
}

/** Nothing where no upsert has to ask. */
export function planUpserts(asking: Asking, known: KnownUsers): Pick<DispatcherOptions, 'routing'> {
  const {
    clock,
    isDryRun,
    config,
    connection: { caller, client },
    streams,
  } = asking;
  const enriches = streams.some(({ mode }) => mode === 'enrich');
  if (!enriches && !changesAddresses(asking)) return {};
  const { project_type: projectType } = config;
  const routes = new UpsertRoutes({
    known,
    enriched: enrichedKeys(streams),
    clock,
    movesBySingleCalls: projectType === 'email',
    keepsDistance: projectType === 'email' && changesAddresses(asking) && !isDryRun,
    refusesUnknownIds: projectType === 'email',
  });
  return { routing: { routes, changer: new AddressChanger(caller, client) } };
}

/** Keys of streams that update only users whom Iterable knows. */
export function enrichedKeys(streams: readonly RoutedStream[]): ReadonlySet<string> {
  return new Set(streams.filter(({ mode }) => mode === 'enrich').map(({ key }) => key));
}

function changesAddresses({ config, streams }: Pick<Asking, 'config' | 'streams'>): boolean {
  const hasLedger = config.ledger.type !== 'none';
  return hasLedger || streams.some(({ configured }) => previousEmailColumn(config, configured) !== undefined);
}

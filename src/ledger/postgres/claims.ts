/** A run's claims (exclusive leases) on its streams in the Postgres ledger: taking them, and waiting for those of a run that died. */
import type { PoolClient } from 'pg';
import { TransientError } from '../../errors.ts';
import type { StreamRow } from '../enrolled.ts';
import type { RetryOptions } from './connection.ts';

/** A claim expires after this time unless it is renewed, so a run that died loses its claims. By the database's clock. */
export const CLAIM_SECONDS = 45;
const LOOK_EVERY_MS = 1_000;
/** Longer than a claim that nobody renews. */
const MAX_WAIT_MS = 60_000;

export interface ClaimOptions {
  readonly streams: readonly number[];
  /** The id of this run. */
  readonly run: string;
  readonly retry: Pick<RetryOptions, 'clock' | 'onRetry' | 'stop'>;
  /** Runs each attempt in a transaction of its own. */
  readonly transaction: <Result>(task: (client: PoolClient) => Promise<Result>) => Promise<Result>;
}

/** What a stream's row says of its claim. */
interface Claim {
  readonly id: number;
  readonly name: string;
  /** The run that has it, or had it; empty if there was none. */
  readonly run: string;
  /** Seconds since the epoch, by the database's clock; 0 for none. */
  readonly until: number;
  readonly secondsLeft: number;
  /** It is another run's and has not expired. */
  readonly holds: boolean;
}

/** All streams were claimed, or none: `blocking` are those that another run has. */
type Attempt =
  | { readonly claimed: readonly StreamRow[] }
  | { readonly claims: readonly Claim[]; readonly blocking: readonly Claim[] };

/**
 * Claims all of these streams for this run. Waits as long as the claims of a run that died could last; throws TransientError
 * `ledger_busy` as soon as one of them is renewed, since that run is alive, or the stop signal's reason.
 */
export async function claimStreams(options: ClaimOptions): Promise<readonly StreamRow[]> {
  const { clock, onRetry, stop } = options.retry;
  const until = clock.now() + MAX_WAIT_MS;
  let before: ReadonlyMap<number, Claim> | undefined;
  for (;;) {
    const attempt = await options.transaction((client) => tryToClaim(client, options));
    if ('claimed' in attempt) return attempt.claimed;
    const { claims, blocking } = attempt;
    const [first] = blocking;
    const renewed = blocking.find((claim) => isRenewed(claim, before?.get(claim.id)));
    if (renewed ?? clock.now() >= until) throw busy(renewed ?? first);
    if (!before) onRetry?.(waitingText(blocking));
    before = new Map(claims.map((claim) => [claim.id, claim]));
    // Two runs that block each other must not try again at the same time.
    await clock.sleep(LOOK_EVERY_MS * (0.5 + clock.random() / 2), stop);
  }
}

async function tryToClaim(client: PoolClient, { streams, run }: ClaimOptions): Promise<Attempt> {
  // Read without locks: a run that is alive has its rows locked most of the time.
  const { rows: claims } = await client.query<Claim>(
    `SELECT id, name, coalesce(claimed_by, '') AS run,
       coalesce(extract(epoch FROM claimed_until), 0)::float8 AS until,
       coalesce(extract(epoch FROM claimed_until - now()), 0)::float8 AS "secondsLeft",
       coalesce(claimed_by <> $2 AND claimed_until >= now(), false) AS holds
     FROM iterable_ledger_stream WHERE id = ANY($1::int[]) ORDER BY id`,
    [streams, run],
  );
  const held = claims.filter(({ holds }) => holds);
  if (held.length > 0) return { claims, blocking: held };
  // Rows that another transaction has locked are skipped: it may be that of a run whose connection hangs.
  const { rows: locked } = await client.query<{ id: number }>(
    `SELECT id FROM iterable_ledger_stream
     WHERE id = ANY($1::int[]) AND (claimed_by IS NULL OR claimed_by = $2 OR claimed_until < now())
     ORDER BY id FOR UPDATE SKIP LOCKED`,
    [streams, run],
  );
  const free = new Set(locked.map(({ id }) => id));
  if (free.size < claims.length) return { claims, blocking: claims.filter(({ id }) => !free.has(id)) };
  const { rows: claimed } = await client.query<StreamRow>(
    `UPDATE iterable_ledger_stream
     SET claimed_by = $2, claimed_until = now() + make_interval(secs => ${CLAIM_SECONDS})
     WHERE id = ANY($1::int[]) RETURNING id, scope, namespace, name, state`,
    [streams, run],
  );
  return { claimed };
}

/** Renews the claims of this run on these streams. Throws TransientError `ledger_claim_lost` if one of them is no longer this run's. */
export async function renewClaims(
  client: PoolClient,
  streams: readonly number[],
  run: string,
): Promise<void> {
  if (streams.length === 0) return;
  // Locked in one order, so that the transactions of a run, which renew some or all of them, can't deadlock.
  const { rowCount } = await client.query(
    `WITH own AS MATERIALIZED (
       SELECT id FROM iterable_ledger_stream WHERE id = ANY($1::int[]) AND claimed_by = $2 ORDER BY id FOR UPDATE
     )
     UPDATE iterable_ledger_stream AS stream SET claimed_until = now() + make_interval(secs => ${CLAIM_SECONDS})
     FROM own WHERE stream.id = own.id`,
    [streams, run],
  );
  if (rowCount === streams.length) return;
  throw new TransientError(
    'ledger_claim_lost',
    'Another run has taken over a stream of this one in the ledger, since this one was away for too long. Run again when the other one has ended.',
  );
}

/** For transactions that may take long, and have renewed their claims: these must not have expired when they commit. */
export async function extendClaims(client: PoolClient, streams: readonly number[]): Promise<void> {
  await client.query(
    `UPDATE iterable_ledger_stream SET claimed_until = clock_timestamp() + make_interval(secs => ${CLAIM_SECONDS})
     WHERE id = ANY($1::int[])`,
    [streams],
  );
}

/** Only a run that is alive moves the end of its claim, or takes one. */
function isRenewed({ run, until }: Claim, before: Claim | undefined): boolean {
  return before !== undefined && (run !== before.run || until > before.until);
}

function waitingText(blocking: readonly Claim[]): string {
  const seconds = Math.max(1, ...blocking.map(({ secondsLeft }) => Math.ceil(secondsLeft)));
  return `Another run has claimed the stream ${blocking[0]?.name ?? ''} in this ledger. Waiting in case it has died: then its claim ends within ${Math.min(seconds, MAX_WAIT_MS / 1000)} s.`;
}

function busy(claim: Claim | undefined): TransientError {
  return new TransientError(
    'ledger_busy',
    `Another run writes the stream ${claim?.name ?? ''} in this ledger, and one at a time may. Run again when that one has ended.`,
  );
}

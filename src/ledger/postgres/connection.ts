/** Transactions on a Postgres server that may be unavailable for a while; turns its errors into errors for the user. */
import type { Pool, PoolClient, QueryResultRow } from 'pg';
import type { Clock } from '../../clock.ts';
import { ConfigError, ConnectorError, TransientError } from '../../errors.ts';
import { retry } from '../../retry.ts';

export interface PostgresOptions {
  /** Such as `postgres://user:password@host/database?sslmode=verify-full`. */
  readonly url: string;
  readonly schema: string;
}

export interface RetryOptions {
  readonly clock: Clock;
  /** How long one transaction is retried, waits included. */
  readonly retryBudgetMs: number;
  /** Timeout for connecting and for each statement, if a user is waiting for the result. */
  readonly attemptTimeoutMs?: number;
  /** Told the reason of waits: before each try again, and once while other runs' claims are waited for. */
  readonly onRetry?: (message: string) => void;
  /** Ends waits at once, and transactions in progress after a grace period; its reason is thrown. */
  readonly stop?: AbortSignal;
}

/** Few, since a connection pooler in between may allow only few. */
const MAX_CONNECTIONS = 4;
const CONNECT_TIMEOUT_MS = 15_000;
/** Whatever the size of the ledger, only a server that hangs takes this long. */
const STATEMENT_TIMEOUT_MS = 15 * 60_000;
/** How long transactions in progress may continue after the stop signal. */
const STOP_GRACE_MS = 8_000;
const CLOSE_TIMEOUT_MS = 5_000;
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** The server is unreachable, starting, shutting down or at its connection limit, or two transactions collided: retry. */
const PASSING =
  /^(?:ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|57P0[1-35]|08...|53300|40001|40P01)$/;
const PASSING_MESSAGE =
  /connection terminated|timeout exceeded when trying to connect|connection timeout|query read timeout|connection error and is not queryable/i;
const STUCK_MESSAGE = /query read timeout/i;
/** Retried only if a connection succeeded before, so the name is right. */
const UNKNOWN_HOST = 'ENOTFOUND';
/** A replica answers this to every write; during a failover, so does the former primary. */
const READ_ONLY = '25006';

export class PostgresConnection {
  readonly #pool: Pool;
  readonly #searchPath: string;
  readonly #options: RetryOptions;
  /** Functions that reject the transactions in progress. */
  readonly #inProgress = new Set<(reason: Error) => void>();
  /** Aborted when the grace period after the stop signal is over. */
  readonly #graceOver = new AbortController();
  #hasConnected = false;

  private constructor(pool: Pool, searchPath: string, options: RetryOptions) {
    this.#pool = pool;
    this.#searchPath = searchPath;
    this.#options = options;
    options.stop?.addEventListener('abort', () => void this.#endInProgress(), { once: true });
  }

  /** Loads the driver; connects on first use. Throws ConfigError when the URL is invalid. */
  static async create({ url, schema }: PostgresOptions, options: RetryOptions): Promise<PostgresConnection> {
    if (!URL.canParse(url))
      throw unusable('the URL can’t be read. Write it as postgresql://user:password@host/database.');
    // no-verify disables the check of the server's certificate.
    if (new URL(url).searchParams.get('sslmode') === 'no-verify')
      throw unusable(
        'sslmode=no-verify is refused, since anybody could pose as the server. Use verify-full.',
      );
    const { default: pg } = await import('pg');
    const pool = new pg.Pool({
      connectionString: url,
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: Math.min(CONNECT_TIMEOUT_MS, options.attemptTimeoutMs ?? Infinity),
      // The connect and query timeouts are enforced by the client, so a pooler in between need not support them.
      query_timeout: options.attemptTimeoutMs ?? STATEMENT_TIMEOUT_MS,
      keepAlive: true,
    });
    // Nothing to do for a broken idle connection: the pool opens a new one on the next use.
    pool.on('error', () => undefined);
    // The server may end a connection in the same packet that opens it, before another listener is attached.
    pool.on('connect', (client) => {
      client.on('error', () => undefined);
    });
    return new PostgresConnection(pool, quoted(schema), options);
  }

  /** The schema, quoted for SQL. */
  get quotedSchema(): string {
    return this.#searchPath;
  }

  /**
   * Runs `task` in one transaction and returns its result. `task` must be repeatable: it is repeated as a whole after a lost
   * connection.
   * @param until when to give up, as a time of the clock; by default, when the retry budget is used up
   */
  transaction<Result>(task: (client: PoolClient) => Promise<Result>, until?: number): Promise<Result> {
    return this.#retried(() => this.#once(task), until);
  }

  /** Like {@link transaction}, but always rolled back. */
  dryRun<Result>(task: (client: PoolClient) => Promise<Result>): Promise<Result> {
    return this.#retried(() => this.#once(task, 'ROLLBACK'));
  }

  #retried<Result>(
    attempt: () => Promise<Result>,
    until = this.#options.clock.now() + this.#options.retryBudgetMs,
  ): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.#inProgress.add(reject);
      retry(attempt, { afterFailure: (error, attempt) => this.#waitOrThrow(error, attempt, until) })
        .then(resolve, reject)
        .finally(() => this.#inProgress.delete(reject));
    });
  }

  /** Runs one read-only statement whose table names include the schema: one round trip instead of the four of a transaction. */
  read<Row extends QueryResultRow>(sql: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#retried(async () => (await this.#pool.query<Row>(sql, [...values])).rows);
  }

  /**
   * Makes one attempt at `lastTask` and closes the pool. Gives up after {@link CLOSE_TIMEOUT_MS}, or when the grace period
   * after a stop is over. Does nothing if it is closed already. Never rejects.
   */
  async close(lastTask?: (client: PoolClient) => Promise<unknown>): Promise<void> {
    if (this.#pool.ending) return;
    const closed = new AbortController();
    const endOfWait = AbortSignal.any([closed.signal, this.#graceOver.signal]);
    const closing = async () => {
      if (lastTask) await this.#once(lastTask).catch(() => undefined);
      await this.#pool.end();
    };
    await Promise.race([
      closing(),
      this.#options.clock.sleep(CLOSE_TIMEOUT_MS, endOfWait).catch(() => undefined),
    ]);
    closed.abort(new Error('closed'));
  }

  async #endInProgress(): Promise<void> {
    const { clock, stop } = this.#options;
    await clock.sleep(STOP_GRACE_MS);
    this.#graceOver.abort(stop?.reason);
    for (const reject of this.#inProgress) reject(stop?.reason as Error);
  }

  async #once<Result>(
    task: (client: PoolClient) => Promise<Result>,
    end: 'COMMIT' | 'ROLLBACK' = 'COMMIT',
  ): Promise<Result> {
    const client = await this.#pool.connect();
    this.#hasConnected = true;
    let broken: Error | undefined;
    // The pool listens to idle clients only, and an 'error' event without a listener ends the process.
    const onError = (error: Error) => {
      broken = error;
    };
    client.on('error', onError);
    try {
      await client.query('BEGIN');
      // For this transaction only: behind a pooler, the next one may use another connection.
      await client.query(`SET LOCAL search_path TO ${this.#searchPath}`);
      const result = await task(client);
      await client.query(end);
      return result;
    } catch (error) {
      // A statement that timed out is still running, so the connection can't be used for anything else.
      if (STUCK_MESSAGE.test((error as Error).message)) broken ??= error as Error;
      // A new connection may reach another server under the same name, or the same one with its setting changed.
      if ((error as { code?: string }).code === READ_ONLY) broken ??= error as Error;
      if (!broken) await client.query('ROLLBACK').catch(onError);
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  async #waitOrThrow(error: Error, attempt: number, until: number): Promise<void> {
    const { clock, onRetry, stop } = this.#options;
    if (error instanceof ConnectorError) throw error;
    stop?.throwIfAborted();
    const code = (error as { code?: string }).code ?? '';
    const mayPass =
      code === READ_ONLY ||
      PASSING.test(code) ||
      PASSING_MESSAGE.test(error.message) ||
      (code === UNKNOWN_HOST && this.#hasConnected);
    if (!mayPass) throw explain(error, code);
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), MAX_BACKOFF_MS);
    const waitMs = backoffMs * (0.5 + clock.random() / 2);
    if (clock.now() + waitMs > until) {
      if (code === READ_ONLY) throw readOnly(error);
      throw new TransientError(
        'ledger_unavailable',
        `The ledger's database could not be reached for too long; the last try: ${reasonOf(error, code)}. Run the sync again later.`,
        { cause: error },
      );
    }
    const state = code === READ_ONLY ? 'is read-only' : 'is away';
    onRetry?.(
      `The ledger's database ${state} (${reasonOf(error, code)}). Trying again in ${(waitMs / 1000).toFixed(1)} s.`,
    );
    await clock.sleep(waitMs, stop);
  }
}

function explain(error: Error, code: string): ConnectorError {
  switch (code) {
    case '28P01':
    case '28000':
      return unusable('the database refused user and password. Fix them in the URL.', error);
    case '3D000':
      return unusable(
        'the server has no database of the name that the URL ends with. Create it, or fix the URL.',
        error,
      );
    case '42501':
      return unusable(
        'the database user may not create or write the ledger’s tables. Grant it the schema, or name another user.',
        error,
      );
    case '42939':
      return unusable(
        'the server keeps schema names like that for itself (pg_…). Name another schema.',
        error,
      );
    case 'ENOENT':
    case 'EACCES':
      return unusable(`a file that the URL names can't be read (${error.message}). Fix its path.`, error);
    case UNKNOWN_HOST:
      return unusable('the host in the URL is not known. Fix it.', error);
    default:
      return /certificate|SSL|self.signed/i.test(error.message)
        ? unusable(
            `the connection can't be made safe (${error.message}). Fix sslmode or the certificates.`,
            error,
          )
        : new TransientError(
            'ledger_unavailable',
            `The ledger's database failed: ${reasonOf(error, code)}.`,
            {
              cause: error,
            },
          );
  }
}

function readOnly(error: Error): ConfigError {
  return unusable(
    `the database is read-only (${error.message}), as a replica is. Name the primary server in the URL, or switch default_transaction_read_only off.`,
    error,
  );
}

function reasonOf({ message }: Error, code: string): string {
  return message === '' ? code : message;
}

function unusable(problem: string, cause?: unknown): ConfigError {
  return new ConfigError([`ledger: ${problem}`], { code: 'ledger_unusable', cause });
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

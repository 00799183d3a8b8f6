/** Transactions on a Postgres server that may go away and come back; its refusals in plain words. */
import type { Pool, PoolClient, QueryResultRow } from 'pg';
import type { Clock } from '../../clock.ts';
import { ConfigError, ConnectorError, TransientError } from '../../errors.ts';
import { retry } from '../../retry.ts';

export interface PostgresOptions {
  /** As `postgres://user:password@host/database?sslmode=verify-full`. */
  readonly url: string;
  readonly schema: string;
}

export interface RetryOptions {
  readonly clock: Clock;
  /** How long one transaction is tried for, waits included. */
  readonly retryBudgetMs: number;
  /** How long a connection or a statement may take where somebody waits for the answer. */
  readonly attemptTimeoutMs?: number;
  /** Told before each wait. */
  readonly onRetry?: (message: string) => void;
  /** Ends the waits, and with a little patience what is under way; its reason is thrown. */
  readonly stop?: AbortSignal;
}

/** Few: a pooler in between may have few as well. */
const MAX_CONNECTIONS = 4;
const CONNECT_TIMEOUT_MS = 15_000;
/** Only a server that is stuck needs so long, whatever the ledger's size. */
const STATEMENT_TIMEOUT_MS = 15 * 60_000;
/** After the signal to stop. */
const STOP_GRACE_MS = 8_000;
const CLOSE_TIMEOUT_MS = 5_000;
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** The server is away, starting, shutting down or full, or two transactions met: another try may pass. */
const PASSING =
  /^(?:ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|57P0[1-35]|08...|53300|40001|40P01)$/;
const PASSING_MESSAGE =
  /connection terminated|timeout exceeded when trying to connect|connection timeout|query read timeout|connection error and is not queryable/i;
const STUCK_MESSAGE = /query read timeout/i;
/** Passes only where the name was found before. */
const UNKNOWN_HOST = 'ENOTFOUND';
/** What a replica answers to whatever writes, and during a failover the server that was the primary. */
const READ_ONLY = '25006';

export class PostgresConnection {
  readonly #pool: Pool;
  readonly #searchPath: string;
  readonly #options: RetryOptions;
  /** Ends transactions that are under way. */
  readonly #underWay = new Set<(reason: Error) => void>();
  /** Aborted when a run that was stopped has been patient enough. */
  readonly #outOfPatience = new AbortController();
  #hasConnected = false;

  private constructor(pool: Pool, searchPath: string, options: RetryOptions) {
    this.#pool = pool;
    this.#searchPath = searchPath;
    this.#options = options;
    options.stop?.addEventListener('abort', () => void this.#endUnderWay(), { once: true });
  }

  /** Loads the driver; connects when it is first used. Throws ConfigError when the URL is none. */
  static async create({ url, schema }: PostgresOptions, options: RetryOptions): Promise<PostgresConnection> {
    if (!URL.canParse(url))
      throw unusable('the URL can’t be read. Write it as postgresql://user:password@host/database.');
    // That switches the check of the server's certificate off.
    if (new URL(url).searchParams.get('sslmode') === 'no-verify')
      throw unusable(
        'sslmode=no-verify is refused, since anybody could pose as the server. Use verify-full.',
      );
    const { default: pg } = await import('pg');
    const pool = new pg.Pool({
      connectionString: url,
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: Math.min(CONNECT_TIMEOUT_MS, options.attemptTimeoutMs ?? Infinity),
      // Both are of the client alone: a pooler in between need not know of them.
      query_timeout: options.attemptTimeoutMs ?? STATEMENT_TIMEOUT_MS,
      keepAlive: true,
    });
    // An idle connection that breaks is replaced by the next use.
    pool.on('error', () => undefined);
    // What ends a connection may come in one packet with what opens it, before anyone else listens.
    pool.on('connect', (client) => {
      client.on('error', () => undefined);
    });
    return new PostgresConnection(pool, quoted(schema), options);
  }

  /** The schema, fit for SQL. */
  get quotedSchema(): string {
    return this.#searchPath;
  }

  /**
   * What `work` gives, in one transaction; repeated as a whole after a lost connection, so it must bear that. It is tried
   * until then, by the clock; else for as long as the options say.
   */
  transaction<Result>(work: (client: PoolClient) => Promise<Result>, until?: number): Promise<Result> {
    return this.#retried(() => this.#once(work), until);
  }

  /** The same, and nothing of it stays. */
  dryRun<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    return this.#retried(() => this.#once(work, 'ROLLBACK'));
  }

  #retried<Result>(
    attempt: () => Promise<Result>,
    until = this.#options.clock.now() + this.#options.retryBudgetMs,
  ): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.#underWay.add(reject);
      retry(attempt, { afterFailure: (error, attempt) => this.#waitOrThrow(error, attempt, until) })
        .then(resolve, reject)
        .finally(() => this.#underWay.delete(reject));
    });
  }

  /** The rows of one statement that only reads, which names its tables with the schema: one trip to the server instead of four. */
  read<Row extends QueryResultRow>(sql: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#retried(async () => (await this.#pool.query<Row>(sql, [...values])).rows);
  }

  /** After some last work, which is tried once; does not wait long for a server that is away, nor longer than a stop may take. Never rejects. */
  async close(lastWork?: (client: PoolClient) => Promise<unknown>): Promise<void> {
    const closed = new AbortController();
    const noLonger = AbortSignal.any([closed.signal, this.#outOfPatience.signal]);
    const closing = async () => {
      if (lastWork) await this.#once(lastWork).catch(() => undefined);
      await this.#pool.end();
    };
    await Promise.race([
      closing(),
      this.#options.clock.sleep(CLOSE_TIMEOUT_MS, noLonger).catch(() => undefined),
    ]);
    closed.abort(new Error('closed'));
  }

  async #endUnderWay(): Promise<void> {
    const { clock, stop } = this.#options;
    await clock.sleep(STOP_GRACE_MS);
    this.#outOfPatience.abort(stop?.reason);
    for (const reject of this.#underWay) reject(stop?.reason as Error);
  }

  async #once<Result>(
    work: (client: PoolClient) => Promise<Result>,
    end: 'COMMIT' | 'ROLLBACK' = 'COMMIT',
  ): Promise<Result> {
    const client = await this.#pool.connect();
    this.#hasConnected = true;
    let broken: Error | undefined;
    // The pool listens to idle clients only, and a lost connection that nobody hears of ends the process.
    const onError = (error: Error) => {
      broken = error;
    };
    client.on('error', onError);
    try {
      await client.query('BEGIN');
      // Of this transaction only: behind a pooler the next one may have another connection.
      await client.query(`SET LOCAL search_path TO ${this.#searchPath}`);
      const result = await work(client);
      await client.query(end);
      return result;
    } catch (error) {
      // A statement that came too late is still under way: nothing else gets through.
      if (STUCK_MESSAGE.test((error as Error).message)) broken ??= error as Error;
      // The next try may find another server under the same name, or the same one with its setting changed.
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

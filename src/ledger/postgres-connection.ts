/** Transactions on a Postgres server that may go away and come back; its refusals in plain words. */
import pRetry from 'p-retry';
import type { Pool, PoolClient, QueryResultRow } from 'pg';
import type { Clock } from '../clock.ts';
import { ConfigError, ConnectorError, TransientError } from '../errors.ts';

export interface PostgresOptions {
  /** As `postgres://user:password@host/database?sslmode=verify-full`. */
  readonly url: string;
  readonly schema: string;
}

export interface RetryOptions {
  readonly clock: Clock;
  /** How long one transaction is tried for, waits included. */
  readonly retryBudgetMs: number;
  /** Told before each wait. */
  readonly onRetry?: (message: string) => void;
}

/** Few: a pooler in between may have few as well. */
const MAX_CONNECTIONS = 4;
const CONNECT_TIMEOUT_MS = 15_000;
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** The server is away, starting, shutting down or full, or two transactions met: another try may pass. */
const PASSING =
  /^(?:ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|57P0[1-3]|08...|53300|40001|40P01)$/;
const PASSING_MESSAGE = /connection terminated|timeout exceeded when trying to connect|connection timeout/i;

export class PostgresConnection {
  readonly #pool: Pool;
  readonly #searchPath: string;
  readonly #options: RetryOptions;

  private constructor(pool: Pool, searchPath: string, options: RetryOptions) {
    this.#pool = pool;
    this.#searchPath = searchPath;
    this.#options = options;
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
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    });
    // An idle connection that breaks is replaced by the next use.
    pool.on('error', () => undefined);
    return new PostgresConnection(pool, quoted(schema), options);
  }

  /** The schema, fit for SQL. */
  get quotedSchema(): string {
    return this.#searchPath;
  }

  /** What `work` gives, in one transaction; repeated as a whole after a lost connection, so it must bear that. */
  transaction<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    return this.#retrying(() => this.#once(work));
  }

  /** The rows of one statement that only reads, which names its tables with the schema: one trip to the server instead of four. */
  read<Row extends QueryResultRow>(sql: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#retrying(async () => (await this.#pool.query<Row>(sql, [...values])).rows);
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  #retrying<Result>(attempt: () => Promise<Result>): Promise<Result> {
    const { clock } = this.#options;
    const startedAt = clock.now();
    return pRetry(attempt, {
      retries: Infinity,
      minTimeout: 0,
      onFailedAttempt: ({ error, attemptNumber }) => this.#waitOrThrow(error, attemptNumber, startedAt),
    });
  }

  async #once<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      // Of this transaction only: behind a pooler the next one may have another connection.
      await client.query(`SET LOCAL search_path TO ${this.#searchPath}`);
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: unknown) => {
        broken = failure as Error;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #waitOrThrow(error: Error, attempt: number, startedAt: number): Promise<void> {
    const { clock, retryBudgetMs, onRetry } = this.#options;
    if (error instanceof ConnectorError) throw error;
    const code = (error as { code?: string }).code ?? '';
    if (!PASSING.test(code) && !PASSING_MESSAGE.test(error.message)) throw explain(error, code);
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), MAX_BACKOFF_MS);
    const waitMs = backoffMs * (0.5 + clock.random() / 2);
    if (clock.now() + waitMs - startedAt > retryBudgetMs) {
      throw new TransientError(
        'ledger_unavailable',
        `The ledger's database could not be reached for too long; the last try: ${reasonOf(error, code)}. Run the sync again later.`,
        { cause: error },
      );
    }
    onRetry?.(
      `The ledger's database is away (${reasonOf(error, code)}). Trying again in ${(waitMs / 1000).toFixed(1)} s.`,
    );
    await clock.sleep(waitMs);
  }
}

function explain(error: Error, code: string): ConnectorError {
  switch (code) {
    case '28P01':
    case '28000':
      return unusable('the database refused user and password. Mend them in the URL.', error);
    case '3D000':
      return unusable(
        'the server has no database of the name that the URL ends with. Create it, or mend the URL.',
        error,
      );
    case '42501':
      return unusable(
        'the database user may not create or write the ledger’s tables. Grant it the schema, or name another user.',
        error,
      );
    case 'ENOTFOUND':
      return unusable('the host in the URL is not known. Mend it.', error);
    default:
      return /certificate|SSL|self.signed/i.test(error.message)
        ? unusable(
            `the connection can't be made safe (${error.message}). Mend sslmode or the certificates.`,
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

function reasonOf({ message }: Error, code: string): string {
  return message === '' ? code : message;
}

function unusable(problem: string, cause?: unknown): ConfigError {
  return new ConfigError([`ledger: ${problem}`], { code: 'ledger_unusable', cause });
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

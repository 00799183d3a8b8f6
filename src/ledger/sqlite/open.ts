/** Opens the file of a SQLite ledger, or says in plain words why that can't be done. */
import { existsSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type * as Driver from 'node:sqlite';
import type { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { ConfigError, ConnectorError, TransientError } from '../../errors.ts';
import { migrate, schemaVersion } from './schema.ts';

/** Kept small, so that memory stays flat whatever the ledger's size. */
const CACHE_KIB = 32_768;
/** Primary codes; an extended one has more above them. */
const PRIMARY_CODE = 0xff;
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;

/** Opened to be written, by this process alone; created when it is missing. Its lock ends with the process. */
export async function openToWrite(path: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await loadSqlite();
  return orExplain(path, async () => {
    // SQLite would let others read what it creates.
    await (await open(path, 'a', 0o600)).close();
    // By its whole path: `:memory:` would be no file for SQLite, and `file:…` an address with options.
    const database = new DatabaseSync(resolve(path));
    try {
      // Before the first access, so that the lock is kept between transactions.
      database.exec('PRAGMA locking_mode = EXCLUSIVE');
      database.exec('PRAGMA journal_mode = WAL');
      // A transaction is on the disk when it ends: the state that covers it may go out.
      database.exec('PRAGMA synchronous = FULL');
      database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
      database.exec('BEGIN IMMEDIATE; COMMIT');
      migrate(database);
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  });
}

/** A file that is only read. */
export interface OpenedToRead {
  readonly database: DatabaseSync;
  /** Takes away what SQLite has put beside the file to read it. To be called once the database is closed. */
  readonly tidy: () => void;
  /** The error for people. */
  readonly explain: (error: unknown) => Error;
}

/** Opened to be read, changing no file; undefined where there is none, or an empty one. */
export async function openToRead(path: string): Promise<OpenedToRead | undefined> {
  if (!existsSync(path) || statSync(path).size === 0) return undefined;
  const { DatabaseSync } = await loadSqlite();
  // Without a log beside it nobody has it open, and nothing need be locked.
  const isQuiet = !existsSync(`${path}-wal`);
  const hadIndex = existsSync(`${path}-shm`);
  const tidy = () => {
    // An index of a killed run's log: those who write keep theirs in memory, and make it anew.
    if (!isQuiet && !hadIndex) rmSync(`${path}-shm`, { force: true });
  };
  // A run that began to write meanwhile has changed what is being read.
  const explainRead = (error: unknown) =>
    isQuiet && existsSync(`${path}-wal`) ? busy(path, error) : explain(path, error);
  let database: DatabaseSync | undefined;
  try {
    const location = isQuiet ? new URL(`${pathToFileURL(path).href}?immutable=1`) : resolve(path);
    database = new DatabaseSync(location, { readOnly: true });
    database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    if (schemaVersion(database) > 0) return { database, tidy, explain: explainRead };
  } catch (error) {
    database?.close();
    tidy();
    throw explainRead(error);
  }
  database.close();
  tidy();
  return undefined;
}

type Sqlite = Pick<typeof Driver, 'DatabaseSync'>;

/** Node's own SQLite. Throws ConfigError where this Node has none. */
export async function loadSqlite(): Promise<Sqlite> {
  try {
    return await import('node:sqlite');
  } catch (cause) {
    throw unusable(
      'a ledger of type sqlite needs Node 22.13 or newer. Update Node, or use the image.',
      cause,
    );
  }
}

/** What `use` gives; a failure of SQLite or the file system in plain words. */
export async function orExplain<Result>(path: string, use: () => Promise<Result>): Promise<Result> {
  try {
    return await use();
  } catch (error) {
    throw explain(path, error);
  }
}

/** The error for people. */
export function explain(path: string, error: unknown): Error {
  if (error instanceof ConnectorError) return error;
  const { code, errcode, errstr, message } = error as Partial<NodeJS.ErrnoException> & {
    errcode?: number;
    errstr?: string;
  };
  const primary = errcode === undefined ? undefined : errcode & PRIMARY_CODE;
  if (primary === SQLITE_BUSY) return busy(path, error);
  if (primary === SQLITE_FULL || code === 'ENOSPC')
    return unusable(`${path} can't grow: the disk is full. Make room.`, error);
  if (code === 'ENOENT')
    return unusable(
      `${path} can't be created: the folder ${dirname(path)} does not exist. Create it, or name another.`,
      error,
    );
  if (code === 'EISDIR') return unusable(`${path} is a folder. Name a file.`, error);
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
    return unusable(`${path} may not be written. Fix its permissions, or name another.`, error);
  if (primary === SQLITE_READONLY || primary === SQLITE_CANTOPEN)
    return unusable(
      `${path} and its folder must both be writable, since SQLite keeps a log beside the file. Fix the permissions, or name another.`,
      error,
    );
  if (errcode !== undefined)
    return unusable(
      `${path} can't be used as a ledger (${errstr ?? message}). Name another file, or take this one away to start over.`,
      error,
    );
  if (code === undefined)
    return error instanceof Error ? error : new Error('SQLite failed', { cause: error });
  return unusable(`${path} can't be opened (${code}).`, error);
}

function busy(path: string, cause: unknown): TransientError {
  return new TransientError(
    'ledger_busy',
    `Another run has the ledger ${path} open, and one at a time may use it. Run again when that one has ended.`,
    { cause },
  );
}

function unusable(problem: string, cause: unknown): ConfigError {
  return new ConfigError([`ledger: ${problem}`], { code: 'ledger_unusable', cause });
}

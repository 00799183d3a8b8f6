/** Opens the file of a SQLite ledger; explains to the user why that fails. */
import { existsSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type * as Driver from 'node:sqlite';
import type { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { ConfigError, ConnectorError, TransientError } from '../../errors.ts';
import { migrate, schemaVersion, showAsCurrent } from './schema.ts';

/** Small, so that memory use does not depend on the size of the ledger. */
const CACHE_KIB = 32_768;
/** The low byte of an extended error code is the primary code. */
const PRIMARY_CODE = 0xff;
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;

/** Opens the file for writing, exclusively for this process; creates it if it is missing. The lock ends with the process. */
export async function openToWrite(path: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await loadSqlite();
  return orExplain(path, async () => {
    // Created here, because a file created by SQLite would be readable by other users.
    await (await open(path, 'a', 0o600)).close();
    // Resolved, because SQLite takes `:memory:` for no file, and `file:…` for a URI with options.
    const database = new DatabaseSync(resolve(path));
    try {
      // Set before the first access, so that the lock is kept between transactions.
      database.exec('PRAGMA locking_mode = EXCLUSIVE');
      database.exec('PRAGMA journal_mode = WAL');
      // A committed transaction must be on disk, because the state message that covers it is sent afterwards.
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

/** A file opened read-only. */
export interface OpenedToRead {
  readonly database: DatabaseSync;
  /** Deletes the file that SQLite created beside the ledger for reading. To be called after closing the database. */
  readonly tidy: () => void;
  /** Turns an error into one for the user. */
  readonly explain: (error: unknown) => Error;
}

/** Opens the file read-only, without changing any file; undefined if it is missing or empty. */
export async function openToRead(path: string): Promise<OpenedToRead | undefined> {
  if (!existsSync(path) || statSync(path).size === 0) return undefined;
  const { DatabaseSync } = await loadSqlite();
  // Without a write-ahead log, no run has the file open, and no lock is needed.
  const isQuiet = !existsSync(`${path}-wal`);
  const hadIndex = existsSync(`${path}-shm`);
  const tidy = () => {
    // SQLite created this index for the log of a killed run. Writers don't need it: they keep theirs in memory.
    if (!isQuiet && !hadIndex) rmSync(`${path}-shm`, { force: true });
  };
  // A log that appeared meanwhile shows that another run is writing the file while it is read.
  const explainRead = (error: unknown) =>
    isQuiet && existsSync(`${path}-wal`) ? busy(path, error) : explain(path, error);
  let database: DatabaseSync | undefined;
  try {
    const location = isQuiet ? new URL(`${pathToFileURL(path).href}?immutable=1`) : resolve(path);
    database = new DatabaseSync(location, { readOnly: true });
    database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    if (schemaVersion(database) > 0) {
      showAsCurrent(database);
      return { database, tidy, explain: explainRead };
    }
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

/** Loads Node's SQLite. Throws ConfigError if this Node version has none. */
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

/** Runs `use`; turns a failure of SQLite or the file system into an error for the user. */
export async function orExplain<Result>(path: string, use: () => Promise<Result>): Promise<Result> {
  try {
    return await use();
  } catch (error) {
    throw explain(path, error);
  }
}

/** Turns an error of SQLite or the file system into one for the user. */
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

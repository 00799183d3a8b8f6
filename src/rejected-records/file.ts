/** Stores rejected records in a local file: append-only, readable by its owner only, synced to disk when a flush resolves. */
import { constants } from 'node:fs';
import { access, open, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '../errors.ts';
import { rejectedRecordLine, type RejectedRecord, type RejectedRecords } from './rejected-records.ts';

/** How much text may be buffered in memory before {@link RejectedRecords.untilRoom} flushes it. */
const MAX_WAITING_CHARACTERS = 1_000_000;
const NEWLINE = 10;

/** Opens the file for appending; creates it if it is missing. Throws a ConfigError that names the option. */
export async function openRejectedRecordsFile(file: string): Promise<RejectedRecords> {
  try {
    // Only the owner may read it, since it contains personal data.
    const handle = await open(file, 'a+', 0o600);
    await endLastLine(handle);
    return new RejectedRecordsFile(file, handle);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** Throws a ConfigError if the file could not be written. Does not create it. */
export async function checkRejectedRecordsFile(file: string): Promise<void> {
  try {
    const isFolder = file.endsWith('/') || (await stat(file).catch(() => undefined))?.isDirectory() === true;
    if (isFolder) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
    // Read access is needed to check whether the last line is complete.
    await access(file, constants.R_OK | constants.W_OK).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return access(path.dirname(path.resolve(file)), constants.W_OK | constants.X_OK);
    });
  } catch (error) {
    throw unwritable(file, error);
  }
}

class RejectedRecordsFile implements RejectedRecords {
  readonly #file: string;
  readonly #handle: FileHandle;
  #waiting: string[] = [];
  #waitingCharacters = 0;
  #isSynced = true;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
  }

  add(record: RejectedRecord): void {
    const line = rejectedRecordLine(record);
    this.#waiting.push(line);
    this.#waitingCharacters += line.length;
  }

  untilRoom(): Promise<void> {
    return this.#waitingCharacters > MAX_WAITING_CHARACTERS ? this.flush() : Promise.resolve();
  }

  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.#handle.close();
    }
  }

  async #write(): Promise<void> {
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#waitingCharacters = 0;
    try {
      if (text !== '') {
        this.#isSynced = false;
        await this.#handle.appendFile(text);
      }
      if (!this.#isSynced) await this.#sync();
    } catch (error) {
      throw unwritable(this.#file, error);
    }
  }

  async #sync(): Promise<void> {
    await this.#handle.datasync().catch((error: unknown) => {
      // A pipe or a terminal can't be synced.
      if (!['EINVAL', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    });
    this.#isSynced = true;
  }
}

/** Ends an incomplete last line that a crashed run may have left, so that the first record is not appended to it. */
async function endLastLine(handle: FileHandle): Promise<void> {
  const stat = await handle.stat();
  if (!stat.isFile() || stat.size === 0) return;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, stat.size - 1);
  if (buffer[0] !== NEWLINE) await handle.appendFile('\n');
}

function unwritable(file: string, error: unknown): ConfigError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unwritable';
  return new ConfigError(
    [
      `rejected_records.path: can't write ${file} (${code}). Name a file in a folder that exists and may be written.`,
    ],
    { code: 'rejected_records_unwritable', cause: error },
  );
}

import { accessSync, chmodSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const MEMORY = '/dev/shm';
/** Containers often have 64 MB; a few Postgres servers and what the tests write need some hundred. */
const NEEDED_BYTES = 2 ** 31;

/**
 * Makes the folder in which all tests of a run have their files: in memory where there is room, since a database waits for the
 * disk at each commit. What they make once for all is there, too: a fresh Postgres, and the program as V8 has compiled it.
 */
export default function makeRunFolder() {
  const folder = mkdtempSync(path.join(isMemoryFit() ? MEMORY : tmpdir(), 'iterable-test-run-'));
  // Some programs run as another user: the Postgres server, where the tests run as root.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = process.env.TEST_RUN_FOLDER = folder;
  // A run that is broken off comes to no teardown, and what lies in memory would stay there.
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      process.kill(process.pid, signal);
    });
}

function isMemoryFit() {
  try {
    accessSync(MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize > NEEDED_BYTES;
  } catch {
    return false;
  }
}

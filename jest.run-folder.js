import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Names a folder for what the tests of one run make once for all: a fresh Postgres, and the program as V8 has compiled it. */
export default function makeRunFolder() {
  process.env.TEST_RUN_FOLDER = mkdtempSync(path.join(tmpdir(), 'iterable-test-run-'));
}

import { rmSync } from 'node:fs';

/** Removes what `run-folder.js` made. */
export default function removeRunFolder() {
  rmSync(process.env.TEST_RUN_FOLDER, { recursive: true, force: true });
}

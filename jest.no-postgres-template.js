import { rmSync } from 'node:fs';

/** Removes what `jest.postgres-template.js` named. */
export default function removePostgresTemplate() {
  rmSync(process.env.POSTGRES_TEMPLATE, { recursive: true, force: true });
}

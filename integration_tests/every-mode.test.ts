/** Every mode that `spec` declares works for a custom image, which gets neither generation ids nor stream statuses. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { withHarness } from './support/harness.ts';
import { aCatalog, aRecord, aState, aStream } from './support/messages.ts';

const spec = JSON.parse(readFileSync(new URL('../spec.json', import.meta.url), 'utf8')) as {
  readonly supported_destination_sync_modes: readonly string[];
};
/** The last case runs as a child process. */
const CASES = spec.supported_destination_sync_modes.flatMap((destinationSyncMode) =>
  ['full_refresh', 'incremental'].map((syncMode) => ({ syncMode, destinationSyncMode })),
);

describe('without generation ids and stream statuses', () => {
  it.each(CASES)('$syncMode, $destinationSyncMode delivers, acknowledges and removes no users', (modes) =>
    withHarness({}, async (harness) => {
      harness.addUser({ email: 'old@x.com' }, { n: 'before' });
      harness.addUser({ email: 'absent@x.com' }, { n: 'before' });
      const catalog = aCatalog(aStream({ ...modes, primaryKey: [['id']] }));
      const input = [
        aRecord({ id: 1, email: 'old@x.com', n: 'after' }),
        aRecord({ id: 2, email: 'new@x.com', n: 'after' }),
        aState(1),
      ];
      const config = { ledger: { type: 'sqlite', path: harness.files.path('ledger.sqlite') } };
      for (const lines of [input, [...input.slice(0, 1), aState(2)]]) {
        const result =
          modes === CASES.at(-1)
            ? await harness.write(lines, { catalog, config })
            : await harness.writeInProcess(lines, { catalog, config });
        expect([result.exitCode, result.errors, result.states.length]).toEqual([0, [], 1]);
      }
      const creates = modes.destinationSyncMode !== 'update';
      expect(
        harness.standin.store.users().map(({ email, dataFields }) => [email, dataFields.n] as const),
      ).toEqual([
        ['old@x.com', 'after'],
        ['absent@x.com', 'before'],
        ...(creates ? [['new@x.com', 'after']] : []),
      ]);
    }),
  );
});

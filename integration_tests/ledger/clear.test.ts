/** Airbyte's Clear, as the platform sends it: null states, COMPLETE, no records. It looks like an empty full refresh. */
import { describe, expect, it } from '@jest/globals';
import { withHarness } from '../support/harness.ts';
import { aCatalog, aRecord, aState, aStatus, aStream } from '../support/messages.ts';

const NAMES = ['users', 'crm'];
const catalogOf = (generationId: number, destinationSyncMode: string) =>
  aCatalog(
    ...NAMES.map((name) =>
      aStream({
        name,
        syncMode: 'full_refresh',
        destinationSyncMode,
        primaryKey: [['id']],
        generationId,
        minimumGenerationId: generationId,
      }),
    ),
  );
const nullState = (stream: string) => aState(null, stream).replace('{"cursor":null}', 'null');
const statuses = NAMES.map((name) => aStatus('COMPLETE', name));

describe('a Clear', () => {
  it.each(['append', 'append_dedup', 'overwrite'])(
    'after %s removes no users, and its null states are returned; the next sync may remove users again',
    (mode) =>
      withHarness({}, async (harness) => {
        const config = {
          ledger: { type: 'sqlite', path: harness.files.path('ledger.sqlite') },
          max_removals_percent: 100,
        };
        const run = async (generation: number, lines: readonly string[]) => {
          const result = await harness.write([...lines, ...statuses], {
            catalog: catalogOf(generation, mode),
            config,
          });
          expect([result.exitCode, result.errors]).toEqual([0, []]);
          return result;
        };
        const record = (id: number, stream: string) =>
          aRecord({ id, email: `${stream}${id}@x.com` }, { stream });
        const all = NAMES.flatMap((name) => [record(1, name), record(2, name), aState(1, name)]);
        await run(1, all);
        expect(harness.standin.store.size).toBe(4);

        const cleared = await run(2, NAMES.map(nullState));
        expect(cleared.states.map((state) => state.replace(/,"destinationStats":\{[^}]*\}/, ''))).toEqual(
          NAMES.map((name) => nullState(name).trim()),
        );
        expect(harness.standin.store.size).toBe(4);

        await run(
          3,
          NAMES.flatMap((name) => [record(2, name), aState(1, name)]),
        );
        expect(harness.standin.store.users().map(({ email }) => email)).toEqual([
          'users2@x.com',
          'crm2@x.com',
        ]);
      }),
  );
});

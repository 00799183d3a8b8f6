/** Which ledger a sync uses: selected by key, name and scope; after it was lost; while another run has it open. */
import { expect, it } from '@jest/globals';
import { describeLedgers } from '../support/ledgers.ts';
import { aCatalog, aRecord, aState, aStatus, aStream } from '../support/messages.ts';
import type { RunResult } from '../support/connector.ts';
import { withHarness, type Harness } from '../support/harness.ts';
import { withSyncs, type SyncOptions, type Syncs } from '../support/syncs.ts';

const ROWS = ['a', 'b', 'c'].map((name, id) => ({ id, email: `${name}@x.com`, name }));
const FEWER = ROWS.slice(0, 1);
const MIRROR: SyncOptions = {
  status: 'COMPLETE',
  catalog: aCatalog(
    aStream({ primaryKey: [['id']], syncMode: 'full_refresh', destinationSyncMode: 'overwrite' }),
  ),
};
const CONFIG = { max_removals_percent: 100 };
const WAITING = 'Another run has claimed the stream users in this ledger. Waiting in case it has died';
const ALL = ['a@x.com', 'b@x.com', 'c@x.com'];

describeLedgers('the ledger', (backend) => {
  const play = (test: (syncs: Syncs) => Promise<void>) => withSyncs(backend, CONFIG, test);
  const ledgerAt = ({ harness }: { harness: Harness }, place: Record<string, string>) => ({
    ledger: backend.option(harness, place),
  });

  it('of a rotated key is a new one: everything is sent again, and no users are removed', () =>
    play(async (syncs) => {
      await syncs.sync(ROWS, MIRROR);
      rotateKey(syncs);
      const rotated = await syncs.sync(FEWER, MIRROR);
      expect(rotated.calls).toEqual(['bulkUpdate']);
      expect(Object.keys(syncs.users)).toEqual(ALL);
    }));

  it('of a named project does not depend on the key; another name starts a new one', () =>
    play(async (syncs) => {
      const named = { ...MIRROR, config: ledgerAt(syncs, { name: 'shop' }) };
      await syncs.sync(ROWS, named);
      rotateKey(syncs);
      const anew = await syncs.sync(FEWER, { ...MIRROR, config: ledgerAt(syncs, { name: 'shop 2' }) });
      expect(anew.calls).toEqual(['bulkUpdate']);
      expect(Object.keys(syncs.users)).toEqual(ALL);
      expect((await syncs.sync(ROWS, named)).calls).toEqual([]);
      expect((await syncs.sync(FEWER, named)).calls).toEqual(['delete', 'delete']);
      expect(Object.keys(syncs.users)).toEqual(['a@x.com']);
    }));

  it('that was lost causes a full resend, and no removal', () =>
    play(async (syncs) => {
      await syncs.sync(ROWS, MIRROR);
      await backend.lose(syncs.harness);
      const after = await syncs.sync(FEWER, MIRROR);
      expect(after.calls).toEqual(['bulkUpdate']);
      expect(Object.keys(syncs.users)).toEqual(ALL);
      expect((await syncs.sync(FEWER, MIRROR)).calls).toEqual([]);
    }));

  it('separates two Iterable projects', () =>
    play(async (syncs) => {
      await syncs.sync(ROWS, MIRROR);
      await withHarness({ apiKey: 'another-key-of-another-project' }, async (other) => {
        const write = (rows: typeof ROWS) =>
          other.write([...rows.map((row) => aRecord(row)), aState(1), aStatus('COMPLETE')], {
            catalog: MIRROR.catalog,
            config: { ...CONFIG, ledger: backend.option(syncs.harness) },
          });
        expect((await write(ROWS)).errors).toEqual([]);
        expect(other.standin.store.size).toBe(3);
        expect((await write(FEWER)).errors).toEqual([]);
        expect(other.standin.store.size).toBe(1);
      });
      expect(Object.keys(syncs.users)).toEqual(ALL);
      expect((await syncs.sync(ROWS, MIRROR)).calls).toEqual([]);
    }));

  it('can be used by one run per stream at a time: a second run fails and says what to do', () =>
    play(async (syncs) => {
      const { harness } = syncs;
      const options = { config: { ledger: backend.option(harness), batch_size: 1 }, catalog: MIRROR.catalog };
      let second: Promise<RunResult> | undefined;
      const hasBegun = new Promise<void>((resolve) => {
        harness.standin.intercept = ({ path }) => {
          if (path.endsWith('/bulkUpdate')) resolve();
          return undefined;
        };
      });
      const input = (async function* () {
        yield [aRecord(ROWS[0] ?? {}), aState(1)].join('');
        await hasBegun;
        let onWaiting = (): void => undefined;
        const isWaiting = new Promise<void>((resolve) => (onWaiting = resolve));
        second = harness.write('', {
          ...options,
          onLine: (line) => {
            if (line.includes(WAITING)) onWaiting();
          },
        });
        await Promise.race([second, isWaiting]);
        // With Postgres this shows that the first run is alive.
        yield [aRecord(ROWS[1] ?? {}), aState(2)].join('');
        await second;
      })();
      const first = await harness.write(input, options);
      expect(first.errors).toEqual([]);
      expect(first.states).toHaveLength(2);
      expect(await second).toMatchObject({
        exitCode: 1,
        states: [],
        errors: [
          {
            failure_type: 'transient_error',
            message: expect.stringMatching(/^Another run .* Run again when that one has ended/),
            internal_message: expect.stringMatching(/^ledger_busy/),
          },
        ],
      });
      // After it is closed, it can be used at once.
      const { logs } = await syncs.sync(ROWS, MIRROR);
      expect(logs.join('\n')).not.toContain(WAITING);
    }));

  it('of a killed run can be used again, and records that were not acknowledged are sent', () =>
    play(async (syncs) => {
      let kill = () => undefined as unknown;
      syncs.harness.standin.intercept = ({ path }) => {
        if (!path.endsWith('/bulkUpdate')) return undefined;
        kill();
        return { hang: true };
      };
      const killed = await syncs.run(ROWS, {
        ...MIRROR,
        onSpawn: (child) => {
          kill = () => child.kill('SIGKILL');
        },
      });
      expect(killed.signal).toBe('SIGKILL');
      syncs.harness.standin.intercept = undefined;
      // With Postgres the claim is still respected, since the run may be alive; the next run goes on when it has expired.
      const next = await syncs.sync(ROWS, {
        ...MIRROR,
        isProcess: true,
        onLine: (line) => {
          if (line.includes(WAITING)) void backend.afterKill?.(syncs.harness);
        },
      });
      expect(next.calls).toEqual(['bulkUpdate']);
      expect(next.logs.filter((line) => line.includes(WAITING))).toHaveLength(
        backend.name === 'postgres' ? 1 : 0,
      );
      expect(Object.keys(syncs.users)).toEqual(ALL);
    }));
});

/** Replaces the API key; the old one is no longer valid. */
function rotateKey({ harness }: Syncs): void {
  (harness.standin.options as { apiKey?: string }).apiKey = 'a-new-key-of-the-same-project';
}

it.each([':memory:', 'file:l.db?mode=memory'])('a ledger with the SQLite path %s is a real file', (name) =>
  withHarness({}, async (harness) => {
    const sync = async () => {
      const before = harness.standin.calls('/bulkUpdate').length;
      const { exitCode } = await harness.write(aRecord({ email: 'a@x.com' }), {
        config: { ledger: { type: 'sqlite', path: name } },
        cwd: harness.files.folder,
      });
      return [exitCode, harness.standin.calls('/bulkUpdate').length - before];
    };
    expect([await sync(), await sync()]).toEqual([
      [0, 1],
      [0, 0],
    ]);
  }),
);

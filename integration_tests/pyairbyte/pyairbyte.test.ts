/** PyAirbyte from PyPI runs the built program together with a real source. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStandin, type Standin } from '../standin/server.ts';
import { TestFiles } from '../support/connector.ts';
import { PyAirbyteClient, type WriteAnswer, type WriteOrder } from './client.ts';
import { findPyAirbyte } from './environment.ts';

const pyAirbyte = await findPyAirbyte();
if ('missing' in pyAirbyte)
  process.stderr.write(`\nSKIPPED: the tests with PyAirbyte did NOT run, because ${pyAirbyte.missing}.\n\n`);

const MAPPINGS = [
  { source: 'email', target: 'email' },
  { source: 'name', target: 'fullName' },
  { source: 'age', target: 'age' },
  { source: 'address.city', target: 'home.city' },
];
const FIELDS = { fullName: expect.any(String), age: expect.any(Number), home: { city: expect.any(String) } };

('missing' in pyAirbyte ? describe.skip : describe)('PyAirbyte', () => {
  let standin: Standin;
  let files: TestFiles;
  let client: PyAirbyteClient;

  beforeAll(async () => {
    if ('missing' in pyAirbyte) return;
    standin = await startStandin({ limitScale: Infinity });
    files = new TestFiles();
    client = new PyAirbyteClient(pyAirbyte, files.folder);
  });

  afterAll(async () => {
    await client.close();
    await standin.close();
    files.remove();
  });

  const config = (overrides: Record<string, unknown> = {}) => ({
    api_key: standin.apiKey,
    api_url: standin.url,
    project_type: 'hybrid',
    requests_per_second: 500,
    mappings: MAPPINGS,
    ...overrides,
  });

  /** Writes `count` users from the source. They don't change, so a later incremental sync reads nothing. */
  const write = (count: number, order: Partial<WriteOrder> = {}): Promise<WriteAnswer> =>
    client.write({
      config: config(),
      source: { count, seed: 7, records_per_slice: 10, parallelism: 1, always_updated: false },
      cache: files.path('cache.duckdb'),
      straight: false,
      fullRefresh: false,
      strategy: 'auto',
      ...order,
    });

  /** The expected stored state: one row for the stream, with the source's position and the destination's record count. */
  const oneState = (loop_offset: number, recordCount: number) => [
    {
      of: 'destination-iterable/source-faker/users',
      state: expect.objectContaining({
        type: 'STREAM',
        stream: expect.objectContaining({ stream_state: expect.objectContaining({ seed: 7, loop_offset }) }),
        destinationStats: expect.objectContaining({ recordCount }),
      }),
    },
  ];

  it('check: succeeds with a good key, and passes on the reason for a bad one', async () => {
    expect(await client.check(config())).toEqual({ status: 'SUCCEEDED' });
    expect(await client.check(config({ api_key: 'wrong-key' }))).toEqual({
      status: 'FAILED',
      message: expect.stringContaining('api_key: Iterable refused the key'),
    });
  }, 120_000);

  it('from a cache: sends all records at first, and all cached records again afterwards', async () => {
    const first = await write(25, { fullRefresh: true });
    expect(first).toEqual({ sent: 25, confirmed: 25, states: oneState(25, 25) });
    const users = standin.store.users();
    expect(users.length).toBe(25);
    for (const user of users)
      expect(user).toEqual({ email: expect.stringContaining('@'), dataFields: FIELDS });

    const second = await write(25);
    expect(second).toEqual({ sent: 25, confirmed: 25, states: oneState(25, 25) });
    expect(standin.store.users()).toEqual(users);
  }, 120_000);

  it('rejected records are not confirmed, and don’t stop other records', async () => {
    const [erased] = standin.store.users();
    standin.store.forgotten.add(erased?.email ?? '');
    const answer = await write(25, { fullRefresh: true, strategy: 'append' });
    expect(answer).toEqual({
      sent: 25,
      confirmed: 24,
      states: [
        expect.objectContaining({
          state: expect.objectContaining({
            destinationStats: expect.objectContaining({ recordCount: 24, rejectedRecordCount: 1 }),
          }),
        }),
      ],
    });
    standin.store.forgotten.clear();
  }, 120_000);

  it('without a record cache: sends the same users and ten more, then nothing new, and removes users with missing rows', async () => {
    const straight = {
      straight: true,
      strategy: 'replace' as const,
      cache: files.path('states.duckdb'),
      config: config({ ledger: { type: 'sqlite', path: files.path('ledger.sqlite') } }),
    };
    const before = standin.store.users();
    const first = await write(35, { ...straight, fullRefresh: true });
    // The source sends a state after every ten records; the stored one is the last, for the remaining five.
    expect(first).toEqual({ sent: 35, confirmed: 35, states: oneState(35, 5) });
    const users = standin.store.users();
    expect(users.length).toBe(35);
    expect(users.slice(0, 25)).toEqual(before);

    // An incremental sync with `overwrite`: no new records does not mean that all rows are missing.
    const second = await write(35, straight);
    expect(second).toEqual({ sent: 0, confirmed: 0, states: oneState(35, 0) });
    expect(standin.store.users()).toEqual(users);

    // Removing 10 of 35 triggers the removal guard, removing 5 does not.
    const fresh = { ...straight, fullRefresh: true, cache: files.path('fresh.duckdb') };
    expect(await write(25, fresh)).toMatchObject({ error: expect.stringContaining('Exit Code: 1') });
    expect(client.output).toContain('max_removals_percent');
    expect(standin.store.users()).toEqual(users);
    const third = await write(30, { ...fresh, cache: files.path('fresher.duckdb') });
    expect(third).toEqual({ sent: 30, confirmed: 30, states: oneState(30, 0) });
    expect(standin.store.users()).toEqual(users.slice(0, 30));
  }, 120_000);

  it('a refused key raises an error, and the stored state does not change', async () => {
    const before = (await write(25)).states;
    const answer = await write(25, { config: config({ api_key: 'wrong-key' }) });
    expect(answer).toEqual({ error: expect.stringContaining('destination-iterable'), states: before });
    expect(client.output).toContain('Iterable refused the key');
    expect(client.output).not.toContain(standin.apiKey);
    expect(client.output).not.toContain('wrong-key');
  }, 120_000);
});

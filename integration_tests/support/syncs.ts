/** Runs successive syncs with a ledger, and returns the calls of each and the users in Iterable afterwards. */
import { expect } from '@jest/globals';
import type { RunOptions, RunResult } from './connector.ts';
import type { StandinOptions } from '../standin/server.ts';
import { withHarness, type Harness, type JsonPlan, type WriteOptions } from './harness.ts';
import type { LedgerBackend } from './ledgers.ts';
import { aCatalog, aRecord, aState, aStatus, aStream } from './messages.ts';

type Data = Record<string, unknown>;

export interface SyncOptions {
  readonly config?: Data;
  readonly catalog?: ReturnType<typeof aCatalog>;
  /** The status sent at the end of the stream; none by default. */
  readonly status?: string;
  readonly stream?: string;
  readonly onSpawn?: RunOptions['onSpawn'];
  readonly onLine?: RunOptions['onLine'];
  /** Runs the built program as a child process, instead of its source in this process. */
  readonly isProcess?: boolean;
}

export interface SyncResult extends RunResult {
  /** The last path segment of each call that writes, in order; `delete` for a deletion. */
  readonly calls: readonly string[];
}

export class Syncs {
  readonly harness: Harness;
  readonly #ledger: LedgerBackend;
  readonly #config: Data;
  readonly #onSynced: () => void;

  constructor(harness: Harness, ledger: LedgerBackend, config: Data, onSynced: () => void) {
    this.harness = harness;
    this.#onSynced = onSynced;
    this.#ledger = ledger;
    this.#config = config;
  }

  /** Runs one sync of these rows, and expects it to succeed. */
  async sync(rows: readonly (Data | string)[], options: SyncOptions = {}): Promise<SyncResult> {
    const result = await this.run(rows, options);
    expect(result.errors).toEqual([]);
    expect(result.exitCode).toBe(0);
    return result;
  }

  async run(rows: readonly (Data | string)[], options: SyncOptions = {}): Promise<SyncResult> {
    const { standin } = this.harness;
    const before = standin.requests.length;
    const [lines, write] = this.#runOf(rows, options);
    // Tests that kill the run (onSpawn) need a child process as well.
    const result =
      options.isProcess === true || options.onSpawn
        ? await this.harness.write(lines, write)
        : await this.harness.writeInProcess(lines, write);
    this.#onSynced();
    const calls = standin.requests
      .slice(before)
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path }) => (method === 'DELETE' ? 'delete' : (path.split('/').at(-1) ?? '')));
    return { ...result, calls };
  }

  /** Makes a dry run of these rows, and expects that it changes nothing. */
  async plan(rows: readonly (Data | string)[], options: SyncOptions = {}): Promise<JsonPlan> {
    const { standin } = this.harness;
    const requests = standin.requests.length;
    const before = await this.contents();
    const result = await (options.isProcess === true
      ? this.harness.planJson(...this.#runOf(rows, options))
      : this.harness.planJsonInProcess(...this.#runOf(rows, options)));
    expect(standin.requests.slice(requests).filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(await this.contents()).toEqual(before);
    return result;
  }

  /** All contents of Iterable and the ledger. */
  async contents(): Promise<unknown> {
    const { store, lists } = this.harness.standin;
    const members = lists.all().map((list) => [list, [...store.membersOf(list.id)]]);
    return { users: store.users(), members, ledger: await this.#ledger.contents(this.harness) };
  }

  #runOf(rows: readonly (Data | string)[], options: SyncOptions): [string[], WriteOptions] {
    const stream = options.stream ?? 'users';
    return [
      [
        ...rows.map((row) => (typeof row === 'string' ? row : aRecord(row, { stream }))),
        aState(1, stream),
        ...(options.status === undefined ? [] : [aStatus(options.status, stream)]),
      ],
      {
        ...(options.onSpawn ? { onSpawn: options.onSpawn } : {}),
        ...(options.onLine ? { onLine: options.onLine } : {}),
        catalog: options.catalog ?? aCatalog(aStream({ name: stream, primaryKey: [['id']] })),
        config: {
          ledger: this.#ledger.option(this.harness),
          ...this.#config,
          ...options.config,
        },
      },
    ];
  }

  /** The users in Iterable: address, or else user id → fields. */
  get users(): Record<string, Data> {
    return Object.fromEntries(
      this.harness.standin.store
        .users()
        .map(({ email, userId, dataFields }) => [
          email ?? userId ?? '',
          { ...(email !== undefined && userId !== undefined ? { userId } : {}), ...dataFields },
        ]),
    );
  }
}

/** Longer than `mixWindowMs`, within which the stand-in reports single-user and bulk calls for one user. */
const BETWEEN_SYNCS_MS = 120_000;

/** Runs the test with a stand-in and a fresh ledger. The stand-in's clock advances by two minutes after each sync. */
export async function withSyncs(
  ledger: LedgerBackend,
  config: Data,
  test: (syncs: Syncs) => Promise<void>,
  options: StandinOptions = {},
): Promise<void> {
  let passed = 0;
  await withHarness({ now: () => Date.now() + passed, ...options }, (harness) =>
    test(
      new Syncs(harness, ledger, config, () => {
        passed += BETWEEN_SYNCS_MS;
      }),
    ),
  );
}

/** Opens ledgers in the test's own process, as a run does, to test the interface that all backends implement. */
import { expect } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import type { HeldEntry, Ledger, LedgerChanges } from '../../src/ledger/ledger.ts';
import { openLedger, type LedgerOption, type OpenOptions } from '../../src/ledger/open.ts';
import { TestFiles } from './connector.ts';
import type { LedgerBackend, LedgerOwner } from './ledgers.ts';

export type NewEntry = NonNullable<LedgerChanges['entries']>[number];

export interface SeamOptions extends Partial<Omit<OpenOptions, 'project'>> {
  readonly name?: string;
  readonly scope?: string;
  readonly project?: Partial<OpenOptions['project']>;
  /** Merged over the backend's own option. */
  readonly option?: Record<string, unknown>;
}

/** A location for one ledger. Ledgers that a test leaves open are closed at its end. */
export class Seam implements LedgerOwner {
  readonly files = new TestFiles();
  readonly backend: LedgerBackend;
  readonly #open: Ledger[] = [];

  constructor(backend: LedgerBackend) {
    this.backend = backend;
  }

  async open(options: SeamOptions = {}): Promise<Ledger> {
    const { name, scope, project, option, ...rest } = options;
    const place = { ...(name === undefined ? {} : { name }), ...(scope === undefined ? {} : { scope }) };
    const ledger = await openLedger({ ...this.backend.option(this, place), ...option } as LedgerOption, {
      project: { apiKey: 'key-1', dataCenter: 'us', projectType: 'hybrid', ...project },
      streams: [{ name: 'users' }],
      access: 'write',
      retry: { clock: systemClock, retryBudgetMs: 10_000 },
      ...rest,
    });
    if (!ledger) throw new Error('The option configures no ledger');
    this.#open.push(ledger);
    return ledger;
  }

  /** The ids of the streams that the ledger was opened with. */
  static ids(ledger: Ledger): number[] {
    return ledger.own.map(({ id }) => id);
  }

  async end(): Promise<void> {
    for (const ledger of this.#open) await ledger.close();
    this.files.remove();
  }
}

/** Runs the test with a fresh location for a ledger. */
export async function withSeam(backend: LedgerBackend, test: (seam: Seam) => Promise<void>): Promise<void> {
  const seam = new Seam(backend);
  try {
    await test(seam);
  } finally {
    await seam.end();
  }
}

/** An entry of the stream with this key. */
export function anEntry(stream: number, key: string, more: Partial<NewEntry> = {}): NewEntry {
  return {
    stream,
    key,
    email: `${key}@x.com`,
    valuesHash: `hash of ${key}`,
    targets: ['email'],
    lists: new Map(),
    origin: 'upsert',
    seen: 1,
    ...more,
  };
}

/** The entry without its address. */
export function withoutEmail({ ...entry }: NewEntry & { email?: unknown }): NewEntry {
  delete entry.email;
  return entry;
}

/** The entry as the ledger returns it after it was written. */
export function held(entry: NewEntry, more: Partial<HeldEntry> = {}): HeldEntry {
  return { ...entry, id: expect.any(Number) as unknown as number, isPendingDeletion: false, ...more };
}

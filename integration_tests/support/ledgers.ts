/** The ledgers that tests run against, each a fresh one. */
import type { Harness } from './harness.ts';

export interface LedgerBackend {
  readonly name: string;
  /** The option `ledger` for this test. */
  readonly option: (harness: Harness, place?: Record<string, string>) => Record<string, unknown>;
}

export const BACKENDS: readonly LedgerBackend[] = [
  {
    name: 'sqlite',
    option: (harness, place = {}) => ({
      type: 'sqlite',
      path: harness.files.path('ledger.sqlite'),
      ...place,
    }),
  },
];

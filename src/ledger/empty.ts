/** What a ledger looks like that is not there yet, to those who only read. */
import type { Ledger, LedgerOpening, LedgerStream } from './ledger.ts';

/** The streams of the opening under ids that no ledger gives. */
export function missingStreams({ scope, streams }: LedgerOpening): LedgerStream[] {
  return streams.map((stream, index) => ({ id: -1 - index, scope, stream, state: '' }));
}

/** Holds nothing and takes nothing. */
export function emptyLedger(opening: LedgerOpening): Ledger {
  return {
    own: missingStreams(opening),
    streams: () => Promise.resolve([]),
    find: () => Promise.resolve(new Map()),
    holders: () => Promise.resolve([]),
    count: () => Promise.resolve(0),
    commit: () => Promise.reject(new Error('This ledger is only read')),
    countAbsent: () => Promise.resolve({ upserted: 0, enriched: 0 }),
    unseen: () => Promise.resolve([]),
    doomAbsent: () => Promise.reject(new Error('This ledger is only read')),
    nextDoomed: () => Promise.resolve([]),
    pardon: () => Promise.resolve(0),
    close: () => Promise.resolve(),
  };
}

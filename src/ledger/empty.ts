/** The read-only view of a ledger that does not exist yet. */
import type { Ledger, LedgerOpening, LedgerStream } from './ledger.ts';

/** The opening's streams, with negative ids, which no ledger assigns. */
export function missingStreams({ scope, streams }: LedgerOpening): LedgerStream[] {
  return streams.map((stream, index) => ({ id: -1 - index, scope, stream, state: '' }));
}

/** A ledger without entries that refuses all writes. */
export function emptyLedger(opening: LedgerOpening): Ledger {
  return {
    own: missingStreams(opening),
    streams: () => Promise.resolve([]),
    find: () => Promise.resolve(new Map()),
    fieldHashes: () => Promise.resolve(new Map()),
    holders: () => Promise.resolve([]),
    count: () => Promise.resolve(0),
    commit: () => Promise.reject(new Error('This ledger is only read')),
    countMissing: () => Promise.resolve({ upserted: 0, enriched: 0 }),
    unseen: () => Promise.resolve([]),
    decideDeletions: () => Promise.reject(new Error('This ledger is only read')),
    nextPendingDeletions: () => Promise.resolve([]),
    cancelDeletions: () => Promise.resolve(0),
    recentlyDeleted: () => Promise.resolve([]),
    close: () => Promise.resolve(),
  };
}

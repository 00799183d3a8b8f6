/** Runs with full replacements, at their end: what of their streams was there, and what was absent. */
import type { HeldEntry, Ledger } from '../../src/ledger/ledger.ts';
import type { StreamState } from '../../src/diff/stream-state.ts';
import type { DiffStream } from '../../src/diff/streams.ts';
import { anEntry } from './rows.ts';
import { aLedgerFile, aRoutedStream, openFile, REPLACED, startRun, type StreamCase } from './streams.ts';

export interface ReplacedStream extends StreamCase {
  /** Rows that the snapshot had, and rows that it did not have. */
  readonly present?: number;
  readonly absent?: number;
  /** What the absent rows' entries are besides. */
  readonly entry?: Partial<HeldEntry>;
  /** What is known by the end of the run of the stream, its snapshot and this run, where that is not the usual. */
  readonly state?: Partial<StreamState>;
  readonly open?: Partial<NonNullable<StreamState['open']>>;
  readonly hasRecord?: boolean;
  readonly isVerified?: boolean;
}

const opened: Ledger[] = [];

/** To be called after each test. */
export async function closeLedgers(): Promise<void> {
  await Promise.all(opened.splice(0).map((ledger) => ledger.close()));
}

/** A run at its end, with a full replacement of each stream: `s1`, `s2`… */
export async function aReplacingRun(...cases: readonly ReplacedStream[]) {
  const routed = cases.map((each, at) => aRoutedStream({ name: `s${at + 1}`, ...REPLACED, ...each }));
  const ledger = await openFile(aLedgerFile(), routed);
  opened.push(ledger);
  const rows = cases.map(({ present = 0, absent = 0, entry }, at) => {
    const stream = ledger.own[at]?.id ?? 0;
    const some = (count: number, name: string, rest: Partial<HeldEntry> = {}) =>
      Array.from({ length: count }, (_, n) =>
        anEntry({ stream, key: `${name}${n}`, email: `${name}${n}@s${at + 1}`, ...rest }),
      );
    return { stream, present: some(present, 'here'), absent: some(absent, 'away', entry) };
  });
  await ledger.commit({ entries: rows.flatMap(({ present, absent }) => [...present, ...absent]) });
  const streams = await startRun(ledger, routed);
  await ledger.commit({
    present: rows.map(({ stream, present }) => ({ stream, snapshot: 2, rows: present })),
  });
  for (const [at, stream] of streams.entries()) {
    const { state, open, hasRecord = true } = cases[at] ?? {};
    stream.hasRecord = hasRecord;
    Object.assign(stream.state, state);
    if (stream.state.open) Object.assign(stream.state.open, { hasRecord: true }, open);
  }
  const isProven = (stream: DiffStream) => cases[streams.indexOf(stream)]?.isVerified ?? true;
  return { ledger, streams, isProven };
}

/**
 * What was exported last time, by stream and primary key. An interface small enough that two backends keep it the same
 * way; what an entry means for a sync is for `sync` to say.
 */
import type { StreamId } from '../model.ts';

/** What one record left behind. No personal data besides the identifiers. */
export interface LedgerEntry {
  /** The primary key as one text, else the identifier. Well-formed, without a NUL, and short enough for an index. */
  readonly key: string;
  readonly email?: string;
  readonly userId?: string;
  /** Of the values as they were sent; base64, at most 43 characters. Empty while calls for the row may have changed anything. */
  readonly valuesHash: string;
  /** Names of the mapped fields that were written, sorted; empty where nothing was mapped. */
  readonly targets: readonly string[];
  /** List name → whether the record put the user on it or took the user off. */
  readonly lists: ReadonlyMap<string, boolean>;
  /** Whether the connector may have created the user, or only enriched it. */
  readonly origin: 'upsert' | 'enrich';
}

/** An entry as the ledger holds it. */
export interface HeldEntry extends LedgerEntry {
  /** The ledger's own number for it, never given to another one; absent where the ledger has none. */
  readonly id?: number;
  /** {@link LedgerStream.id} of the stream that it belongs to. */
  readonly stream: number;
  /**
   * The snapshot in which it was last present; 0 where there was none. Marks are kept of a stream's last snapshot alone, so
   * that an earlier one may be told in the place of a snapshot that is over.
   */
  readonly seen: number;
  /** Decided to be removed, and not carried out yet. */
  readonly isDoomed: boolean;
}

/** An entry that is to be removed. */
export interface DoomedEntry extends HeldEntry {
  /** An entry that is not doomed, in whatever stream or scope of the project, holds its address or id: the person stays. */
  readonly isHeld: boolean;
}

export interface LedgerStream {
  readonly id: number;
  /** Tells connections apart that have streams of one name. */
  readonly scope: string;
  readonly stream: StreamId;
  /** JSON text of whoever keeps state by stream; empty at first. */
  readonly state: string;
}

/** A row that was in the input: its key, and its entry's {@link HeldEntry.id}, if that is known. */
export interface PresentRow {
  readonly key: string;
  readonly id?: number | undefined;
}

/** Part of one transaction. Each list may be left out; of entries and dropped ones a key comes once. */
export interface LedgerChanges {
  /** Written, whole, in the place of what was there; present in the snapshot `seen`; no longer doomed. */
  readonly entries?: readonly (LedgerEntry & { readonly stream: number; readonly seen: number })[];
  readonly dropped?: readonly { readonly stream: number; readonly key: string }[];
  /** Present in the snapshot, unchanged; whoever was doomed is not any more, and loses its hash. Rows without an entry are passed over. */
  readonly present?: readonly {
    readonly stream: number;
    readonly snapshot: number;
    readonly rows: readonly PresentRow[];
  }[];
  readonly states?: readonly { readonly stream: number; readonly state: string }[];
}

/** A stream's snapshot that has been proven. */
export interface ProvenSnapshot {
  readonly stream: number;
  readonly snapshot: number;
  /** The stream's state from now on. */
  readonly state: string;
}

/**
 * The ledger of one project, as one run has it open. Everything may be repeated after a lost answer. Throws
 * TransientError when the ledger is away for too long, or is no longer this run's.
 */
export interface Ledger {
  /** The streams of this run, in the order in which they were asked for. */
  readonly own: readonly LedgerStream[];
  /** Every stream of the project, those of other scopes included. */
  streams(): Promise<readonly LedgerStream[]>;
  /** Entries by key; keys without one are missing. */
  find(stream: number, keys: readonly string[]): Promise<ReadonlyMap<string, HeldEntry>>;
  /** Every entry of the project, in whatever stream and scope, that holds one of these addresses or ids. */
  holders(people: {
    readonly emails: readonly string[];
    readonly userIds: readonly string[];
  }): Promise<readonly HeldEntry[]>;
  /** Entries of the stream. */
  count(stream: number): Promise<number>;
  /** One transaction. */
  commit(changes: LedgerChanges): Promise<void>;
  /** Entries that were last seen before this snapshot, by origin. */
  countAbsent(
    stream: number,
    snapshot: number,
  ): Promise<{ readonly upserted: number; readonly enriched: number }>;
  /** Entries of the stream that are doomed, or were last seen before this snapshot: the next ones after this key, in the order of keys. */
  unseen(stream: number, snapshot: number, after: string, limit: number): Promise<readonly HeldEntry[]>;
  /**
   * One transaction for all streams together: entries last seen before their stream's snapshot are doomed. Gives for each
   * stream how many people are to be removed, and how many stay: those who were only enriched, or whom an entry holds, in
   * whatever stream or scope of the project, that is not doomed.
   */
  doomAbsent(
    snapshots: readonly ProvenSnapshot[],
  ): Promise<readonly { readonly stream: number; readonly removed: number; readonly staying: number }[]>;
  /** Some doomed entries of these streams, at most `limit`. */
  nextDoomed(streams: readonly number[], limit: number): Promise<readonly DoomedEntry[]>;
  /** Nobody is doomed any more; whoever was loses its hash, since its removal may have begun. Gives how many were. */
  pardon(streams: readonly number[]): Promise<number>;
  close(): Promise<void>;
}

/** How a ledger is opened. */
export interface LedgerOpening {
  /** The project's name of its own, else a text that only its key leads to. */
  readonly project: {
    readonly name: string;
    readonly isNamed: boolean;
    readonly dataCenter: string;
    readonly projectType: string;
  };
  readonly scope: string;
  readonly streams: readonly StreamId[];
  /** `read` writes nothing, not even what is missing: that is empty then. */
  readonly access: 'write' | 'read';
}

/** Whether a sync has the ledger open at this very moment, which is no fault. */
export type LedgerUse = 'free' | 'in use';

/**
 * What was exported so far, by stream and primary key. The interface is small, so that both backends can implement it in the
 * same way. It does not interpret entries; the sync does.
 */
import type { StreamId } from '../model.ts';

/** Under which conditions an entry was written. */
export interface EntryConditions {
  /** The generation of an incremental stream, where the sender counts them: a higher one asks for each row once more. */
  readonly generation?: number | undefined;
  /** The identity configuration: primary key, identify_by, project type. */
  readonly basis: string;
  /** By which rules the values were hashed. */
  readonly hashVersion: number;
}

/** What the ledger remembers of a row. It contains no personal data besides the identifiers. */
export interface LedgerEntry {
  /** The primary key as one text, or the identifier if there is none. Well-formed, without NUL, short enough for an index. */
  readonly key: string;
  readonly email?: string;
  readonly userId?: string;
  /**
   * The hash of the values as they were sent; base64, at most 43 characters. Empty is the mark that the row is to be sent again
   * as a whole: calls for it are unconfirmed, it lost its duplicate, or its removal was cancelled.
   */
  readonly valuesHash: string;
  /** Names of the mapped fields that were written, sorted; empty if none was mapped. */
  readonly targets: readonly string[];
  /** List name → true if the record added the user to the list, false if it removed the user. */
  readonly lists: ReadonlyMap<string, boolean>;
  /** Whether the connector may have created the user, or only enriched it. */
  readonly origin: 'upsert' | 'enrich';
  /** Absent in an entry of an older version. */
  readonly conditions?: EntryConditions | undefined;
}

/** An entry as it is written. */
export interface NewEntry extends LedgerEntry {
  readonly stream: number;
  readonly seen: number;
  /** Short hashes of the fields that Iterable has of the row ({@link Ledger.fieldHashes}). Absent: those stored stay. */
  readonly fieldHashes?: Uint8Array | undefined;
}

/** An entry as stored in the ledger. */
export interface HeldEntry extends LedgerEntry {
  /** The ledger's number for the entry, never reused; absent for an entry that is not stored yet. */
  readonly id?: number;
  /** {@link LedgerStream.id} of the stream that it belongs to. */
  readonly stream: number;
  /**
   * The last snapshot in which the row was present; 0 if there was none. Presence is kept for a stream's latest snapshot only;
   * so for earlier snapshots, the number may be too low.
   */
  readonly seen: number;
  /** Pending deletion: the removal is decided but not yet carried out. */
  readonly isPendingDeletion: boolean;
}

/** An entry that is pending deletion. */
export interface PendingDeletion extends HeldEntry {
  /**
   * Another entry, in any stream or scope of the project, holds the same address or user id and is not pending deletion. So
   * the user must not be removed.
   */
  readonly isHeld: boolean;
}

export interface LedgerStream {
  readonly id: number;
  /** Separates connections that have streams with the same name. */
  readonly scope: string;
  readonly stream: StreamId;
  /** JSON text that the ledger does not interpret; empty at first. */
  readonly state: string;
}

/** A row that was in the input: its key, and the {@link HeldEntry.id} of its entry if known. */
export interface PresentRow {
  readonly key: string;
  readonly id?: number | undefined;
}

/** Changes to be made in one transaction. In `entries` and `dropped` together, a key occurs at most once. */
export interface LedgerChanges {
  /** Entries that replace the stored ones as a whole. They are present in the snapshot `seen`, and no longer pending deletion. */
  readonly entries?: readonly NewEntry[];
  readonly dropped?: readonly { readonly stream: number; readonly key: string }[];
  /**
   * Rows that are present in the snapshot and unchanged. An entry that was pending deletion no longer is, and its hash is
   * cleared. Rows without an entry are ignored.
   */
  readonly present?: readonly {
    readonly stream: number;
    readonly snapshot: number;
    readonly rows: readonly PresentRow[];
  }[];
  readonly states?: readonly { readonly stream: number; readonly state: string }[];
}

/** A stream's snapshot that is known to be complete, so that missing rows are deleted rows. */
export interface ProvenSnapshot {
  readonly stream: number;
  readonly snapshot: number;
  /** The new state of the stream. */
  readonly state: string;
}

/**
 * The ledger of one project, opened by one run. Each operation may be repeated after a lost answer. Operations throw
 * TransientError when the ledger is unavailable for too long, or when another run has taken it over.
 */
export interface Ledger {
  /** The streams of this run, in the order of the opening. */
  readonly own: readonly LedgerStream[];
  /** Every stream of the project, those of other scopes included. */
  streams(): Promise<readonly LedgerStream[]>;
  /** Entries by key; keys without an entry are left out. */
  find(stream: number, keys: readonly string[]): Promise<ReadonlyMap<string, HeldEntry>>;
  /**
   * The short hashes of the fields, by key of the entry; those of entries without any are left out. Apart from {@link find},
   * since only changed rows need them.
   */
  fieldHashes(stream: number, keys: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
  /** Every entry of the project, in any stream and scope, that holds one of these addresses or user ids. */
  holders(people: {
    readonly emails: readonly string[];
    readonly userIds: readonly string[];
  }): Promise<readonly HeldEntry[]>;
  /** The number of entries of the stream. */
  count(stream: number): Promise<number>;
  /** Makes the changes in one transaction. */
  commit(changes: LedgerChanges): Promise<void>;
  /** Counts the entries that were last seen before this snapshot, by origin. */
  countMissing(
    stream: number,
    snapshot: number,
  ): Promise<{ readonly upserted: number; readonly enriched: number }>;
  /** The next entries of the stream after this key, in key order, that are pending deletion or were last seen before this snapshot. */
  unseen(stream: number, snapshot: number, after: string, limit: number): Promise<readonly HeldEntry[]>;
  /**
   * Marks the entries last seen before their stream's snapshot as pending deletion, in one transaction for all streams.
   * Returns for each stream how many of its users are to be removed, and how many stay: those that were only enriched, or
   * that are held by another entry (in any stream or scope of the project) which is not pending deletion.
   */
  decideDeletions(
    snapshots: readonly ProvenSnapshot[],
  ): Promise<readonly { readonly stream: number; readonly removed: number; readonly staying: number }[]>;
  /** Some entries of these streams that are pending deletion, at most `limit`. */
  nextPendingDeletions(streams: readonly number[], limit: number): Promise<readonly PendingDeletion[]>;
  /**
   * Cancels all pending deletions of these streams and returns their number. The hashes of the entries are cleared, since a
   * removal may already have begun.
   */
  cancelDeletions(streams: readonly number[]): Promise<number>;
  close(): Promise<void>;
}

/** How to open a ledger. */
export interface LedgerOpening {
  /** `name` is the configured name, or else a hash of the API key. */
  readonly project: {
    readonly name: string;
    readonly isNamed: boolean;
    readonly dataCenter: string;
    readonly projectType: string;
  };
  readonly scope: string;
  readonly streams: readonly StreamId[];
  /** With `read`, nothing is written, and nothing missing is created: it counts as empty. */
  readonly access: 'write' | 'read';
}

/** Whether a sync has the ledger open at present; `in use` is not an error. */
export type LedgerUse = 'free' | 'in use';

/**
 * What was exported so far, by stream and primary key. The interface is small, so that both backends can implement it in the
 * same way. It does not interpret entries; the sync does.
 */
import type { DeletedIdentity, Identities, StreamId } from '../model.ts';

/** How long the ledger keeps who was deleted. */
export const DELETED_KEPT_MS = 60 * 60_000;

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
   * What the row's last record names besides, while its user was not written: the record was rejected, or its call is unconfirmed.
   * Users who are named so stay in Iterable.
   */
  readonly named?: Identities;
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
   * What keeps the user in Iterable: another entry, in any stream or scope of the project, that has its address or user id and is
   * not pending deletion. `named`: such entries only name it ({@link LedgerEntry.named}), and a deletion that was decided before stays pending.
   */
  readonly heldBy: 'entry' | 'named' | undefined;
}

/** What {@link PendingDeletion.heldBy} says of an entry whose user others hold, or name. */
export function heldBy({
  isHeld,
  isNamed,
}: {
  readonly isHeld: boolean;
  readonly isNamed: boolean;
}): PendingDeletion['heldBy'] {
  if (isHeld) return 'entry';
  return isNamed ? 'named' : undefined;
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

export interface RowPlace {
  readonly stream: number;
  readonly key: string;
}

/** Changes to be made in one transaction. In `entries` and `dropped` together, a key occurs at most once. */
export interface LedgerChanges {
  /** Entries that replace the stored ones as a whole. They are present in the snapshot `seen`, and no longer pending deletion. */
  readonly entries?: readonly NewEntry[];
  readonly dropped?: readonly RowPlace[];
  /** Rows whose last record was rejected: their entries, new ones if need be, name whom it names, and are present in `seen`. */
  readonly named?: readonly (RowPlace & { readonly named: Identities; readonly seen: number })[];
  /** Entries that become unconfirmed: their hash is cleared, so that their rows are sent again. Applied last. */
  readonly stale?: readonly RowPlace[];
  /** Users who were just deleted. */
  readonly deleted?: readonly DeletedIdentity[];
  /** Identities that no deleted user has any longer, as texts. */
  readonly free?: readonly string[];
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

/** What the decision about a snapshot comes to. */
export interface DecidedDeletions {
  readonly stream: number;
  /** Users to be removed. */
  readonly removed: number;
  /** Users who stay: they were only enriched, or another entry holds or names them. */
  readonly staying: number;
  /** Entries of the stream that hold a user; 0 where nobody is to be removed. */
  readonly entries: number;
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
  /** The number of entries of the stream that hold a user. */
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
   * Marks the entries last seen before their stream's snapshot as pending deletion, in one transaction for all streams. If
   * `accept` returns false for what that comes to, nothing is marked, and the states of the streams stay as they are. Entries that
   * were pending deletion before do not count. Whom only rejected records name is not marked: the next snapshot decides anew.
   */
  decideDeletions(
    snapshots: readonly ProvenSnapshot[],
    accept: (decided: readonly DecidedDeletions[]) => boolean,
  ): Promise<readonly DecidedDeletions[]>;
  /** Some entries of these streams that are pending deletion, at most `limit`. */
  nextPendingDeletions(streams: readonly number[], limit: number): Promise<readonly PendingDeletion[]>;
  /**
   * Cancels all pending deletions of these streams and returns their number. The hashes of the entries are cleared, since a
   * removal may already have begun.
   */
  cancelDeletions(streams: readonly number[]): Promise<number>;
  /** Users who were deleted in the last `ms` milliseconds, also by other runs: the oldest first, each with how long ago that was. */
  recentlyDeleted(ms: number): Promise<readonly (DeletedIdentity & { readonly agoMs: number })[]>;
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

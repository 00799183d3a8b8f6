/** A record between its mapping and its outcome. perf ("Fewer steps for each record" in docs/performance.md): they all have one shape. */
import type { UserRequest } from '../batching/user-request.ts';
import type { Ticket } from '../checkpoint/tracker.ts';
import type { Row } from '../diff/row.ts';
import type { UserChange } from '../model.ts';
import type { Load } from './backlog.ts';
import type { RecordPlace } from './sync-log.ts';

/** A record that has been counted and tracked: it has to be settled once. */
export interface TrackedRecord extends RecordPlace {
  readonly streamKey: string;
  readonly emittedAt: number;
  /** As one text; undefined where the stream or the record has none. */
  readonly primaryKey: string | undefined;
  /** The record's line, where rejected records are stored; otherwise undefined, to save memory. */
  readonly text: string | undefined;
  readonly ticket: Ticket;
  /** With a ledger: the record's row there, unless it has no key. */
  readonly row: Row | undefined;
}

export interface PendingRecord extends TrackedRecord, Load {
  /** Without values once the record only waits for list calls. */
  change: UserChange;
  /** When it was taken, by the clock. */
  readonly since: number;
  /** An upsert's own request, until it is sent. */
  request: UserRequest | undefined;
  /** With a ledger: see {@link QueuedRecord}. */
  readonly rowToken: string | undefined;
  readonly previousIdentities: readonly string[];
}

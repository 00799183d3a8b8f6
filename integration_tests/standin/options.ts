/** The options of a stand-in. */
import type { WrongTypeStyle } from './bulk-update.ts';
import type { ListOptions } from './lists.ts';
import type { StoreOptions } from './store.ts';

export interface StandinOptions extends StoreOptions, ListOptions {
  readonly apiKey?: string;
  readonly port?: number;
  /** Multiplies the published rate limits; Infinity removes them. */
  readonly limitScale?: number;
  /** Calls a second of each endpoint for which Iterable publishes no limit; not multiplied by `limitScale`. */
  readonly hiddenLimit?: number;
  readonly wrongTypeStyle?: WrongTypeStyle;
  /** The project's setting for requests without createNewFields. */
  readonly createNewFields?: boolean;
  /** After how many look-ups of the user a deletion is finished; 0 at once. Until then, no other user can have its identities. */
  readonly lookUpsUntilGone?: number;
  /** Delays the answers of calls that write, so that calls overlap. */
  readonly latencyMs?: number;
  /** The status for a deletion of an unknown user id: 400 was recorded from Iterable, comparable connectors report 404. */
  readonly unknownUserIdStatus?: 200 | 400 | 404;
  /** The maximum number of user fields, including nested ones; a call that would exceed it is refused as a whole. */
  readonly maxFields?: number;
  /** The status for an erased user in a single-user call, and with `forgottenStyle: 'whole'` in a bulk call. */
  readonly forgottenStatus?: 400 | 409;
  /** An erased user in a bulk call fails alone (`lists`) or fails the whole request (`whole`). */
  readonly forgottenStyle?: 'lists' | 'whole';
  /** Larger bodies are refused with an HTML page, as by a gateway in front of Iterable. */
  readonly gatewayMaxBytes?: number;
  /** The status of users/update when another user has the address or the id. */
  readonly conflictStatus?: 400 | 409;
  /** What users/updateEmail checks first. It decides which error a repeated change gets. */
  readonly updateEmailChecksFirst?: 'newEmail' | 'current';
  /**
   * Whether to report a bulkUpdate of a user within `mixWindowMs` after a single-user call; with `both`, also the opposite
   * order. Calls for lists don't count.
   */
  readonly refuseMixing?: boolean | 'both';
  /** By the stand-in's clock. */
  readonly mixWindowMs?: number;
  readonly now?: () => number;
  /** Waits by the same clock. */
  readonly sleep?: (ms: number) => Promise<void>;
}

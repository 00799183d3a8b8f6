/** How a stand-in is set up. */
import type { WrongTypeStyle } from './bulk-update.ts';
import type { ListOptions } from './lists.ts';
import type { StoreOptions } from './store.ts';

export interface StandinOptions extends StoreOptions, ListOptions {
  readonly apiKey?: string;
  readonly port?: number;
  /** Multiplies the published limits; Infinity lifts them. */
  readonly limitScale?: number;
  readonly wrongTypeStyle?: WrongTypeStyle;
  /** The project's own setting, for requests without createNewFields. */
  readonly createNewFields?: boolean;
  /** A deletion is done this many look-ups of the user later; 0 at once. Until then its address and id are taken. */
  readonly lookUpsUntilGone?: number;
  /** Answers of calls that write come this much later, so that calls overlap. */
  readonly latencyMs?: number;
  /** What a deletion of an unknown userId answers: recordings have 400, peers report 404. */
  readonly unknownUserIdStatus?: 200 | 400 | 404;
  /** So many user fields the project may have, nested ones counted; a call that would create one more is refused whole. */
  readonly maxFields?: number;
  /** Of a user who was erased: alone in a single-user call, and with `forgottenStyle: 'whole'` for a whole bulk call. */
  readonly forgottenStatus?: 400 | 409;
  /** An erased user of a bulk call fails alone (`lists`) or the whole request (`whole`). */
  readonly forgottenStyle?: 'lists' | 'whole';
  /** A gateway before Iterable takes no larger body, and says so in HTML. */
  readonly gatewayMaxBytes?: number;
  /** What users/update answers when another user has the address or the id. */
  readonly conflictStatus?: 400 | 409;
  /** What users/updateEmail looks at first: it decides the error for a change that was already made. */
  readonly updateEmailChecksFirst?: 'newEmail' | 'current';
  /**
   * Whether a bulkUpdate of a user soon after a single-user call is reported; with `both`, the other order as well.
   * Lists' calls do not count.
   */
  readonly refuseMixing?: boolean | 'both';
  /** How long "soon" is, by the stand-in's clock. */
  readonly mixWindowMs?: number;
  readonly now?: () => number;
}

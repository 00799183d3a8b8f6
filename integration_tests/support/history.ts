/** Successive syncs with a ledger, as plain data. */

export interface StreamSetup {
  readonly name: string;
  readonly kind: 'overwrite' | 'refresh' | 'incremental';
  readonly hasKey: boolean;
  readonly isEnriched: boolean;
}

export interface Row {
  readonly stream: string;
  readonly data: {
    readonly [column: string]: unknown;
    readonly id?: number;
    readonly email?: string;
    readonly userId?: string;
    readonly was?: string;
    readonly vip?: boolean | null;
    readonly segments?: readonly string[] | null;
    readonly level?: string;
    readonly deleted?: true;
  };
}

export type Rule =
  | { readonly kind: 'names'; readonly source: 'segments'; readonly stream?: string }
  | { readonly kind: 'flag'; readonly source: 'vip'; readonly list: string; readonly stream?: string }
  | { readonly kind: 'all'; readonly list: string; readonly stream?: string };

export interface HistorySync {
  readonly mode: 'sync' | 'additive';
  readonly removal: 'delete_user' | 'remove_from_lists';
  readonly resends: boolean;
  /** The removal guard, in percent: 100 lets any number go, 0 none. */
  readonly maxRemovals: 0 | 100;
  /** Stream → column → target. */
  readonly targets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly rules: readonly Rule[];
  readonly generations: Readonly<Record<string, number>>;
  readonly statuses: Readonly<Record<string, 'COMPLETE' | 'INCOMPLETE' | undefined>>;
  readonly rows: readonly Row[];
  /** The run is cut off at this call of its removals, if it makes that many. */
  readonly cutOffAt?: number;
  /** It was cut off there. */
  readonly cutOff?: CutOff;
}

/** What is left of a run that was cut off in its removals. */
export interface CutOff {
  /** Whether it had decided on the users that its own snapshots lack. */
  readonly isDecided: boolean;
  /** The users in Iterable by user id, else address. */
  readonly people: Readonly<Record<string, { readonly lists: readonly string[] }>>;
}

export interface History {
  readonly projectType: 'hybrid' | 'email' | 'user_id';
  readonly identifyBy: 'email' | 'user_id';
  readonly hasPrevious: boolean;
  /** Of a changed row only the changed fields are sent. */
  readonly changedFieldsOnly: boolean;
  /** How many more look-ups show a deleted user: its deletion takes that long, also from one sync to the next. */
  readonly lookUpsUntilGone: number;
  readonly streams: readonly StreamSetup[];
  readonly known: readonly { readonly email?: string; readonly userId?: string }[];
  readonly syncs: readonly HistorySync[];
}

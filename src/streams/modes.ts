/** The sync modes as a table of what a record may do in Iterable. */

export type SyncMode = 'sync' | 'additive' | 'enrich';

interface Allowed {
  /** Whether users who are not in Iterable are created. */
  readonly create: boolean;
  readonly remove: boolean;
}

export const SYNC_MODES: Readonly<Record<SyncMode, Allowed>> = {
  sync: { create: true, remove: true },
  additive: { create: true, remove: false },
  enrich: { create: false, remove: false },
};

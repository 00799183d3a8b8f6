/** The sync modes as a table of what a record may do in Iterable. */

export type SyncMode = 'sync' | 'additive';

interface Allowed {
  readonly create: boolean;
  readonly update: boolean;
  readonly remove: boolean;
}

export const SYNC_MODES: Readonly<Record<SyncMode, Allowed>> = {
  sync: { create: true, update: true, remove: true },
  additive: { create: true, update: true, remove: false },
};

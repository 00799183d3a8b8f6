/** What both backends read of a run's project and streams. */
import type { LedgerStream } from './ledger.ts';

/** A run's project, and its streams in the order in which they were asked for. */
export interface Enrolled {
  readonly project: number;
  readonly own: readonly LedgerStream[];
}

/** A stream's columns, alike in both. */
export interface StreamRow {
  readonly id: number;
  readonly scope: string;
  /** Empty for none. */
  readonly namespace: string;
  readonly name: string;
  readonly state: string;
}

export function toStream({ id, scope, namespace, name, state }: StreamRow): LedgerStream {
  return { id, scope, stream: namespace === '' ? { name } : { name, namespace }, state };
}

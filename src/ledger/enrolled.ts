/** A run's project and streams, as both backends read them. */
import type { StreamId } from '../model.ts';
import type { LedgerStream } from './ledger.ts';

/** A run's project, and its streams in the order of the opening. */
export interface Enrolled {
  readonly project: number;
  readonly own: readonly LedgerStream[];
}

/** A stream's columns, the same in both backends. */
export interface StreamRow {
  readonly id: number;
  readonly scope: string;
  /** Empty for a stream without a namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly state: string;
}

export function toStream({ id, scope, namespace, name, state }: StreamRow): LedgerStream {
  return { id, scope, stream: namespace === '' ? { name } : { name, namespace }, state };
}

/** A stream's namespace and name as one text, to find it by. */
export function streamText({ namespace = '', name }: StreamId): string {
  return JSON.stringify([namespace, name]);
}

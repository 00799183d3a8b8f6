/** What many entries have in common, as one text: the fields and lists that were written, and the origin. */
import type { Identities } from '../model.ts';
import type { LedgerEntry } from './ledger.ts';

export type Written = Pick<LedgerEntry, 'targets' | 'lists' | 'origin'>;

/** Of a row whose user was never written. */
export const NOTHING_WRITTEN: Written = { origin: 'enrich', targets: [], lists: new Map() };

/** The same text for all entries with the same targets, lists and origin. */
export function writtenText({ targets, lists, origin }: Written): string {
  const sorted = [...lists].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([origin, targets, Object.fromEntries(sorted)]);
}

export function parseWritten(text: string): Written {
  const [origin, targets, lists] = JSON.parse(text) as [
    LedgerEntry['origin'],
    string[],
    Record<string, boolean>,
  ];
  return Object.freeze({ origin, targets: Object.freeze(targets), lists: new Map(Object.entries(lists)) });
}

export function toIdentities(email: string | null, userId: string | null): Identities {
  return { ...(email === null ? {} : { email }), ...(userId === null ? {} : { userId }) };
}
